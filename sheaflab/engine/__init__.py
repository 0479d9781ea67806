"""Engines of the exact scheme: each follows the flow through its modes; :mod:`sheaflab.engine.choice` chooses one."""
