"""Requirements of an environment with the oldest versions that the library admits: `python -m tests.floors`.

One a line, for pip: numpy, scipy and matplotlib pinned to their floors in pyproject.toml, and what tests/sheaflab needs. It
runs there with `-W ignore::DeprecationWarning`: these versions call what their newer dependencies have since deprecated.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
TOOLS = ("pytest", "pytest-xdist", "hypothesis", "mpmath", "ipywidgets", "python-flint")


def floors(dependencies: list[str]) -> list[str]:
    """Return each requirement pinned to the version after its `>=`.

    Raises
    ------
    ValueError
        If a requirement has not exactly one `>=`.
    """
    pinned = []
    for text in dependencies:
        requirement = Requirement(text)
        lowest = [bound.version for bound in requirement.specifier if bound.operator == ">="]
        if len(lowest) != 1:
            raise ValueError(f"{text!r} in pyproject.toml must name its oldest version with one >=")
        pinned.append(f"{requirement.name}=={lowest[0]}")
    return pinned


def tools(extras: dict[str, list[str]]) -> list[str]:
    """Return the requirements of the extras whose names are in `TOOLS`."""
    found = {Requirement(text).name: text for texts in extras.values() for text in texts}
    return [found[name] for name in TOOLS]


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    print("\n".join(floors(project["dependencies"]) + tools(project["optional-dependencies"])))
