"""Run once in the browser's Python, before the kernel asks for it: what every notebook imports first, and a figure.

Nobody sees that figure; fonts and formulas are ready then. What a cell imports later costs more: Python looks for it
among the notebook's files first, and asks the page for each. Two things that IPython imports at once wait until they
are used: the completions' Jedi, and the terminal, with which nobody in a page begins.
"""
# ruff: noqa: E402, F401, I001
# mypy: ignore-errors
# The order of the imports is the point here, and most of the modules are the browser's alone.

import io
import sys
import types


class Later(types.ModuleType):
    """Stands for Jedi in IPython's completer until that asks something of it."""

    settings = types.SimpleNamespace()  # the completer sets one thing there

    def __getattr__(self, name):
        if name.startswith("__") or "jedi" in waiting:
            raise AttributeError(name)
        import jedi.api.classes
        import jedi.api.helpers

        vars(jedi.settings).update(vars(self.settings))
        sys.modules["IPython.core.completer"].jedi = jedi
        return getattr(jedi, name)


def terminal(name):
    """Import IPython's terminal when it is asked for."""
    if name not in ("embed", "terminal"):
        raise AttributeError(f"module 'IPython' has no attribute {name!r}")
    import IPython.terminal.embed

    IPython.embed = IPython.terminal.embed.embed
    return getattr(IPython, name)


waiting = {name: Later(name) for name in ("jedi", "jedi.api", "jedi.api.helpers", "jedi.api.classes")}
waiting["IPython.terminal.embed"] = types.SimpleNamespace(embed=None)
sys.modules.update(waiting)
try:
    import IPython
    import IPython.core.completer
finally:
    for name in waiting:
        del sys.modules[name]
    waiting.clear()
del IPython.embed
IPython.__getattr__ = terminal

import piplite.piplite
import pyodide_kernel  # it tells matplotlib where figures go, so it is first
import matplotlib.pyplot
import matplotlib_inline.backend_inline
import numpy.random
from matplotlib.figure import Figure

import sheaflab

figure = Figure((1, 1))
figure.subplots().set_title("$x^1$")
figure.savefig(io.BytesIO())
