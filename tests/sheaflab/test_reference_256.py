"""What is PROVED is judged by 256-bit runs that share nothing with the library; the whole comparison is a benchmark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sheaflab import Exact, Network, Sheaf
from sheaflab.certificate import Verdict

pytestmark = pytest.mark.needs("flint")

REGIMES = (
    "ordinary", "trained", "zero_biases", "whole_numbers", "on_walls", "layers_of_different_size", "small_beside_large",
    "tangencies", "ties",
)  # fmt: skip


def test_the_benchmark_has_these_regimes():
    from tests.benchmarks import certified

    assert tuple(regime.__name__ for regime in certified.REGIMES) == REGIMES


@pytest.mark.slow
@pytest.mark.parametrize("name", REGIMES)
def test_nothing_proved_or_refuted_is_contradicted(name):
    from tests.benchmarks import certified

    decided = 0
    for k in range(6):
        traj = certified.run(getattr(certified, name), k)
        proof = traj.certify()
        assert certified.judged(traj, proof) != "refutes", (k, proof)
        decided += proof.verdict is not Verdict.UNDECIDED
    assert decided == 6 or name not in ("ordinary", "trained")


def slide():
    sheaf = Sheaf(Network([[[1.0]], [[1.0]]], [[1.0], [0.0]]), [1.0])
    return Exact().run(sheaf, [0.5, -4.0], 20.0)


def test_the_judge_refutes_a_time_error_that_is_too_small():
    from tests.benchmarks import certified

    traj = slide()
    proof = traj.certify()
    assert len(traj.log) == 2
    assert certified.judged(traj, proof) == "agrees"
    assert certified.judged(traj, replace(proof, time_errors=proof.time_errors * 1e-9)) == "refutes"


def test_the_judge_refutes_a_log_that_lacks_a_switch():
    from tests.benchmarks import certified

    traj = slide()
    other = Exact().run(traj.sheaf, [0.5, -2.0], 20.0)
    assert len(other.log) == 0
    proof = other.certify()
    assert certified.judged(other, proof) == "agrees"
    other.states[0] = traj.states[0]
    assert certified.judged(other, proof) == "refutes"


def test_the_judge_refutes_a_proof_of_a_flow_that_is_not_unique():
    from tests.benchmarks import certified

    sheaf = Sheaf(Network([[[0.0], [1.0]], [[1.0, 1.1]]], [[0.0, 0.4], [0.84]]), [0.0])
    traj = Exact().run(sheaf, [1e-9, 5.0, -0.14], 20.0)
    proof = traj.certify()
    assert certified.judged(traj, proof) == "undecided"
    assert certified.judged(traj, replace(proof, verdict=Verdict.PROVED, time_errors=np.ones(1))) == "refutes"
