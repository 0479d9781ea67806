"""Files of a submission that a browser may run: pages, programs, and drawings that are more than a picture.

formgrader serves the files beside a notebook from its own address, so that whatever runs there has a marker's rights.
"""

from __future__ import annotations

import mimetypes
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePath
from urllib.parse import unquote
from xml.parsers import expat

RUNS = "a browser may run it"
"""Why a file is not copied to where pages lie."""
LARGEST = 8 * 2**20
"""Bytes of a drawing that is looked through."""
MOST_COPIED = 10_000
"""Elements that a drawing's copies of others may add, beside one for each place that asks for a copy."""
MOST_NAMES = 50_000
"""Elements of a drawing that may have an id. A histogram by matplotlib has one per bar."""
_RUN = frozenset({
    ".html", ".htm", ".xhtml", ".xhtm", ".xht", ".shtml", ".shtm", ".stm", ".mhtml", ".mht", ".hta", ".htc",
    ".eml", ".xml", ".xsl", ".xslt", ".xbl", ".xul", ".rdf", ".rss", ".atom", ".mathml", ".mml", ".wml", ".dtd",
    ".svg", ".svgz", ".js", ".mjs", ".cjs", ".vbs", ".swf", ".wasm",
})  # fmt: skip
_RUN_TYPE = re.compile(r"html|[/+-]xml|(?:java|ecma|j|vb)script|^message/|^multipart/|shockwave-flash")
"""Kinds of content, by the table of this machine, from which its web server says what a file is."""
_SVG, _XLINK = "http://www.w3.org/2000/svg ", "http://www.w3.org/1999/xlink "
_XML = "http://www.w3.org/XML/1998/namespace "
_SAYING = (  # what programs that draw say of themselves; to a browser it is nothing
    "http://www.w3.org/1999/02/22-rdf-syntax-ns# ", "http://purl.org/dc/elements/1.1/ ",
    "http://creativecommons.org/ns# ", "http://web.resource.org/cc/ ", "http://www.inkscape.org/namespaces/inkscape ",
    "http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd ",
)  # fmt: skip
_ELEMENTS = frozenset({
    "svg", "g", "defs", "symbol", "use", "title", "desc", "metadata", "style", "path", "rect", "circle", "ellipse",
    "line", "polyline", "polygon", "text", "tspan", "textPath", "image", "marker", "mask", "pattern", "clipPath",
    "linearGradient", "radialGradient", "stop", "switch",
})  # fmt: skip
_ATTRIBUTES = frozenset({
    "id", "class", "style", "type", "version", "baseProfile", "viewBox", "preserveAspectRatio", "transform", "d",
    "points", "pathLength", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "fr", "dx",
    "dy", "rotate", "width", "height", "offset", "media", "lang", "overflow", "display", "visibility", "opacity",
    "color", "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap",
    "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "vector-effect",
    "paint-order", "clip-path", "clip-rule", "clipPathUnits", "mask", "maskUnits", "maskContentUnits",
    "marker-start", "marker-mid", "marker-end", "markerWidth", "markerHeight", "markerUnits", "refX", "refY",
    "orient", "patternUnits", "patternContentUnits", "patternTransform", "gradientUnits", "gradientTransform",
    "spreadMethod", "stop-color", "stop-opacity", "font", "font-family", "font-size", "font-style", "font-weight",
    "font-variant", "font-stretch", "text-anchor", "text-decoration", "text-rendering", "letter-spacing",
    "word-spacing", "dominant-baseline", "alignment-baseline", "baseline-shift", "textLength", "lengthAdjust",
    "role", "startOffset", "shape-rendering", "image-rendering", "color-interpolation", "mix-blend-mode", "isolation",
})  # fmt: skip
_FETCHES = re.compile(r"@|\\|url\((?!\s*[\"']?#)|(?:image|image-set|src|expression)\s*\(|script:|data:", re.IGNORECASE)
"""In a style: what leads out of the drawing, or may stand for that."""
_PIXELS = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
_SAYS = re.compile(r"(?:data|aria)-[a-z0-9_.-]+")
_OWN = re.compile(r"url\(\s*[\"']?#([^)\"']*)", re.IGNORECASE)
_DEEPEST = 100


def is_active(path: str) -> bool:
    """Whether a file may be run by a browser, by its name; so may any drawing, see :func:`is_plain_drawing`."""
    name = PurePath(path).name.lower().rstrip(" .")
    return PurePath(name).suffix in _RUN or bool(_RUN_TYPE.search(mimetypes.guess_type(name)[0] or ""))


def plain_drawings(files: Mapping[str, bytes | None]) -> frozenset[str]:
    """Return the paths of the drawings that are pictures and no more."""
    drawings = {path: raw for path, raw in files.items() if path.lower().endswith(".svg")}
    return frozenset(path for path, raw in drawings.items() if raw is not None and is_plain_drawing(raw))


class _More(Exception):
    """A drawing has more than a picture needs."""


def is_plain_drawing(raw: bytes) -> bool:
    """Whether a file is SVG of elements and attributes that are known to do nothing: no script, no link, no entity."""
    if len(raw) > LARGEST:
        return False
    styles, inside, copies = list[str](), list[str](), _Copies()

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(inside) > _DEEPEST or (not inside and name != f"{_SVG}svg"):
            raise _More
        inside.append(name)
        copies.begin(attributes)
        if name.startswith(_SAYING):
            return
        element = name.removeprefix(_SVG)
        if element == name or element not in _ELEMENTS:
            raise _More
        for attribute, value in attributes.items():
            _vet(element, attribute, value)

    def end(name: str) -> None:
        inside.pop()
        copies.end()

    def text(content: str) -> None:
        if inside[-1:] == [f"{_SVG}style"]:
            styles.append(content)

    def refuse(*_: object) -> None:
        raise _More

    def declaration(version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() != "utf-8":
            raise _More

    def document_type(name: str, system: str | None, public: str | None, has_own: bool) -> None:
        if has_own or not (public or "").startswith("-//W3C//DTD SVG"):
            raise _More

    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = text
    parser.XmlDeclHandler, parser.StartDoctypeDeclHandler = declaration, document_type
    parser.ProcessingInstructionHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(raw.decode("utf-8"), True)
    except (_More, expat.ExpatError, ValueError):
        return False
    return not copies.multiply() and not _FETCHES.search("".join(styles))


class _Copies:
    """What of a drawing is drawn again by what else, counted by the nearest element around it that has an id."""

    def __init__(self) -> None:
        self._around = [""]
        self._sizes: Counter[str] = Counter()
        self._within, self._again, self._painted = (defaultdict[str, Counter[str]](Counter) for _ in range(3))

    def begin(self, attributes: Mapping[str, str]) -> None:
        """Count an element; a long one, such as a path of many points, as several."""
        around = self._around[-1]
        here = attributes.get("id") or around
        if here != around:
            self._within[around][here] += 1
        self._around.append(here)
        if len(self._sizes) > MOST_NAMES:
            raise _More
        self._sizes[here] += 1 + sum(map(len, attributes.values())) // 1000
        for name, value in attributes.items():
            if name in ("href", f"{_XLINK}href"):
                if value.startswith("#"):
                    self._again[here][unquote(value[1:])] += 1
            else:
                self._painted[here].update(unquote(name) for name in _OWN.findall(value))

    def end(self) -> None:
        self._around.pop()

    def multiply(self) -> bool:
        """Whether copies add more than may be, or have themselves within."""
        parts = (self._within, self._again, self._painted)
        graph = {name: {other for part in parts for other in part.get(name, ())} for name in list(self._sizes)}
        alone, drawn, none = Counter[str](), Counter[str](), Counter[str]()
        try:
            for name in TopologicalSorter(graph).static_order():
                size = self._sizes[name]
                alone[name] = size + sum(alone[part] * count for part, count in self._within.get(name, none).items())
                more = (drawn[other] * count for part in parts for other, count in part.get(name, none).items())
                drawn[name] = min(size + sum(more), 10**15)  # beyond any bound; numbers of 10,000 digits take time
        except CycleError:
            return True
        once = sum(count for asked in self._again.values() for name, count in asked.items() if self._sizes[name])
        masks = sum(alone[name] * count for asked in self._painted.values() for name, count in asked.items())
        return drawn[""] - alone[""] - once - masks > MOST_COPIED


def _vet(element: str, attribute: str, value: str) -> None:
    if attribute in ("href", f"{_XLINK}href"):
        allowed = value.startswith("#") or (element == "image" and _PIXELS.fullmatch(value))
    elif attribute.startswith((_XLINK, _XML)):
        allowed = attribute in (f"{_XLINK}type", f"{_XLINK}title", f"{_XML}space", f"{_XML}lang")
    else:
        allowed = attribute.startswith(_SAYING) or bool(_SAYS.fullmatch(attribute))
        allowed = allowed or (attribute in _ATTRIBUTES and not _FETCHES.search(value))
    if not allowed:
        raise _More
