"""The course in the browser: an offline Pyodide, and a JupyterLite site around a release."""
