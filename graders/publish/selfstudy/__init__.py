"""The self-study edition: a second wheel with checks and keys, and the folder that carries everything."""
