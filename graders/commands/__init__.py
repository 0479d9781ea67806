"""The command line: one thin module per command; argparse is used here alone."""
