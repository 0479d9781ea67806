"""What the author of a hidden check uses, and what runs the checks."""
