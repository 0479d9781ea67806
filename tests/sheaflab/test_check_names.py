"""Names in figures: phrases that a task asks for, in the ways in which people write them, and formulas in them."""

from __future__ import annotations

import numpy as np
import pytest

from sheaflab.checks.formulas import computed, plain_formula, sides
from sheaflab.checks.names import is_phrase, plain

PHRASE = r"(?:total )?energy(?:[,:]? v(?:_[tc])?)?(?:, log scale)?|v(?:_[tc])?"
REMARK = r"of all neurons|a\.u\.|v_t|log scale"
VALUES = {"u": 8.0, "λ": 0.25, "t": np.array([0.0, 1.0, 2.0]), "e": np.e}


@pytest.mark.parametrize(
    "name",
    [
        *("energy", "Energy", "$V$", "total energy $V$", "energy, log scale", "energy V(t)", r"$\mathrm{energy}\ V$", "energy: V"),
        *("energy (of all neurons)", "energy [a.u.]", "ENERGY\nV", r"$\mathcal{V}(t)$", "V(c(t))", "energy (V(t), log scale)", "energy."),
    ],
)
def test_a_phrase_with_known_remarks_is_a_name(name):
    assert is_phrase(name, PHRASE, REMARK)


@pytest.mark.parametrize(
    "name",
    [
        *("", "of all neurons", "loss of energy", "energy per edge", "V / V(0)", "1/V", r"$V^2$", r"$\sqrt{V}$", "-V", "V'"),
        *(r"$\Delta V$", "2 V", "V_0", "energy (normalized)", "energy [%]", "energy (mean of runs)", "energyV", "energy (of all neurons, halved)"),
    ],
)
def test_another_word_sign_or_remark_makes_another_quantity(name):
    assert not is_phrase(name, PHRASE, REMARK)


def test_a_plain_name_has_no_tex_and_one_kind_of_minus():
    assert plain("  $\\text{Energy}\\,V$ − \\mathbf{x}") == "energy v - x"


@pytest.mark.parametrize(
    "formula",
    [
        *(r"$V(0)\,e^{-2\lambda^* t}$", "V(0) exp(-2 λ* t)", "V(0)·exp(−2·λ*·t)", r"V_0 e^{-2\lambda_{\min} t}", "V(0)/e^{2λt}"),
        *(r"$V(0)\,(e^{-\lambda^* t})^2$", r"\frac{V(0)}{e^{2\lambda^\star t}}", "V(0)e^-2λt", r"V(0)\exp\left(-2\lambda^* t\right)"),
        *(r"$V(0)\,10^{-2\lambda^* t/\ln 10}$", "V(0) exp(-2 (0.25) t)", "V(0)exp[-2 x 0.25 t]", "V(0) sqrt(exp(-4*lambda_star*t))"),
        *("exp(-2λt)V(0)+0", "V(0)exp(-t/2)", "8.0e0 e^{-0.5t}", "V(0)*exp(-2*rate*t)"),
    ],
)
def test_a_formula_is_computed_in_each_way_in_which_people_write_it(formula):
    envelope = 8.0 * np.exp(-0.5 * VALUES["t"])
    assert any(np.allclose(value, envelope) for value in computed(plain_formula(formula), VALUES))


def test_a_division_by_a_product_is_read_in_both_ways():
    assert sorted(computed("1/2 λ", VALUES)) == [0.125, 2.0]
    assert sides("v ≤ u = 8") == ["v", "u", "8"]


@pytest.mark.parametrize(
    "formula", ["", "(", "exp", "e^", "2 +", "k t", r"\lambda_{\max}", "∫V", "9^9^9^9^9^9", "(" * 2000, "1/0", "t _ 2", "exp t"]
)
def test_what_cannot_be_computed_is_nothing(formula):
    assert computed(plain_formula(formula), VALUES) == []
