"""All of the graders that enters the sandbox; nothing here imports the rest of them."""
