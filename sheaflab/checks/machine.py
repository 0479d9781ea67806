"""What runs here: an error may come from a difference to the machine on which an answer was written."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "scipy", "matplotlib")
"""All that an answer needs."""
_MODULE = re.compile(r"(?:No module named|The module) '([\w.]+)'")  # Pyodide has a text of its own
_NAME = re.compile(
    r"module '(numpy|scipy|matplotlib)[\w.]*' has no attribute|cannot import name '\w+' from '(numpy|scipy|matplotlib)|"
    r"`np\.\w+` was (?:removed|a deprecated)|No module named '(numpy|scipy|matplotlib)\."
)
_STANDARD = re.compile(r"(?:cannot import name '\w+' from|module) '(\w+)[\w.]*'(?: has no attribute| \()")
_FENCE = re.compile(r"^[ \t]*`{3,}[^\n]*\n(?:[ \t^]*\n)?[ \t]*SyntaxError: invalid syntax", re.MULTILINE)
_NEWER = re.compile(r"SyntaxError: (?:f-string|invalid syntax|expected '[(:]'|multiple exception types)")
_BLANK = re.compile(r"invalid (?:non-printable )?character")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that an answer may use, by name.

    >>> sorted(versions())[0]
    'Python'
    """
    found = {"Python": ".".join(map(str, sys.version_info[:3]))}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def difference(error: str) -> str:
    """Say whether an error may come from what runs here, and what to do; empty if nothing points to that.

    Parameters
    ----------
    error : str
        Type and message of an exception, or a text that has them.

    Returns
    -------
    str
    """
    known = versions()
    here = " in this browser" if sys.platform == "emscripten" else " here"
    if found := _NAME.search(error):
        name = next(filter(None, found.groups()), "numpy")
        return f"{name} {known.get(name, '')}{here} has no such name: it is of another version"
    if (found := _MODULE.search(error)) is not None:
        name = found[1].partition(".")[0]
        listed = ", ".join(f"{package} {known.get(package, '')}".rstrip() for package in PACKAGES)
        return (
            f"there is no `{name}`{here}, only Python's own modules, {listed} and sheaflab; if {name}.py is a file of "
            "yours, it belongs beside the notebook"
        )
    if (found := _STANDARD.search(error)) is not None and found[1] in sys.stdlib_module_names:
        return f"Python {known['Python']} runs{here}, and its `{found[1]}` has no such name: a newer one may have it"
    if _FENCE.search(error):
        return "the line of ``` belongs to a text, not to code: take it out, and make the cell a code cell"
    if _BLANK.search(error):
        return "the line holds a character that looks like a blank or a sign and is another: type it anew"
    if _NEWER.search(error):
        return f"Python {known['Python']} runs{here}: what only a newer one can read is an error"
    return ""
