"""Text of students as harmless markup: the filters with which formgrader and feedback render their pages.

``course/nbgrader_config.py`` names them for nbconvert's HTMLExporter, which makes both.
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import unquote

from bleach.sanitizer import Cleaner
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

from graders.gradebook.formulas import Formulas

AS_MATHML = "formulas_as_mathml"
"""Among a page's resources: whether its formulas are to be set without MathJax."""
LONGEST = 50_000
"""Characters of a cell that are read as Markdown, pictures not counted; a longer one is shown as it was typed."""
_TEXT = ("abbr", "b", "br", "code", "del", "em", "i", "kbd", "s", "span", "strong", "sub", "sup", "u")
_BLOCKS = ("blockquote", "details", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "p", "pre", "summary")
_LISTS = ("dd", "dl", "dt", "li", "ol", "ul", "table", "tbody", "td", "tfoot", "th", "thead", "tr")
_TAGS = frozenset(("a", "img", *_TEXT, *_BLOCKS, *_LISTS))
_LINK = re.compile(r"(?:https?://|mailto:|#)[^\s\\]*", re.I)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")
_WEB = re.compile(r"(?:https?|ftp):|//", re.I)
_FROM_THE_WEB = "(a picture from the web, left out; a page shows what is pasted into the notebook)"
_NOT_SHOWN = "(a picture that a page cannot show, left out)"
_OWN_FILE = re.compile(r"(?!files/)(?!\.)[^/\\:?#\x00-\x1f]+(?:/(?!\.)[^/\\:?#\x00-\x1f]+)*", re.I)
_CLASS = re.compile(r"highlight|hl-[a-z0-9]+|hll|[a-z][a-z0-9]{0,2}|anchor-link")
_TAG = r"<(?:\"[^\"]*\"|'[^']*'|[^>\"'])*+>"
_WORDS = (
    r"href|url|class|cssId|style|data|require|mmlToken|bbox|includegraphics|unicode|label"  # links, ids, styles
    r"|[gex]?def|let|futurelet|(?:re)?new(?:command|environment|tagform)|providecommand|Declare[A-Za-z]*|definecolor"
    r"|Newextarrow|usetagform|mathtoolsset|abovewithdelims"  # these change other formulas of the page
)
_SPACE = r"(?:\s|&nbsp;|<br ?/?>)*+"  # MathJax reads over a line's end
_LABEL = re.compile(r"\\label\s*\{[^{}]*\}")
# Lengths matter from three digits on, where a macro takes one: as its next argument, or as a later one.
_UNIT = r"(?i:em|ex|px|pt|pc|mu|cm|mm|in)"
_LENGTH = rf"[{{\[]?{_SPACE}[-+]?{_SPACE}(?:[0-9]{_SPACE}){{3,}}+(?:[.,](?:[0-9]{_SPACE})*+)?+{_UNIT}"
_BRACED = r"\{(?:[^{}\\]|\\.|\{[^{}]*+\})*+\}|\[[^\[\]]*+\]"
_ARGUMENT = rf"(?:{_BRACED}|[-+]?[0-9.,]++{_SPACE}{_UNIT}|\\(?:[A-Za-z]++|.)|[^\sA-Za-z0-9{{}}\[\]\\])"
_NEXT = r"(?:[hv]space|mspace|raisebox|shove(?:left|right)|begin\{spreadlines\}|cr|\\)(?![A-Za-z])"
_LATER = rf"(?:[rR]ule|Space|genfrac|begin\{{multlined\}})(?![A-Za-z])(?:{_SPACE}{_ARGUMENT}){{0,2}}?"
_SHIFTS = (
    r"(?:[hmv]skip|m?kern|raise|lower|moveleft|moveright|above)"
    r"(?=(?:[^A-Za-z]|&nbsp;|<br ?/?>)*(?<![0-9.,])[0-9]{3})(?![A-Za-z])"
)
_SIZES = rf"(?:{_NEXT}\*?|{_LATER}){_SPACE}{_LENGTH}"
_ACTS = re.compile(rf"({_TAG})|\\(?=(?:{_WORDS}|{_SHIFTS})(?![A-Za-z])|{_SIZES})", re.DOTALL)
"""What of a student's TeX reaches beyond its formula, with MathJax; and tags, in which there is none."""
_HIDES = re.compile("[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_AROUND = (  # formgrader's page has no other place for a style of ours
    '<div class="written" style="contain: paint; overflow: auto; border-left: 3px solid #767676; padding-left: 8px">'
)


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """Return a text cell as HTML without the student's tags; links lead to the web or to mail, and nothing is fetched.

    Links are kept with http(s) and mailto, pictures as data of four formats or as files handed in beside the notebook.
    Formulas are left to MathJax, or are MathML where the page says so by :data:`AS_MATHML`.
    """
    formulas = Formulas(source) if context.get("resources", {}).get(AS_MATHML) else None
    cell = context.get("cell") or {}
    info = cell.get("metadata", {}).get("nbgrader", {})
    theirs = bool(info.get("solution") or not info.get("locked"))
    if theirs:
        source = visible(source).replace("&lt;", "<")  # as typed; what makes a tag of it becomes text below
    if len(_PICTURE.sub("", source)) > LONGEST:
        page = f"<pre>{html.escape(source)}</pre>"
    else:
        pictures = cell.get("attachments", {})
        renderer = _Renderer(formulas, theirs, escape=theirs, exclude_anchor_links=theirs, attachments=pictures)
        page = _cleaner(theirs).clean(MarkdownWithMath(renderer=renderer).render(source))
    if theirs:
        page = _ACTS.sub(lambda found: found[1] or f"{found[0]}<span></span>", page)  # MathJax takes no element
    if formulas is not None:
        page = formulas.put_into(page)
    if not theirs:
        return page
    return f"{_AROUND}{page}</div>" if source == visible(cell.get("source", "")).replace("&lt;", "<") else page


def highlight_code(source: str, language: str | None = None, metadata: Any = None) -> str:
    """Return code in colours; characters that change the order of others are written as their numbers."""
    return str(Highlight2HTML(pygments_lexer="ipython3")(visible(source), language, metadata))


def visible(text: str) -> str:
    """Return text in which invisible characters, and those that change the order of others, are written as numbers.

    >>> visible("a\u202eb")
    'a⟨U+202E⟩b'
    """
    return _HIDES.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


class _Renderer(IPythonRenderer):  # type: ignore[misc]
    """nbconvert's renderer, which shows a note for a picture that is missing or would be fetched, and does not stop.

    If `formulas` is given, it takes the formulas. A student's lose their labels, which would name places of the page.
    """

    def __init__(self, formulas: Formulas | None, theirs: bool, **options: Any) -> None:
        super().__init__(**options)
        self.formulas, self.theirs = formulas, theirs

    def _unnamed(self, body: str) -> str:
        return _LABEL.sub("", body) if self.theirs else body

    def block_math(self, body: str) -> str:
        body = self._unnamed(body)
        return str(super().block_math(body)) if self.formulas is None else self.formulas.keep(body, block=True)

    def inline_math(self, body: str) -> str:
        body = self._unnamed(body)
        return str(super().inline_math(body)) if self.formulas is None else self.formulas.keep(body, block=False)

    def latex_environment(self, name: str, body: str) -> str:
        body = self._unnamed(body)
        if self.formulas is None:
            return str(super().latex_environment(name, body))
        return self.formulas.keep(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if not url.startswith("attachment:") and not _is_picture(url):  # its address would be cleaned away
            return f"{text} {_FROM_THE_WEB if _WEB.match(url) else _NOT_SHOWN}".lstrip()  # the text is markup already
        try:
            return str(super().image(text, url, title))
        except InvalidNotebook:
            return f"[{html.escape(text)}: this picture is not in the notebook]"


def _cleaner(theirs: bool) -> Cleaner:
    def keep(tag: str, name: str, value: str) -> bool:
        if name == "href":
            return tag == "a" and bool(_LINK.fullmatch(value.strip()))
        if name == "src":
            return tag == "img" and _is_picture(value)
        if name == "class":
            return bool(_CLASS.fullmatch(value))
        if name == "id":  # pages find their own fields by it
            return not theirs
        return name in ("title", "alt", "start")

    return Cleaner(tags=_TAGS, attributes=keep, protocols=frozenset(("http", "https", "mailto", "data")))


def _is_picture(address: str) -> bool:
    return bool(_PICTURE.fullmatch(address) or _OWN_FILE.fullmatch(unquote(unquote(address))))
