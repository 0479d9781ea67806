r"""The first event of sums of exponentials, certified: no root is stepped over, however close two of them lie.

An event function is :math:`f(t) = c + \sum_k a_k e^{-\lambda_k t}` with :math:`\lambda_k > 0` ascending. It starts
positive, or leaves zero upwards; its event is the first time at which it falls below zero.

**Theorem 1 (Laguerre 1883).** If all partial sums :math:`S_0 = c,\ S_j = c + \sum_{k \le j} a_k e^{-\lambda_k t}` are
nonnegative and the last is positive, `f` has no root after `t`. *Proof.* With :math:`s > t` and
:math:`E_k = e^{-\lambda_k (s - t)}`, :math:`E_0 = 1`, summation by parts gives
:math:`f(s) = \sum_k S_k (E_k - E_{k+1}) + S_K E_K`; every bracket is nonnegative and the last term positive. ∎

*Corollary.* With :math:`\mu > 0` the derivative of :math:`f(s)\,e^{\mu s}` is :math:`e^{\mu s}` times the sum of
:math:`c \mu` and the terms :math:`(\mu - \lambda_k)\, a_k e^{-\lambda_k s}`. If its partial sums at `t` are
nonnegative, so is it after `t`: where :math:`f(t) > 0`, there is no root. The code takes for `μ` the mean rate.

**One root.** The number of roots after `t` is at most the number of sign changes in the :math:`S_j`, with equal
parity. If that is one, an end with :math:`f < 0` brackets the root: any fast method confined to the bracket is safe.

**Theorem 2 (one-sided advancement).** For :math:`u \ge 0`

.. math:: f(t + u) \ge f(t) + f'(t)\,u - \tfrac12 M u^2, \qquad f(t + u) \ge f(t) - P u

with :math:`M = \sum_{a_k < 0} |a_k| \lambda_k^2 e^{-\lambda_k t}` and
:math:`P = \sum_{a_k > 0} a_k \lambda_k e^{-\lambda_k t}`. *Proof.* :math:`f''(s) \ge -M` for :math:`s \ge t`, for
the positive terms add to the second derivative and the negative ones shrink; Taylor. The negative terms of `f`
increase with time and the positive ones are convex: the tangent of the latter. ∎ So `f` stays positive on the way to
where a bound vanishes. Stepping there never passes a root, and near a simple one it is Newton's method from the left.

Where close rates cancel, these steps are short. Then the same is done for :math:`f(t + u)\,e^{\mu u}`, which has
the same roots, with `μ` the mean rate: its second derivative is at least
:math:`-e\,\sum_{a_k < 0} |a_k| (\lambda_k - \mu)^2 e^{-\lambda_k t}` for :math:`u \le 1/\mu`, the constant counted as
a term of rate 0.

**A known root at 0** (a wall just crossed: simple; a wall just slid off: double) is divided out by the same argument
one derivative higher: :math:`f(u) \ge f^{(m)}(0) u^m / m! - M_{m+1} u^{m+1} / (m+1)!` is positive up to
:math:`u = (m + 1) f^{(m)}(0) / M_{m+1}`.

**Rounding.** Numbers are known to :math:`\nu(t) = \kappa (|c| + \sum |a_k| e^{-\lambda_k t}) +` `floor` only. The
theorems are applied to :math:`f + \nu`, a sum of the same exponentials: a root is reported once `f` is below zero by
more than rounding, and then moved back to where `f` itself vanishes. A graze shallower than rounding is no event.
For a function that stays within its rounding for thousands of steps the uncertainty is quadrupled, again and again:
so the search ends.
"""

from __future__ import annotations

import itertools

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.events.newton import back_all

NOISE = 8.0 * EPS
_PATIENCE = 2000
_SLOW = 12
_HALLEY = 8
_PAST = 1 + 1e-6
_LONG = 80  # numbers in a row, from which on sums are many times faster row by row than by ``accumulate``


def first_roots(
    constants: FloatArray,
    coefficients: FloatArray,
    rates: FloatArray,
    values: FloatArray,
    limits: FloatArray,
    groups: IntArray | None = None,
    order: IntArray | None = None,
    floor: FloatArray | float = 0.0,
) -> FloatArray:
    """Return the first time after 0 at which each function falls below zero, ``inf`` where that is past its limit.

    Functions compete within groups: one that provably has its event later than another of its group may be given
    up and get ``inf``. The least time of each group is exact to rounding.

    Parameters
    ----------
    constants : ndarray, shape (m,)
    coefficients : ndarray, shape (k, m)
    rates : ndarray, shape (k, m) or (k, 1)
        Ascending along the first axis, positive.
    values : ndarray, shape (m,)
        The functions at 0, known better than the sum of constant and coefficients where these cancel.
    limits : ndarray, shape (g,)
        Last time of interest of each group; lowered in place to the first event there is.
    groups : ndarray of int, shape (m,), optional
        Group of each function; all in group 0 by default.
    order : ndarray of int, shape (m,), optional
        Multiplicity of a known root at 0 that is no event.
    floor : float or ndarray, shape (m,)
        Absolute uncertainty of the functions beyond the rounding of their own terms.

    Returns
    -------
    ndarray, shape (m,)

    Examples
    --------
    The first root of exp(-t) - 1/2 is at log 2:

    >>> one = np.ones(1)
    >>> first_roots(-0.5 * one, one[:, None], one[:, None], 0.5 * one, np.array([10.0])).round(6)
    array([0.693147])
    """
    size = constants.size
    group = np.zeros(size, dtype=np.int64) if groups is None else groups
    c = constants + NOISE * np.abs(constants) + floor
    a = coefficients + NOISE * np.abs(coefficients)
    t = np.zeros(size) if order is None or not order.any() else leave(coefficients, rates, order)
    # At first sight most are cleared, or have exactly one root.
    alive, roots = _first_look(c, a, rates, t, limits[group])
    # The search goes a little past the roots so far: without the rounding they are a little earlier.
    reach = limits.copy()
    np.minimum.at(reach, group, _PAST * roots)
    alive = alive[t[alive] <= reach[group[alive]]]
    t, c, a, lam = t[alive], c[alive], a.take(alive, axis=1), rates_of(rates, alive)
    for count in itertools.count(1) if alive.size else ():
        if count % _PATIENCE == 0:
            scale = NOISE * 4.0 ** (count // _PATIENCE)
            floors = np.broadcast_to(floor, size)[alive]
            c = constants[alive] + scale * np.abs(constants[alive]) + scale / NOISE * floors
            a = coefficients[:, alive] + scale * np.abs(coefficients[:, alive])
        terms = a * np.exp(-(lam * t))
        partial = c + sums(terms)
        value = partial[-1]
        speeds = terms * lam
        slope = -_total(speeds)
        down = _total(np.maximum(speeds, 0.0))
        bend = _total(np.maximum(-speeds, 0.0) * lam)
        never = (c >= 0) & (partial >= 0).all(axis=0) & (value > 0)
        positive = np.maximum(value, 0.0)
        root = np.sqrt(slope * slope + 2.0 * bend * positive)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = np.where(slope < 0, 2.0 * positive / (root - slope), (slope + root) / bend)
            step = np.fmax(step, positive / down)
        if count > _SLOW:
            step = np.fmax(step, _shifted(c, terms, lam, positive))
        moved = t + step
        hit = ~never & ((value <= 0) | (step <= 2 * EPS * moved))
        if hit.any():
            roots[alive[hit]] = t[hit]
            np.minimum.at(reach, group[alive[hit]], _PAST * t[hit])
        going = (~never & ~hit & (moved <= reach[group[alive]])).nonzero()[0]
        if not going.size:
            break
        alive, t, c = alive[going], moved[going], c[going]
        a, lam = a.take(going, axis=1), rates_of(lam, going)
    some = np.isfinite(roots).nonzero()[0]
    near = coefficients.take(some, axis=1), rates_of(rates, some), values[some], roots[some]
    roots[some] = _polish(constants[some], *near)
    np.minimum.at(limits, group, roots)
    roots[roots > limits[group]] = np.inf
    return roots


def _first_look(
    c: FloatArray, a: FloatArray, rates: FloatArray, t: FloatArray, limit: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return which functions need a closer look, and the roots of those that have exactly one (``inf`` elsewhere)."""
    terms = a * np.exp(-(rates * t))
    above = c + sums(terms) >= 0
    size = np.abs(terms)
    with np.errstate(divide="ignore", invalid="ignore"):
        mu = _total(size * rates) / _total(size)
    rises = (c * mu + sums(terms * (mu - rates)) >= 0).all(axis=0)
    positive = _total(terms) + c > 0
    unclear = ~(positive & (c >= 0) & (above.all(axis=0) | rises))
    roots = np.full(c.size, np.inf)
    # One change of sign is one root: if it is not past the limit it is bracketed.
    once = (positive & (c < 0) & (above[1:] | ~above[:-1]).all(axis=0) & np.isfinite(limit)).nonzero()[0]
    if once.size:
        c, a, rates = c[once], a.take(once, axis=1), rates_of(rates, once)
        below = c + _total(a * np.exp(-(rates * limit[once]))) < 0
        unclear[once[~below]] = False
        near = below.nonzero()[0]
        once = once[near]
        first, solved = _bracketed(c[near], a.take(near, axis=1), rates_of(rates, near), t[once], limit[once])
        roots[once[solved]] = first[solved]
        unclear[once[solved]] = False
    return unclear.nonzero()[0], roots


def _bracketed(
    c: FloatArray, a: FloatArray, rates: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Return what Halley's method finds inside (`low`, `high`), where each function has one root, and where it does."""
    x, solved, alive = low.copy(), np.zeros(low.size, dtype=np.bool_), np.arange(low.size)
    now = low
    for _ in range(_HALLEY):
        terms = a * np.exp(-(rates * now))
        speeds = terms * rates
        value, slope, bend = c + _total(terms), -_total(speeds), _total(speeds * rates)
        low, high = np.where(value > 0, now, low), np.where(value < 0, now, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = value / slope
            following = now - newton / (1.0 - 0.5 * np.maximum(np.minimum(newton * bend / slope, 1.0), -1.0))
        inside = (slope < 0) & (low < following) & (following < high)
        following = np.where(value == 0, now, np.where(inside, following, 0.5 * (low + high)))
        done = np.abs(following - now) <= 1e-9 * following  # what is left is cubed
        now = following
        if not done.any():
            continue
        x[alive], solved[alive] = following, done
        if done.all():
            break
        going = (~done).nonzero()[0]
        alive, now, low, high, c = alive[going], now[going], low[going], high[going], c[going]
        a, rates = a.take(going, axis=1), rates_of(rates, going)
    return x, solved


def _shifted(c: FloatArray, terms: FloatArray, rates: FloatArray, value: FloatArray) -> FloatArray:
    """The step of f(t + u) exp(μ u) with the mean rate μ."""
    size = np.abs(terms)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mu = _total(size * rates) / _total(size)
        apart = rates - mu
        slope = c * mu - _total(terms * apart)
        bend = np.e * (_total(np.maximum(-terms, 0.0) * apart * apart) + np.maximum(-c, 0.0) * mu * mu)
        root = np.sqrt(slope * slope + 2.0 * bend * value)
        step = np.where(slope < 0, 2.0 * value / (root - slope), (slope + root) / bend)
        return np.asarray(np.fmin(step, 1.0 / mu))


def rates_of(rates: FloatArray, who: IntArray) -> FloatArray:
    """The rates of some functions, shape ``(k, who.size)``, or ``(k, 1)`` if all have the same."""
    return rates if rates.shape[1] == 1 else rates.take(who, axis=1)


def sums(terms: FloatArray) -> FloatArray:
    """Partial sums over the first axis, one row after the other, as :func:`_total` takes them."""
    if terms.size <= _LONG * len(terms):
        return np.asarray(np.add.accumulate(terms, axis=0))
    rows = terms.copy()
    for before, row in itertools.pairwise(rows):
        row += before
    return rows


def _total(terms: FloatArray) -> FloatArray:
    """Sum over the first axis one row after the other: the same bits whatever the number of columns."""
    if terms.shape[0] == 3:
        return np.asarray((terms[0] + terms[1]) + terms[2])
    if terms.size <= _LONG * len(terms):
        return np.asarray(np.add.accumulate(terms, axis=0)[-1])
    total = terms[0].copy()
    for row in terms[1:]:
        total += row
    return np.asarray(total)


def _polish(
    constants: FloatArray, coefficients: FloatArray, rates: FloatArray, values: FloatArray, t: FloatArray
) -> FloatArray:
    """Move from where f leaves the band of rounding to where it vanishes."""

    def function(t: FloatArray, alive: IntArray) -> tuple[FloatArray, FloatArray]:
        c, start, a, lam = constants[alive], values[alive], coefficients.take(alive, axis=1), rates_of(rates, alive)
        powers = -(lam * t)
        terms, moves = a * np.exp(powers), a * np.expm1(powers)
        # Measured from the value at 0 where that loses less: early, large terms cancel.
        early = np.abs(start) + _total(np.abs(moves)) < np.abs(c) + _total(np.abs(terms))
        return np.where(early, start + _total(moves), c + _total(terms)), -_total(terms * lam)

    return back_all(function, t)


def leave(coefficients: FloatArray, rates: FloatArray, order: IntArray) -> FloatArray:
    """Half-way to where the known root at 0 is certainly left behind."""
    t = np.zeros(order.size)
    for m in range(1, int(order.max(initial=0)) + 1):
        members = np.flatnonzero(order == m)
        lam = rates_of(rates, members)
        high = (-1.0) ** m * coefficients.take(members, axis=1) * lam**m
        lead = _total(high)
        bound = _total(np.maximum(high * lam, 0.0))  # the next derivative has the other sign
        with np.errstate(divide="ignore", invalid="ignore"):
            t[members] = np.where(bound > 0, 0.5 * (m + 1) * np.maximum(lead, 0.0) / bound, 0.0)
    return t
