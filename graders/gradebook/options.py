"""Options in a course's configuration that nobody reads, or whose value is not allowed, are refused with their file.

nbgrader says nothing of an option that it does not know: a mistyped one would leave a safety setting as it was.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from traitlets import TraitError
from traitlets.config import Config, Configurable

from graders.gradebook.nbgrader_api import CONFIG

LOCAL = "nbgrader_config_local.py"
_NEAR = 0.75
T = TypeVar("T", bound=Configurable)


def configured(kind: type[T], config: Config, root: Path) -> T:
    """Return an instance of `kind` with what the configuration of the course at `root` says.

    Raises
    ------
    ValueError
        If it has an option that `kind` does not have, a value that is not allowed, or a class with almost its name.
    """
    name, known = kind.__name__, sorted(kind.class_trait_names(config=True))
    for section in config:
        if section != name and get_close_matches(section, [name], cutoff=_NEAR):
            raise ValueError(f"{place_of(root, section)}: there is no c.{section}; did you mean c.{name}?")
    for option in config.get(name, {}):
        if option not in known:
            near = get_close_matches(option, known, 1, cutoff=0)[0]
            raise ValueError(
                f"{place_of(root, option)}: c.{name} has no option {option}; did you mean {near}? "
                f"It has {', '.join(known)}"
            )
    try:
        made: T = kind(config=config)
    except TraitError as error:
        named = re.search(r"'(\w+)' trait", str(error))
        raise ValueError(f"{place_of(root, named[1] if named else name)}: {error}") from None
    return made


def place_of(root: Path, word: str) -> str:
    """Return the file of the course that sets an option; the last that does counts."""
    for path in (root / LOCAL, root / CONFIG):
        if path.is_file() and re.search(rf"\b{re.escape(word)}\b", path.read_text(encoding="utf-8")):
            return str(path)
    return "the command line, or nbgrader_config.py of the machine or the user (`jupyter --paths` lists folders)"
