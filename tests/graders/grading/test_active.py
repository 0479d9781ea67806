"""What of a submission a browser may run stays where no browser gets it; a drawing that is a picture does not."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import pytest

from graders.grading import active
from graders.grading.active import is_active, is_plain_drawing, plain_drawings

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


@pytest.mark.parametrize(
    "name",
    [
        "evil.html", "EVIL.HTM", "a/b/evil.xhtml", "evil.xht", "evil.shtml", "evil.mhtml", "evil.mht", "evil.xml", "evil.xsl",
        "evil.svg", "evil.SvgZ", "evil.js", "evil.mjs", "data.csv.html", "evil.html ", "evil.html.", "evil.rdf", "evil.kml", "a.eml",
    ],
)  # fmt: skip
def test_a_browser_may_run_it(name):
    assert is_active(name)


@pytest.mark.parametrize(
    "name",
    [
        "data.csv", "notes.txt", "README", "table.json", "run.npz", "photo.JPG", "plot.png", "paper.pdf", "report.docx",
        "sheet.xlsx", "html", "data.zip", "notes.md", "own.py", "timestamp.txt", "submission_secret.txt",
    ],
)  # fmt: skip
def test_no_browser_runs_it(name):
    assert not is_active(name)


def drawn():
    figure, (one, two) = plt.subplots(1, 2)
    one.plot([1, 2, 4], label="$x^2$ @ 3")
    one.legend()
    one.fill_between([0, 1], [1, 2], hatch="/")
    two.imshow([[1, 2], [3, 4]])
    two.scatter([0, 1], [1, 0], clip_on=True)
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    plt.close(figure)
    return file.getvalue()


INKSCAPE = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<svg xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns="http://www.w3.org/2000/svg"
     xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" width="21mm" height="297mm" viewBox="0 0 210 297"
     version="1.1" id="svg5" inkscape:version="1.2" sodipodi:docname="a.svg">
  <sodipodi:namedview id="namedview7" pagecolor="#ffffff" /><defs id="defs2" />
  <g inkscape:label="Layer 1" id="layer1"><rect style="fill:url(#a);stroke:none" id="r" width="7" height="7" x="2" y="3" />
  <text xml:space="preserve" x="1" y="2">me@home.org \\ a</text></g></svg>"""


@pytest.mark.parametrize(
    "raw",
    [
        SVG.format('<g id="a"><circle r="3" fill="red"/></g><use href="#a"/><use xlink:href="#a"/>').encode(),
        SVG.format('<image xlink:href="data:image/png;base64,iVBORw0KGgo=" width="3"/>').encode(),
        INKSCAPE.encode(),
        SVG.format('<g data-name="Layer 1" aria-label="a plot" role="img"><circle data-x-1="2" aria-hidden="true"/></g>').encode(),
        SVG.format('<g id="a"><use href="#b"/></g><path id="b"/>' + 1000 * '<use href="#a"/>').encode(),
        SVG.format('<path id="a"/>' + 20_000 * '<use href="#a"/>').encode(),
        SVG.format('<clipPath id="a"><rect/></clipPath>' + 20_000 * '<path clip-path="url(#a)"/>').encode(),
    ],
)
def test_a_picture(raw):
    assert is_plain_drawing(raw)


def copies(element="use", attribute='href="#{}"', levels=9):
    """A drawing in which each level has ten of the one below it."""
    one = f"<{element} {attribute}/>"
    level = "".join(f'<g id="a{i}">{10 * one.format(f"a{i - 1}")}</g>' for i in range(1, levels + 1))
    return SVG.format(f'<defs><g id="a0"><rect width="1"/></g>{level}</defs><use href="#a{levels}"/>').encode()


@pytest.mark.parametrize(
    "raw",
    [
        copies(),
        copies(attribute='xlink:href="#{}"'),
        SVG.format('<g id="a">' + 200 * "<rect/>" + '</g><g id="b">' + 200 * '<use href="#a"/>' + "</g>" + 200 * '<use href="#b"/>').encode(),
        SVG.format('<g id="b"><g id="c">' + 200 * '<use href="#a"/>' + "</g></g>" + 200 * '<use href="#c"/>' + '<path id="a"/>').encode(),
        copies(attribute='href="#{}"').replace(b"#a8", b"#%618"),
        copies("rect", 'fill="url(#{})"').replace(b"<g ", b"<pattern ").replace(b"</g>", b"</pattern>"),
        copies("rect", "style=\"mask: URL( '#{}' )\""),
        SVG.format('<path id="a" d="' + 100_000 * "M1 1" + '"/>' + 1000 * '<use href="#a"/>').encode(),
        SVG.format('<g id="a">' + 1000 * "<rect/>" + "</g>" + 1000 * '<use href="#a"/>').encode(),
        SVG.format('<path id="z"/>' + 20_000 * '<use href="#none"/>' + '<g id="a">' + 200 * "<rect/>" + "</g>" + 100 * '<use href="#a"/>').encode(),
        SVG.format('<g id="a"><use href="#b"/><use href="#b"/></g><g id="b"><use href="#a"/><use href="#a"/></g>').encode(),
    ],
)
def test_a_drawing_whose_copies_multiply_is_no_picture(raw):
    assert not is_plain_drawing(raw)


def test_a_scatter_of_many_points_is_a_picture():
    figure, axes = plt.subplots()
    axes.scatter(range(20_000), range(20_000), c=range(20_000))
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    plt.close(figure)
    assert is_plain_drawing(file.getvalue())


def test_what_matplotlib_draws_is_a_picture():
    assert is_plain_drawing(drawn())


ACTING = [
    "<script>alert(1)</script>",
    "<SCRIPT/>",
    '<x:script xmlns:x="http://www.w3.org/2000/svg"/>',
    '<h:script xmlns:h="http://www.w3.org/1999/xhtml"/>',
    '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><script/></r:RDF>',
    "<foreignObject/>",
    '<g onload="alert(1)"/>',
    '<g ONCLICK="alert(1)"/>',
    '<a href="javascript:alert(1)"><circle/></a>',
    '<use href="http://evil.example/a.svg#x"/>',
    '<use xlink:href="data:image/svg+xml;base64,AA=="/>',
    '<use href=" #a"/>',
    '<image href="http://evil.example/track.png"/>',
    '<image href="data:image/svg+xml;base64,AA=="/>',
    '<image href="//evil.example/x.png"/>',
    '<set attributeName="href" to="javascript:alert(1)"/>',
    '<animate attributeName="href" values="javascript:alert(1)"/>',
    "<style>@import 'http://evil.example/x.css';</style>",
    "<style>* { fill: url(http://evil.example/x) }</style>",
    "<style><![CDATA[* { fill: u\\72l(http://evil.example/x) }]]></style>",
    '<g style="fill: URL( http://evil.example/x )"/>',
    '<g fill="url(&quot;http://evil.example/x&quot;)"/>',
    '<g style="background: image-set(\'http://evil.example/x\' 1x)"/>',
    '<g xml:base="http://evil.example/"><use href="#a"/></g>',
    '<g unknown="1"/>',
    "<filter><feImage href='#a'/></filter>",
    "<?xml-stylesheet href='http://evil.example/x.xsl'?>",
    "<g>" * 200 + "</g>" * 200,
    "<g>",
]


@pytest.mark.parametrize("content", ACTING)
def test_more_than_a_picture(content):
    assert not is_plain_drawing(SVG.format(content).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
        b"<svg/>",
        SVG.format("").encode("utf-16"),
        b'<?xml version="1.0" encoding="iso-2022-jp"?>' + SVG.format("").encode(),
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG.format("").encode(),
        b'<!DOCTYPE svg SYSTEM "http://evil.example/x.dtd">' + SVG.format("").encode(),
        b"<?xml-stylesheet href='x.xsl'?>" + SVG.format("").encode(),
        SVG.format("").encode() + b"<script/>",
        SVG.format("".join(f'<g id="{i}"/>' for i in range(active.MOST_NAMES + 1))).encode(),
        SVG.format("<desc>" + "a" * active.LARGEST + "</desc>").encode(),
        b"\xff\xd8",
        b"\x1f\x8b\x08",
    ],
)
def test_what_is_not_read_as_a_picture(raw):
    assert not is_plain_drawing(raw)


def test_drawings_by_path():
    plain = SVG.format("").encode()
    files = {"a/plot.SVG": plain, "b.svg": b"<svg/>", "c.svg": None, "d.xml": plain, "e.svgz": plain}
    assert plain_drawings(files) == {"a/plot.SVG"}
