"""The course in the browser: a Pyodide distribution, a JupyterLite site around the release, and the way back in.

* :mod:`graders.site.pyodide`: `graders pyodide`, the offline distribution, from pinned wheels.
* :mod:`graders.site.build`: `graders site`, the site.
* :mod:`graders.site.collect`: `graders collect`, downloaded notebooks into nbgrader's `submitted` folder.
"""
