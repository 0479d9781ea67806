"""A student's formulas in formgrader: what reaches beyond one of them is shown as it was typed."""

from __future__ import annotations

import nbformat
import pytest
from jinja2 import Environment

from graders.gradebook.markup import markdown2html

BROKEN = r"\<span></span>"


def shown(source):
    """A text cell of a student as formgrader shows it, with its formulas for MathJax."""
    context = Environment().from_string("").new_context({"cell": nbformat.v4.new_markdown_cell(source), "resources": {}})
    return markdown2html(context, source)


@pytest.mark.parametrize(
    "formula",
    [
        r"\href{javascript:alert(1)}{x}", r"\style{position:fixed}{x}", r"\require{action}", r"\mmlToken{mi}[onclick='x']{x}",
        r"\class{btn}{x}", r"\cssId{grade-1-1}{x}", r"\bbox[1px,border:1px]{x}", r"\unicode[serif]{x1F600}", r"\label{a{b}}", r"\label x",
        r"\def\a{x\a\a}\a", r"\gdef\lambda{5}", r"\edef\a{x}", r"\xdef\a{x}", r"\let\alpha=\beta", r"\futurelet\a\b\c",
        r"\newcommand{\frac}{PWN}", r"\newcommand*{\frac}{PWN}", r"\renewcommand{\lambda}{\text{full points}}",
        r"\providecommand\a{x}", r"\newenvironment{matrix}{}{}", r"\renewenvironment{matrix}{}{}",
        r"\DeclareMathOperator{\max}{x}", r"\DeclareMathOperator*{\max}{x}", r"\DeclarePairedDelimiter{\a}{(}{)}",
        r"\DeclarePairedDelimiterX{\a}[1]{(}{)}{#1}", r"\definecolor{red}{rgb}{1,1,1}", r"\Newextarrow{\a}{5,5}{8672}",
        r"\newtagform{a}{[}{]}", r"\usetagform{a}", r"\mathtoolsset{legacycolonsymbols}",
    ],
)  # fmt: skip
def test_what_links_styles_or_defines_is_not_set(formula):
    for source in (f"${formula}$", f"$$x {formula}$$", f"\\begin{{align}}{formula}\\end{{align}}"):
        assert BROKEN in shown(source)


@pytest.mark.parametrize(
    "formula",
    [
        r"\rule{10000em}{10000em}", r"\Rule{1em}{10000ex}{0pt}", r"\Space{100px}{0px}{0px}", r"\hspace{10000em}",
        r"\hspace{-10000em}", r"\vspace{ 1000cm }", r"\hskip 1000pt", r"\mskip 1000mu", r"\kern1000pt", r"\mkern-1000mu",
        r"\raise 1000.5em {x}", r"\lower1000em{x}", r"\moveleft 1000px x", r"\moveright 1000 pt x", r"x \\[10000em] y",
        r"a \above 1000pt b", r"\genfrac{}{}{1000em}{}{a}{b}", r"\mspace{1000mu}", r"\hspace{1000IN}", r"\hspace{1000.em}",
        r"\begin{matrix}a\\[1000em]b\end{matrix}", r"\hspace{99999pc}", r"\hspace{1000mm}",
        "\\hspace{1000\xa0em}", "\\kern" + 40 * " " + "1000em", r"\kern1000emx", "\\above\n1000pt", "\\kern\xa01000em",
        r"\abovewithdelims\langle\rangle1000pt", r"\raisebox{1000em}{x}", r"x \\*[1000em] y", r"\\ [1000em]",
        r"\raise{1000em}{x}", r"\lower {-1000em}{x}", r"\genfrac(){1000em}{}{a}{b}", r"\hspace*{1000em}", r"\rule[1000em]{1em}{1em}",
        r"\rule{1em}{1000em}", r"\cr[1000em]", r"\mspace {1000mu}", r"\hspace 1000em", r"\rule 1em 1000em",
        r"\\[1 0 0 0 em]", r"\genfrac{\{}{\}}{1000em}{}{a}{b}", r"\genfrac\langle\rangle{1000em}{}{a}{b}", r"\Space{0px}{0px}{100px}",
    ],
)  # fmt: skip
def test_no_length_reaches_over_the_page(formula):
    for source in (f"${formula}$", f"$$x {formula}$$"):
        assert "<span></span>" in shown(source)


@pytest.mark.parametrize(
    "formula",
    [
        r"\dot c = -L_\Omega\,c + \tfrac12 \lVert x \rVert^2", r"\left( x \right)", r"\quad \hspace{1cm} \kern-3pt \mspace{18mu}",
        r"\begin{aligned} a &= b \\[1ex] c &= d \end{aligned}", r"\genfrac{}{}{0pt}{}{n}{k}", r"\operatorname{rank} A", r"\color{red} x",
        r"100 + 1000 m", r"\text{784 inputs} \times 100 in", r"\text{100 mm} \mathrm{100 mm} \frac{100}{200}",
        r"\kern0.125em \kern1.100em \hspace{0.125em}", r"x_{100}", r"1000\,\mathrm{mm}", r"\text{classical}", r"\leftarrow \delta \Delta \definite \defect",
        r"\newline \tag{1} \eqref{a} \ref{a}", r"\rule{2em}{0.4pt}", r"\lowercase \raisebox",
        r"\frac{300 mm}{2}", r"\mbox{100 mm}", r"\text {100 mm}", r"\textbf{100 pt}", r"\mathit{100 cm}", r"\operatorname{100 cm}",
        r"\boxed{120 cm}", r"\sqrt{400 mm}", r"\underbrace{x}_{784 px}", "[100 mm]", r"\hspace{1cm} \frac{300 mm}{2}",
        r"\left[100 mm\right]", r"\begin{cases} a & [100 in]\end{cases}", r"a \\[2pt] [100 mm]",
    ],
)  # fmt: skip
def test_other_formulas_are_set(formula):
    assert "<span>" not in shown(f"${formula}$")


def test_addresses_and_pictures_keep_their_numbers():
    source = "[a](https://a.example/?x={1000px}&y='100em') ![plot](files/{1000em}.png) <b> it's {200 words"
    assert shown(source).count("<span>") == 0
    assert "{1000px}" in shown(source) or "%7B1000px%7D" in shown(source)


@pytest.mark.parametrize("label", [r"\label{score}", r"\label{eq:a b}", r"\label {grade-1-1}", r"\label{}"])
def test_a_label_is_cut_out_of_a_formula(label):
    for source in (f"${label} x$", f"$$x {label}$$", f"\\begin{{equation}}{label} x \\end{{equation}}"):
        page = shown(source)
        assert "<span></span>" not in page
        assert "label" not in page
    assert "label" in shown(f"\\`{label}` is how to name one")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("![plot of *V* & <b>](https://a.example/p.png)", "plot of <em>V</em> &amp; &lt;b&gt; (a picture from the web, left out"),
        ("![plot][1]\n\n[1]: HTTP://a.example/p.png 'title'", "plot (a picture from the web, left out"),
        ("![plot](//a.example/p.png)", "plot (a picture from the web, left out"),
        ("![](ftp://a.example/p.png)", "<p>(a picture from the web, left out"),
        ("![plot](../p.png)", "plot (a picture that a page cannot show, left out)"),
        ("![plot](C:\\p.png)", "plot (a picture that a page cannot show, left out)"),
        ("![plot](data:image/svg+xml;base64,PHN2Zy8+)", "plot (a picture that a page cannot show, left out)"),
    ],
)
def test_a_picture_that_is_not_fetched_is_said_in_its_place(source, text):
    page = shown(source)
    assert text in page
    assert "<img" not in page
    assert "a.example" not in page


@pytest.mark.parametrize("place", ["data:image/png;base64,iVBORw0K", "my%20plot.png", "plots/1.png"])
def test_a_picture_of_the_notebook_is_a_picture(place):
    page = shown(f"![plot]({place})")
    assert f'src="{place}"' in page
    assert "left out" not in page
