"""Pages from templates: what goes into a page is text, unless a template says that it is markup."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: Path, **values: object) -> str:
    """Return what a template makes of `values`; one that is missing is an error. On pages, each is escaped.

    Raises
    ------
    jinja2.UndefinedError
        If the template names a value that is not given.
    """
    pages = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=template.suffix == ".html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return pages.get_template(template.name).render(values)
