"""Names in figures: the words that a task asks for, in the ways in which people write them."""

from __future__ import annotations

import pytest

from sheaflab.checks.names import consists_of, plain

WORDS = "energy v of the run total log scale"
V_OF_T = r"\bv\s*\(\s*t\s*\)"


@pytest.mark.parametrize(
    "name",
    [
        *("energy", "Energy", "$V$", "total energy $V$", "energy, log scale", "energy V(t)", r"$\mathrm{energy}\ V$", "energy: V"),
        *("energy (of all neurons)", "energy [a.u.]", "energy / a.u.", "energy (not normalized)", "energy (= |r|², squared)", "energy?"),
        *("ENERGY\nof the run", r"$\mathcal{V}(t)$", "energy (no density)"),
    ],
)
def test_words_formulas_units_and_remarks_make_a_name(name):
    assert consists_of(name, WORDS, r"energy|\bv\b", V_OF_T)


@pytest.mark.parametrize(
    "name",
    [
        *("", "of the run", "log", "loss of energy", "energy per edge", "V / V(0)", "1/V", r"$V^2$", r"$\sqrt{V}$", r"$\dot V$"),
        *(r"$\Delta V$", "2 V", "V_0", "energy (normalized)", "energy (relative)", "energy [%]", "energy (mean of runs)", "energyV"),
    ],
)
def test_another_word_or_sign_makes_another_quantity(name):
    assert not consists_of(name, WORDS, r"energy|\bv\b", V_OF_T)


def test_a_plain_name_has_no_tex_and_one_kind_of_minus():
    assert plain("  $\\text{Energy}\\,V$ − \\mathbf{x}") == "energy v - x"
