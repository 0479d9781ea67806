"""Random networks of every shape, for hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from sheaflab import Network, Sheaf

widths = st.lists(st.integers(1, 5), min_size=3, max_size=5)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def problems(draw: st.DrawFn, shapes: st.SearchStrategy[list[int]] = widths) -> tuple[Sheaf, np.ndarray]:
    """A sheaf over a random network, and a random free cochain."""
    shape, rng = draw(shapes), np.random.default_rng(draw(seeds))
    net = Network.random(shape, rng, bias_scale=0.5)
    sheaf = Sheaf(net, rng.standard_normal(shape[0]))
    return sheaf, draw(st.sampled_from([0.5, 1.0, 5.0])) * rng.standard_normal(sheaf.n)
