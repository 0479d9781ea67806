"""What was downloaded from a learning platform, on its way into `submitted/`: whose it is, which notebook, and when."""
