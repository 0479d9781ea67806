"""All that touches nbgrader: its API, the hooks by which it calls us, its gradebook, its feedback."""
