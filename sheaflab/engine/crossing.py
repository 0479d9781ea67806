r"""The first event of a step's series, certified beyond the rounding of each neuron's own row.

One rounding for all, that of the largest coordinate, decides nearly everything. A function with an ordinate near that,
in a band where no ordinary one has any, is looked at with its own: numbers of very different size may meet in one
state, and a row that only meets small ones is known much better.
With :math:`E_i` what coordinate `i` may be wrong by, which is its own rounding at
first and grows to that of its row's terms, the function of `z_i` is known to :math:`E_i + \nu_1 x + \nu_2 x^2 + \dots`,
each :math:`\nu_k` the rounding of the sum that the coefficient is.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.engine.doubt import Blur, blur_of
from sheaflab.engine.flow import Flow
from sheaflab.events.polynomials import NOISE, conversion, first_root, value

EARLY = 0.2  # of a step
_BAND = 4e6  # times the rounding of the largest coordinate: as far from 0, a coordinate's rounding does not matter
_STEEP = 1e3  # squared norms of the coboundary from here on: speeds get a band of their own
_LIFT = 1e-5  # of that: what functions are lifted by that pass through it at once
_LOST = 1e-25  # of the common rounding: what is smaller counts as 0


def first_crossing(
    flow: Flow, series: FloatArray, scale: FloatArray, t: float, rounding: float, blur: Blur
) -> tuple[float, list[int], list[bool]]:
    """Return the fraction of the step until the first event, its neurons, and which of them rise off their wall.

    Parameters
    ----------
    flow : Flow
    series : ndarray, shape (degree + 1, n)
        Derivatives of the state.
    scale : ndarray, shape (degree + 1,)
        What takes them to Taylor coefficients in the fraction of the step.
    t : float
        Time at its start.
    rounding : float
        Of the largest coordinate.
    blur : float or ndarray, shape (h,)
        Factor on the uncertainty of each neuron's functions.
    """
    h, slid = flow.h, flow.slid
    functions = np.empty((len(series), h + 2 * slid.size))
    np.multiply(series[:, :h], flow.sides, out=functions[:, :h])
    if slid.size:
        functions[:, h:] = series.dot(flow.leaving)
    functions *= scale[:, None]
    if flow.rigid.size:
        functions[0, flow.rigid] = 1.0  # a coordinate that does not move has no event of its own
    band: Blur = _BAND * blur * rounding
    if slid.size:
        band = blur_of(band, flow.owner)
        r = flow.r[slid]
        functions[0, h:] = np.concatenate([-r, r - flow.g[slid]])
        steep = flow.sheaf.gain**2
        if steep < _STEEP:
            band *= steep
        else:
            band = np.full(functions.shape[1], band)
            band[h:] *= steep
    matrix = conversion(len(series) - 1)
    b = matrix.dot(functions)
    near = b <= band
    for i in flow.left:
        near[0, i] = False  # a known zero
    for i in flow.eased:
        near[1, i] = False
    # By flat places, which are found several times as fast as rows and columns.
    some = dict.fromkeys((near.ravel().nonzero()[0] % near.shape[1]).tolist())
    if not some:
        return 1.0, [], []
    low = b < -band
    # Nearly always no ordinate is in between.
    clear = np.count_nonzero(low) == np.count_nonzero(near)
    own: _Own | None = None
    best = limit = 1.0
    hits: list[tuple[float, int]] = []
    # In the order of their first low ordinate: the likely first one first, the others are cleared by one value.
    for e in some:
        terms = functions[:, e]
        listed = terms.tolist()
        sure = clear or bool((low[:, e] == near[:, e]).all())
        if sure:
            if hits and 0 not in (signs := low[:, e].tobytes())[signs.find(1) :] and value(listed, limit) > 0:
                continue  # it has one root, and that is later
            noise = _LIFT * float(blur_of(band, e))
            x = first_root(listed, b[:, e] + noise, noise, limit)
        # From a known zero it may fall again before it has risen above the common rounding.
        if not sure or (x < EARLY and e in flow.left):
            own = own or _Own(flow, series, scale, t, rounding, blur)
            lift = own.noise(e, np.abs(terms))
            x = first_root(listed, matrix.dot(terms + lift), lift.tolist(), limit)
        if x <= best * (1 + 4 * EPS):
            best = min(best, x)
            # A little further than the best so far: lifted by its rounding, an event of the same instant comes later.
            limit = min(1.0, best * (1 + 1e-10))
            hits.append((x, e))
    if not hits:
        return best, [], []
    who: dict[int, bool] = {}
    for x, e in hits:
        if x <= best * (1 + 4 * EPS):
            who[int(flow.owner[e])] = e >= h + slid.size
    order = sorted(who)
    return best, order, [who[i] for i in order]


class _Own:
    """The rounding of each row's own terms."""

    def __init__(
        self, flow: Flow, series: FloatArray, scale: FloatArray, t: float, rounding: float, blur: Blur
    ) -> None:
        self.flow, self.series, self.scale, self.t = flow, series, scale, t
        self.rounding, self.blur = rounding, blur
        self._rows: tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None = None

    def _sizes(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """What is wrong with states, velocities, residuals and pulls, by rows."""
        if self._rows is None:
            flow, h = self.flow, self.flow.h
            c = np.abs(flow.c)
            r, g = flow.walls.spread(c + np.abs(flow.sheaf.drive), flow.gate * c[:h])
            v = r * flow.moving
            v[:h] += flow.gate * g * flow.moving[:h]
            known = EPS * np.minimum(c + np.minimum(self.t - flow.known, 1.0) * v, self.rounding / EPS) * flow.moving
            carried, pulled = flow.walls.spread(known, flow.gate * known[:h])
            self._rows = known, EPS * v, EPS * r + carried, EPS * g + pulled
        return self._rows

    def noise(self, e: int, terms: FloatArray) -> FloatArray:
        """Monomials of the uncertainty of event function `e`, the sizes of whose terms are given."""
        flow, scale, h = self.flow, self.scale, self.flow.h
        states, speeds, residuals, pulls = self._sizes()
        i = int(flow.owner[e])
        blur = float(blur_of(self.blur, i))
        most = 4.0 * blur * self.rounding
        noise = NOISE * terms
        if e < h:
            row = np.abs(flow.laplacian.row(e))
            noise[2:] += NOISE * scale[2:] * (np.abs(self.series[1:-1]) @ row)
            noise[0] = 4.0 * blur * states[e]
            noise[1] += 4.0 * blur * scale[1] * speeds[e]
        else:
            noise[1:] += NOISE * scale[1:] * (np.abs(self.series[1:]) @ np.abs(flow.leaving[:, e - h]))
            noise[0] = 4.0 * blur * (residuals[i] + (pulls[i] if e >= h + flow.slid.size else 0.0))
        noise[-1] += self.rounding  # what the series leaves out
        return np.asarray(np.minimum(noise, most + NOISE * terms) + _LOST * self.rounding)
