"""One submission: from a file to a result, a pure function."""
