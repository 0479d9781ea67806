"""Pages from templates: what goes into one is text, unless a template says that it is markup."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: Path, **values: object) -> str:
    """Return the page that a template makes of `values`; each is escaped, and one that is missing is an error.

    Raises
    ------
    jinja2.UndefinedError
        If the template names a value that is not given.
    """
    pages = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return pages.get_template(template.name).render(values)
