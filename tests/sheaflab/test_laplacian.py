"""Products with a mode's Laplacian, however it is kept, against the matrix itself."""

from __future__ import annotations

import numpy as np
import pytest

from sheaflab import Exact, Network, Sheaf
from sheaflab.engine import laplacian as module
from sheaflab.engine.laplacian import Banded, Dense, Layered, laplacian
from sheaflab.modes import ACTIVE, SLIDING

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", [Dense, Banded, Layered])
@pytest.mark.parametrize("widths", [[2, 4, 1], [2, 1, 1, 1, 1], [2, 6, 7, 3], [2, 3, 5, 2, 4, 1], [3, *[4] * 7, 2]])
def test_products_after_any_changes(kind, widths):
    rng = np.random.default_rng(0)
    sheaf = Sheaf(Network.random(widths, 1), np.ones(widths[0]))
    codes = rng.integers(0, 3, sheaf.h)
    gate, moving = (codes == ACTIVE).astype(float), np.ones(sheaf.n)
    moving[: sheaf.h] = codes != SLIDING
    kept = kind(sheaf, gate, moving)
    for i, code in zip(rng.integers(0, sheaf.h, 50).tolist(), rng.integers(0, 3, 50), strict=True):
        gate[i], moving[i] = code == ACTIVE, code != SLIDING
        kept.change(i)
        delta = sheaf.restricted(gate > 0) * moving
        rows = list(np.full((4, sheaf.n), np.nan))
        rows[0][:] = expected = rng.standard_normal(sheaf.n) * moving
        kept.powers(rows)
        for row in rows[1:]:
            expected = -(delta.T @ (delta @ expected)) / kept.unit
            np.testing.assert_allclose(row, expected, rtol=1e-11, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("widths", "kind"), [([2, 16, 16, 1], Dense), ([2, *[16] * 17, 1], Banded), ([2, 130, 125, 1], Layered)]
)
def test_the_widths_choose_and_every_way_ends_at_the_forward_pass(widths, kind):
    sheaf = Sheaf(Network.random(widths, 0), [1.0, -1.0])
    assert type(laplacian(sheaf, np.ones(sheaf.h), np.ones(sheaf.n))) is kind
    rest = sheaf.harmonic_extension()
    start = rest + 0.8 * np.random.default_rng(0).standard_normal(sheaf.n)
    traj = Exact().run(sheaf, start, 1.0)
    assert len(traj.log) > 3
    assert traj.certify().verdict.name == "PROVED"


def test_where_scipy_is_not_loaded_narrow_layers_go_the_other_way(monkeypatch):
    widths = [2, *[16] * 17, 1]
    sheaf = Sheaf(Network.random(widths, 0), [1.0, -1.0])
    start = 4 * np.random.default_rng(0).standard_normal(sheaf.n)
    known = Exact().run(sheaf, start, 2.0)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert type(laplacian(sheaf, np.ones(sheaf.h), np.ones(sheaf.n))) is Layered
    found = Exact().run(sheaf, start, 2.0)
    assert found.log.count > 10
    np.testing.assert_allclose(found.log.times, known.log.times, rtol=1e-9)
    np.testing.assert_allclose(found.states[-1], known.states[-1], rtol=1e-9, atol=1e-9)
