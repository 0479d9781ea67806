"""nbgrader's feedback page, readable for everybody, without the network and on paper."""

from __future__ import annotations

from typing import Any

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List

from graders.gradebook.formulas import FROM_AFAR
from graders.gradebook.markup import AS_MATHML, markdown2html

# Against #f5f5f5 and nbgrader's blue these reach the ratio of 4.5 that WCAG asks for; the stock colours do not.
_STYLE = """
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  .anchor-link, .panel-heading a, .panel-heading a:visited { color: #1d4f7c; text-decoration: underline; }
  div.nbgrader_cell .panel-heading a, div.nbgrader_cell .panel-heading a:visited { color: #fff; }
  div.nbgrader_cell .panel-heading { height: auto; min-height: 37px; display: flow-root; }
  a[href^="#hints-"] { color: #1d4f7c; text-decoration: underline; }
  details > summary { display: list-item; cursor: pointer; }
  .highlight .c, .highlight .c1, .highlight .cm { color: #2d6464; }
  .highlight pre, .output_area pre { white-space: pre-wrap; overflow: visible; }
  pre { word-break: normal; overflow-wrap: anywhere; }
  .output_area img, .rendered_html img { max-width: 100% !important; height: auto !important; }
  .output_subarea { min-width: 0; }
  .rendered_html table { border-collapse: collapse; margin: 0.6em 0; }
  .rendered_html th, .rendered_html td { border: 1px solid #bbb; padding: 0.2em 0.6em; }
  math { font-size: 1.1em; }
  math[display="block"] { margin: 0.6em 0; overflow-x: auto; }
  @media print {
    body { font-size: 11px; }
    .container { width: auto; }
    .output_area, .panel-heading, details, img { break-inside: avoid; }
    details > p { display: block; }
  }
  .highlight .ow, .highlight .nd { color: #7a12c4; }
  .highlight .se { color: #7a3f0e; }
  .highlight .si, .highlight .sr { color: #863f5e; }
</style>
"""


class PageStep(NbGraderPreprocessor):  # type: ignore[misc]
    """A step on the way to a page, with the option that nbconvert's exporter sets for every step."""

    display_data_priority = List(help="Not used here: without it, each page would warn.").tag(config=True)


class ReadableExporter(HTMLExporter):  # type: ignore[misc]
    """nbgrader's own page, with contrast and labels for accessibility, and formulas that need no network."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Render a text cell as formgrader does, whether the configuration names that filter or not."""
        return str(markdown2html(context, source))

    def from_notebook_node(self, nb: Any, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Render as nbgrader does, then add what makes the page accessible."""
        resources = self._init_resources(resources)
        resources[AS_MATHML] = True
        page, resources = super().from_notebook_node(nb, resources, **kwargs)
        return mended(FROM_AFAR.sub("", page)), resources


def mended(page: str) -> str:
    """Return the page with its language, our styles and a label for each figure."""
    page = page.replace('alt="No description has been provided for this image"', 'alt="figure drawn by this cell"')
    return page.replace("<html>", '<html lang="en">', 1).replace("</head>", f"{_STYLE}</head>", 1)
