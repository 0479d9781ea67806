"""nbgrader, and nothing else: its API, its doors, its gradebook, its feedback."""
