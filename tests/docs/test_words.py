"""What no text of the project may say, because it is false."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {".py", ".md", ".toml", ".html", ".json", ".txt", ".cff", ".mjs", ".js"}

# The end of a slide has no kink (tests/sheaflab/test_kinks.py), so no sentence may give one to all switches. Words between
# the two halves may not leave the sentence; "each switch but" and "each switch except" say it right.
_ALL = r"\b(?:every|each|any|all)\s+(?:\w+\s+){0,2}switch(?:es)?\b(?!\s*(?:but|except))"
_BENDS = r"\b(?:kinks?\b|bends?\b|corners?\b|(?:slope|steepness)\s+(?:of\s+\S+\s+(?:\S+\s+)?)?jumps?\b|jumps?\s+of\s+the\s+slope)"
_WITHIN = r"[^.?!;:|()\"]{0,60}?"
FALSE = re.compile(f"{_BENDS}{_WITHIN}{_ALL}|{_ALL}{_WITHIN}{_BENDS}", re.IGNORECASE)


def claims(text: str) -> list[str]:
    """Sentences that give a kink to every switch; comment signs and line ends between the words do not hide them."""
    flat = re.sub(r"\s*\n\s*(?:#+ ?|//\s?)?", " ", text)
    return [found[0] for found in FALSE.finditer(flat)]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.suffix in TEXTS and path.exists() and path != Path(__file__).resolve()]


def test_a_coordinate_has_one_notation():
    """Neuron i of layer l is z^l_i; without its layer, where that does not matter, it is z_i and never z_0 or z_1."""
    other = re.compile(r"\bz\^\{+\(|\$z_\{*[\d{]|\bz[⁽₀-₉]")
    assert other.search("$z^{(1)}_{0}$")
    assert other.search('f"$z_{{{neuron}}}$"')
    assert other.search("z⁽ℓ⁾ − W⁽ℓ⁾ relu(z⁽ℓ⁻¹⁾)")
    assert other.search("z₁")
    found = {str(path.relative_to(ROOT)): other.findall(path.read_text(encoding="utf-8")) for path in tracked()}
    assert {name: said for name, said in found.items() if said} == {}


def test_no_text_gives_a_kink_to_every_switch():
    texts = tracked()
    assert len(texts) > 150
    found = {str(path.relative_to(ROOT)): claims(path.read_text(encoding="utf-8")) for path in texts}
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize(
    "text",
    [
        "the energy: a kink at every switch, under Theorem 9.4's envelope",
        "The energy on a logarithmic axis, with its envelope and a kink at each switch",
        "each switch of a neuron is a kink in the energy and a change of\ncolour in the bands",
        "Every switch of a neuron bends the energy's curve.",
        "# On a semi-log plot the energy bends at each switch. It is",
        "# The envelope holds although the slope of $\\log V$ jumps\n# at every switch: the worst",
        "a curve below it with a kink at each\n    switch.",
        "All switches make kinks.",
    ],
)
def test_the_claims_that_once_stood_here_are_seen(text):
    assert claims(text)


@pytest.mark.parametrize(
    "text",
    [
        "a kink at each switch but the end of the slide",
        "look at every switch in the logs: how many kinks make the decay steeper",
        "Where a neuron crosses zero there is a kink. Each switch is logged.",
        "Measured against predicted, at each switch of the run above.",
    ],
)
def test_true_sentences_are_not(text):
    assert claims(text) == []
