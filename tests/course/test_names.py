"""Names that students write into the figures of 2.4 and 3.3: which say what the task asks for, and which something else."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from graders.lab.manifest import Course
from graders.lab.places import OUR_COURSE, show_visible_checks

show_visible_checks(Course.load(OUR_COURSE, "lab09"))
names: Any = import_module("sheaflab.checks.lab09._names")
RATE = 0.25
TIMES_OF_RUN = np.linspace(0.0, 4.0, 9)

FORMULAS = [
    r"$V(0)\,e^{-2\cdot 0.250\,t}$", "V(0) exp(-2 * 0.25 * t)", r"bound, $\lambda^*=2.50e-01$", "bound, λ*=0.2",
    "bound (2λ* = 0.5)", "envelope (slope −2λ*)", r"V(0)e^{-2\lambda^* t}",
    r"$V(0)\,e^{-\lambda^* t}\,e^{-\lambda^* t}$", r"$V(0)\,(e^{-\lambda^* t})^2$", "V(0) exp(-0.5 t)",
    "V(0)/e^{2λt}", "V(0) exp(-2 rate t)", "exp(-2*lambda_star*t)", r"$V_0 e^{-2\lambda_{\min} t}$",
    "envelope (λ*=0.250)", "V(0)·exp(−2·λ*·t)", r"$V(0)\exp(-2\lambda^\star t)$", r"V(0) e^{-2 t \lambda^{*}}",
    r"$V(0)e^{-2\lambda^*t}$, $\lambda^*=2.50\times10^{-1}$", r"envelope $V(0)\exp\left(-2\lambda^* t\right)$",
    "V(0) exp(-2 (0.25) t)",
    "the envelope", "Theorem 9.4", r"Theorem 9.4: $V \leq V(0)\,e^{-2\lambda^* t}$", r"envelope $V(0)e^{-t/\tau}$, $\tau = 1/(2\lambda^*)$",
    r"envelope from $V(0) = 8.00\cdot 10^{0}$ with $\lambda^*$", r"envelope, $\tau = 1/2\lambda^* = 2.00$", "envelope, rate 0.25", "Hülle nach Satz 9.4", "envelope of the energy (Theorem 9.4)",
]  # fmt: skip
OTHER_FORMULAS = [
    "exp(-t)", "bound 2λ*=0.25", r"envelope, $\lambda^* = 0.125$", "envelope V(0) exp(-0.25 t)",
    r"bound $V(0)e^{-2t/\lambda^*}$", r"10^{-2\lambda t}", r"V(0)e^{-2\lambda^* t^2}", "exp(-λ*t)",
    "V(t)e^{-2λ* t}", "e^{2λ* t}",
    "V(t)/V(0)", "lower bound of Theorem 9.4, λ*", r"$V(0)\,e^{-2\lambda_{\max} t}$", "V(0) 2^(-λ* t)", r"bound $V(0)\,(1 - 2\lambda^* t)$",
    r"$V(0) + e^{-2\lambda^* t}$", r"$V(t_{end})\,e^{-2\lambda^* t}$", "envelope (λ* = 0)", "bound, λ* = 1e999999", "bound, rate 0.5 of the errors", "envelope, rate 0.3", "velocity", "gradient",
]  # fmt: skip
TIMES = [
    "time", "t", "$t$", "Zeit t", "el tiempo", "time = t", "time [a.u.]", r"$\rm{time}$", r"$\it{t}$", "Time axis", "time (in seconds)",
]  # fmt: skip
NO_TIMES = [
    "-t", "log t", "time (log scale)", "time step", "remaining time", "CPU time",
    "time (number of Euler steps)", "time (log)", "t (switches in grey)", "times V",
]  # fmt: skip
ENERGIES = [
    "energy (log-scaled)", "energy (log scaled)", "energy (logarithmically scaled)", "energy [log]", "V(t) [log]",
    "energy on a log scale", "l'énergie", "la energía", "energy = V", r"$\bf{V}$", r"\boldsymbol{V}",
    "energy, log scale", "log-scaled energy", "energy (in joules)", r"energy (log$_{10}$ scale)", "energy (log10 scale)",
]  # fmt: skip
NO_ENERGIES = [
    "$V'(t)$", "-V", "V(0)", "scaled energy", "energy, scaled", "energy (scaled)", "log V", "energy (relative)",
    "V (velocity)", "energy (in dB)", "energy (its square root)", "energy (ln V)", "energy (per neuron)", "E/E_0",
]  # fmt: skip
SWITCHES = [
    "sign-changes", "Sign-changes per run", r"$\#$ switches", r"\# of switches", "switches (sign changes of z(t))",
    "switches/run", "switches / run", "switches or sign changes", "cambios de signo", "número de switches",
    "switch count", "switches before convergence",
]  # fmt: skip
NO_SWITCHES = [
    "number of switching neurons", "switches of one neuron", "switches per neuron",
    "crossing neurons per run", "number of runs with switches", "sign changes (of the output)", "switches (of neuron 0 only)", "switches (thousands)", "log switches",
]  # fmt: skip
RUNS = [
    r"$\#$ runs", "number of runs (not a share)", "runs or frequency", "number of runs with $k$ switches",
    "runs per count", "runs per number of switches", "frequency of each count", "frequency of switch counts",
    "frecuencia", "nombre d'essais", "Durchläufe", "count (runs)", "count [runs]", "Count (number of runs)",
]  # fmt: skip
NO_RUNS = [
    "frequency (proportion)", "frequency (percentage)", "frequency (ratio)", "frequency (rel.)", "frequency (pdf)",
    "run number", "number of the run", "run", "start", "runs per switch",
    "count (of neurons)", "frequency (Hz)", "frequency (divided by the number of all runs)", "number of samples in each run", "runs (in thousands)",
    "simulation no.", "trial number", "runs (of 20)", "runs / total",
]  # fmt: skip

OF_RUNS = [
    "run", "V", "$V(c(t))$", "energy of the run", "measured energy", "V along the run", "Dirichlet energy $V$ of the run", "Euler run",
    "energy $V(t)$, not normalised", "run: V",
]  # fmt: skip
NOT_OF_RUNS = [
    "envelope", "distance to the forward pass", "loss", "V(0)", "energy bound", "2", "blue line", "energy of the run (λ*)", "run 7",
]  # fmt: skip


@pytest.mark.parametrize(
    ("judge", "right", "wrong"),
    [
        (names.names_time, TIMES, NO_TIMES),
        (names.names_energy, ENERGIES, NO_ENERGIES),
        (names.names_switches, SWITCHES, NO_SWITCHES),
        (lambda name: names.names_runs(name, [1, 2, 2]), RUNS, NO_RUNS),
        (lambda name: names.names_envelope(name, TIMES_OF_RUN, np.array([8.0]), RATE), FORMULAS, OTHER_FORMULAS),
        (names.names_run, OF_RUNS, NOT_OF_RUNS),
    ],
    ids=["time", "energy", "switches", "runs", "envelope", "run"],
)
def test_a_name_is_told_from_that_of_something_else(judge, right, wrong):
    assert [name for name in right if not judge(name)] == []
    assert [name for name in wrong if judge(name)] == []
