"""Hidden checks: one module a notebook, one class an exercise, one test a named check. Staff only."""
