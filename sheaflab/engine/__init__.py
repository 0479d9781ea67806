"""The exact integrator's engines: each follows the flow through its modes; :mod:`sheaflab.exact` chooses one."""
