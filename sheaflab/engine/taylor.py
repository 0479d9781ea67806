r"""Any shape, one trajectory, no eigendecomposition: Taylor series with certified polynomial events.

In a mode the velocity's derivatives are :math:`v_{k+1} = -L v_k`, products with a matrix of which a switch changes one
row and column. Two facts make a step certain:

- **Remainder.** :math:`\|v_k(t)\|` does not grow along the flow, for `L` is positive definite. So the series of degree
  `K` is within :math:`\|v_K(0)\|\, t^{K+1}/(K+1)!` of the flow: the length of a step follows from its last term.
- **Events** are polynomials up to that remainder: their Bernstein coefficients certify that a step has none, or isolate
  the first one (:mod:`sheaflab.events.polynomials`). A series in which there is none grows by a few terms, which make
  its step longer, and is searched again: its products are not wasted.

**Tail.** In the mode of the forward pass :math:`\|c - c^*\|` does not grow, so once it is below every
:math:`|z_i^*|` no wall can be reached any more and the search ends. **Leap.** A mode in which many steps pass without
an event is worth one eigendecomposition: the closed form goes to its next event, or to the end, at once, unless its
rounding is too coarse for that (:mod:`sheaflab.events.closeness`).
"""

from __future__ import annotations

import math

import numpy as np

from sheaflab.arrays import EPS, FloatArray, IntArray
from sheaflab.engine import eigenbasis
from sheaflab.engine.crossing import first_crossing
from sheaflab.engine.doubt import Blur, doubted
from sheaflab.engine.flow import MOST, Flow
from sheaflab.modes import CodeArray
from sheaflab.region import region_of
from sheaflab.results import Event, Record, Stop
from sheaflab.sheaf import Sheaf
from sheaflab.walls import AT_END, OVERTIME, Germ, first_modes

_LEAST = 8  # degree
_MORE = 4  # terms that a series without an event grows by
_PATIENCE = 300  # steps without an event, after which even a coarse closed form is better than none
_EXPONENTS = np.arange(MOST + 1.0)
_INVERSE = 1.0 / np.maximum(_EXPONENTS, 1.0)


def run(sheaf: Sheaf, c0: FloatArray, t_end: float, stop: Stop) -> tuple[Record, list[int]]:
    """Follow the flow from `c0`; return the record and the neurons that start on a repelling wall."""
    start = first_modes(sheaf, c0)
    flow, repelled = Flow(sheaf, c0, start), start.repelled.nonzero()[0].tolist()
    codes = flow.codes
    home = sheaf.shared(eigenbasis.Home)
    settled = home.key
    record = Record([0.0], [c0], [codes.tobytes()])
    t, degree, quiet, last, coarse = 0.0, MOST - 6, 0, 0.0, 0
    blur: Blur = 1.0
    while t < t_end:
        mode = codes.tobytes()
        calm = mode == settled
        tail = calm and math.dist(flow.c, home.rest) < 0.999 * home.margin
        leap = None
        if flow.n <= eigenbasis.DENSE and (tail or quiet >= max(patience(flow.n, calm), coarse)):
            basis = home.basis if calm else eigenbasis.Eigenbasis(region_of(sheaf, mode))
            leap = _leap(flow, basis, t, t_end, tail, blur)
            if not leap.clear and quiet < _PATIENCE:
                leap, coarse = None, 2 * quiet
        if leap is not None:
            wait, who, rises = leap.wait, leap.who.tolist(), leap.rises.tolist()
            rests = flow.walls.resting(flow.c, codes)
            flow.c = np.asarray(basis.region.flow(flow.c, wait))
            flow.c[: flow.h][rests] = 0.0
            if not who:
                break
            t = min(t + wait, t_end)
        else:
            who, rises, t, degree = _step(flow, t, t_end, degree, tail, blur)
            if not who:
                quiet += 1
                flow.refresh()
                continue
        quiet = coarse = 0
        for i in who:
            flow.c[i], flow.known[i] = 0.0, t
        flow.refresh()
        energy = 0.5 * float(flow.r.dot(flow.r))
        slope = flow.slope(energy)
        changed = flow.settle(who, rises)
        # A wall touched within rounding, or no time passed: more uncertainty is assumed, so that the run goes on.
        blur = 1.0 if changed and t > last * (1 + 4 * EPS) else doubted(blur, who, flow.h)
        last = t
        if changed:
            slopes = slope, flow.slope(energy)
            record.events += [Event(t, *change, energy, *slopes) for change in changed]
            record.times.append(t)
            record.states.append(flow.c)
            record.modes.append(codes.tobytes())
        if (outcome := stop(record)) is not None:
            record.modes.pop()
            record.outcome = outcome
            return record, repelled
    record.times.append(t_end)
    record.states.append(flow.c)
    return record, repelled


def patience(n: int, calm: bool) -> int:
    """How many steps without an event are worth one eigendecomposition; `calm` in the mode of the forward pass."""
    return 1 if calm else 6 + n // 8


def _leap(
    flow: Flow, basis: eigenbasis.Eigenbasis, t: float, t_end: float, tail: bool, blur: Blur
) -> eigenbasis.Exit:
    """Return the event to which the closed form leads; with none the wait is until the end."""
    none = eigenbasis.Exit(t_end - t, basis.owner[:0], np.zeros(0, dtype=np.int8), True)
    if tail:
        return none
    # After so many quiet steps no wall has just been left.
    found = eigenbasis.first_exit(basis, flow.c, t_end * OVERTIME - t, None, blur)
    ends = not found.who.size or t + found.wait > t_end * AT_END
    return none._replace(clear=found.clear) if ends else found


def closely(
    sheaf: Sheaf, c: FloatArray, codes: CodeArray, orders: IntArray, horizon: float, blur: Blur
) -> tuple[float, IntArray, CodeArray, FloatArray] | None:
    """Go to the next event by series, where the rounding of a closed form is too coarse.

    Parameters
    ----------
    sheaf : Sheaf
    c : ndarray, shape (n,)
    codes : ndarray of int8, shape (h,)
    orders : ndarray of int, shape (h,)
        As for :func:`sheaflab.engine.eigenbasis.first_exit`.
    horizon : float
    blur : float or ndarray, shape (h,)

    Returns
    -------
    (float, ndarray of int, ndarray of int8, ndarray) or None
        The wait, who meets a wall (nobody: the whole horizon), who of them rises off it, and the state then, 0 at
        those; None if that takes too many steps.
    """
    flow = Flow(sheaf, c, Germ(codes.copy(), orders, np.zeros(sheaf.h, dtype=np.bool_)))
    t, degree = 0.0, MOST - 6
    for _ in range(_PATIENCE):
        who, rises, t, degree = _step(flow, t, horizon, degree, False, blur)
        if who or t >= horizon:
            flow.c[who] = 0.0
            return t, np.array(who, dtype=np.int64), np.array(rises, dtype=np.int8), flow.c
        flow.refresh()
    return None


def _step(
    flow: Flow, t: float, t_end: float, degree: int, tail: bool, blur: Blur
) -> tuple[list[int], list[bool], float, int]:
    """Go to the next event or to the end of one series: who meets its wall, who rises off it, time, degree."""
    rounding = EPS * max(flow.walls.drive, float(np.maximum.reduce(np.abs(flow.c))), 1e-150)
    horizon, series, known, wanted = t_end * OVERTIME - t, flow.series, 1, degree
    series[0], series[1] = flow.c, flow.v
    while True:
        last = flow.extend(known, degree)
        length, scale = reach(flow, degree, last, horizon, rounding)
        part = series[: degree + 1]
        x, who, rises = (1.0, [], []) if tail else first_crossing(flow, part, scale, t, rounding, blur)
        if who or length == horizon or degree == MOST:
            break
        known, degree = degree, min(degree + _MORE, MOST)
    if t + x * length > t_end * AT_END:
        who, x = [], (t_end - t) / length
    elif not who:
        flow.c, flow.left, flow.eased = scale.dot(part), [], []
        return who, rises, min(t + length, t_end), degree
    flow.c = (x ** _EXPONENTS[: degree + 1] * scale).dot(part)
    return who, rises, min(t + x * length, t_end), max(wanted - 2, _LEAST) if x < 0.3 else degree


def reach(flow: Flow, degree: int, last: float, horizon: float, tolerance: float) -> tuple[float, FloatArray]:
    """Return a step's length and what takes derivatives to Taylor coefficients in the fraction of it."""
    # One product more would give the remainder; the last term bounds it by λ times, so that term has to be small.
    room = math.log(tolerance) + math.lgamma(degree + 1) - math.log(last)
    length = min(horizon, math.exp((room - (degree - 1) * flow.log_unit) / degree))
    scale = (length * flow.unit) * _INVERSE[: degree + 1]
    scale[0], scale[1] = 1.0, length
    return length, np.multiply.accumulate(scale)
