"""Cells with magics as the Python that they are to a notebook's names: most magics change none."""

from __future__ import annotations

import keyword
import re

# Each can bind nothing: it shows something, sets something of IPython, or has to do with files and other programs.
_QUIET = {
    "alias", "autoawait", "autocall", "automagic", "autoreload", "autosave", "bookmark", "cat", "cd", "clear",
    "colors", "conda", "config", "cp", "dhist", "dirs", "doctest_mode", "env", "gui", "hist", "history",
    "killbgscripts", "ldir", "less", "lf", "lk", "ll", "ls", "lsmagic", "lx", "magic", "mamba", "man", "matplotlib",
    "micromamba", "mkdir", "more", "mv", "notebook", "page", "pastebin", "pdb", "pdef", "pdoc", "pfile", "pinfo",
    "pinfo2", "pip", "popd", "pprint", "precision", "psearch", "psource", "pushd", "pwd", "pycat", "quickref",
    "rehashx", "rm", "rmdir", "save", "set_env", "sx", "system", "tb", "unalias", "uv", "who", "who_ls", "whos",
    "writefile", "xmode",
}  # fmt: skip
_QUIET_CELLS = {
    "!", "HTML", "SVG", "file", "html", "javascript", "js", "latex", "markdown", "svg", "sx", "system", "writefile",
}  # fmt: skip
_PROGRAMS = {"bash", "perl", "pypy", "python", "python2", "python3", "ruby", "script", "sh"}
"""Cell magics that run another program, and bind names to what it prints by `--out`, `--err` and `--proc`."""
_LINE = re.compile(r"(?P<before>(?:\w[\w, ]*=\s*)?)%(?P<name>\w+)[ \t]*(?P<rest>.*)")
_SHELL = re.compile(r"(?P<before>(?:\w[\w, ]*=\s*)?)!.*")
_HELP = re.compile(r"(?P<before>)(?:\?{1,2}[\w.*%]+|%{0,2}[\w.*]+\?{1,2})\s*")
_CELL = re.compile(r"\s*%%(?P<name>!|\w+)[ \t]*(?P<line>[^\n]*)\n?(?P<body>.*)", re.DOTALL)
_OPTION = re.compile(r"(?:^|\s)-")


def as_python(source: str) -> str | None:
    """Return Python that binds and looks up the same names as a cell that is not Python; None if nobody can say.

    ``%run``, ``%reset``, ``%load`` and whatever else is not known may bind any name.
    """
    if whole := _CELL.fullmatch(source):
        return _cell(whole["name"], whole["line"].strip(), whole["body"])
    lines = source.split("\n")
    found = [_line(line) for line in lines]
    if found == [source] and not _QUIET.isdisjoint(source.split()[:1]):  # IPython itself puts the % before it
        return "pass"
    return None if None in found else "\n".join(map(str, found))


def _cell(name: str, line: str, body: str) -> str | None:
    if name in _QUIET_CELLS or (name in _PROGRAMS and not _OPTION.search(line)):
        return "pass"
    if name == "timeit":
        return _timed(f"{line}\n{body}")
    inside = None if body.lstrip().startswith("%%") else as_python(body)
    if inside is None or name not in ("time", "capture", "prun"):
        return None
    kept = [word for word in line.split() if not word.startswith("-")] if name == "capture" else []
    return "\n".join([inside, *(f"{word} = None" for word in kept)])


def _line(line: str) -> str | None:
    text = line.lstrip()
    indent = line[: len(line) - len(text)]
    if quiet := _SHELL.fullmatch(text) or _HELP.fullmatch(text):
        return indent + _nothing(quiet["before"])
    magic = _LINE.fullmatch(text)
    if magic is None:
        return line
    name, rest, before = magic["name"], magic["rest"].strip(), magic["before"]
    if name in ("time", "prun") and rest and not _OPTION.match(rest):
        return indent + before + rest
    if name in _QUIET or (name, rest) == ("load_ext", "autoreload"):
        return indent + _nothing(before)
    if name in ("time", "timeit") and (timed := _timed(rest)) is not None:
        return indent + before + timed
    return None


def _timed(code: str) -> str | None:
    """Return what looks up the names that timed code may look up; what it binds is its own."""
    found = set(re.findall(r"[^\W\d]\w*", code))
    return None if "global" in found else f"[{', '.join(sorted(found - set(keyword.kwlist)))}]"


def _nothing(before: str) -> str:
    """Return a statement that does nothing but bind what it begins with."""
    return f"{before}None" if before else "pass"
