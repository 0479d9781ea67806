r"""The stretches of a small network by the eigenvectors of their modes, all of them together, a row each.

With approximate eigenvectors `Q` and rates :math:`\Lambda` of a mode, :math:`a = Q^\top v` of the velocity `v` at the
start, and :math:`\phi_k(t) = (1 - e^{-\lambda_k t})/\lambda_k`, the state is :math:`y + Q\,(\phi a)(t)` but for at most

.. math:: s\,\bigl(w + \|L Q - Q \Lambda\|\,\|(\phi a)(T)\|\bigr), \quad s = \min(T, 1/\lambda_1),

`w` what is wrong with `v` and with :math:`v - Q a`. *Proof.* The difference `e` of the velocities obeys
:math:`\dot e = -L e - (L Q - Q \Lambda)\,e^{-\Lambda t} a`, so :math:`\|e(t)\| \le e^{-\lambda_1 t} \|e(0)\| +
\int_0^t e^{-\lambda_1 (t - u)} \|L Q - Q \Lambda\|\,\|e^{-\Lambda u} a\|\,du`, column by column; its integral is at
most `s` times both. ∎ Event functions, their rows divided by their norms, are :math:`f = f_\infty - \sum_k b_k
e^{-\lambda_k t}`. Between two times `h` apart they are no less than at the lesser end, less :math:`h^2/8` times
:math:`\sum_k |b_k| \lambda_k^2 e^{-\lambda_k t}` at the first.

First residuals, and what eigenvectors are off by, have next to no rounding: numbers of 23 bits, by numbers of 23 bits,
sum without any, and what is left of both is so small that its rounding is no matter. Exponentials are taken to be right
to 4 units in the last place.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheaflab.arrays import EPS, FloatArray, IntArray
from sheaflab.proof.law import TINY, Law, gamma, norm
from sheaflab.proof.positivity import Doubt
from sheaflab.proof.weights import ACTIVE, SLIDING, Blocks, CodeArray, root, squares

_ROOM = 500_000  # numbers of modes that are kept
_BITS = 23  # of slices: products of so many columns as there are here sum without rounding
_ENDS = np.array([0.0, 0.03, 0.06, 0.12, 0.25, 0.5])
_STEPS = np.concatenate([_ENDS, np.arange(1.0, 16.0), 16.0 - _ENDS[::-1]]) / 16.0  # of the logarithm of time
_FINER = np.linspace(0.0, 1.0, 17)
_DEEPEST = 3
_MOST = 500  # stretches of functions that are looked at more closely
_SLOWEST = 1e-9  # of the largest rate: slower ones count as that
_ENDLESS = 1e12  # shortest time scales: after that there is nothing left of the slowest of them


class Spectra:
    """Eigenvectors of the modes that a network has been seen in, and what else the closed form needs of each."""

    def __init__(self, law: Law, blocks: Blocks) -> None:
        self.law = law
        n, h = law.n, law.h
        self._known: dict[bytes, FloatArray] = {}
        sizes = n * n, n * n, h * n, h * n, n, n, n, n, h, h, h, h, h, 4
        self.ends = np.cumsum(sizes).tolist()
        # The residual as a product with (gated states, states, a number of the size of the drive).
        self.one = 2.0 ** math.frexp(blocks.largest)[1] if blocks.largest else 0.0
        drive, rest = law.drive / (self.one or 1.0), law.rest / (self.one or 1.0)
        pull = np.asarray(law.sheaf.pull)
        matrix = np.concatenate([-pull, np.eye(n), -drive[None]])
        self.high, low = _cut(matrix)
        low[-1] -= rest
        self.low = np.concatenate([low, matrix])
        columns, scale = len(matrix), 2.0 ** math.frexp(float(np.abs(matrix).max()))[1]
        self.missing = 1.02 * gamma(2 * columns + 2) * columns * scale * 2.0**-_BITS
        self.pull = np.ascontiguousarray(pull.T)
        self.wrong_rows = 2.0 * (law.sums + law.pulls + gamma(2 * n)) * law.bulk**2 * math.sqrt(n) / law.gain

    def of(self, codes: CodeArray) -> FloatArray:
        """What is kept of modes, a row each."""
        data, h, known = codes.tobytes(), self.law.h, self._known
        keys = [data[k : k + h] for k in range(0, len(data), h)]
        if not all(map(known.__contains__, keys)):
            if len(known) * self.ends[-1] > _ROOM:
                self._known = known = {}
            for key, row in zip(keys, codes, strict=True):
                if key not in known:
                    known[key] = self._numbers(row)
        return np.array([known[key] for key in keys])

    def _numbers(self, codes: CodeArray) -> FloatArray:
        law, n, h = self.law, self.law.n, self.law.h
        active, sliding = (codes == ACTIVE).astype(np.float64), (codes == SLIDING).astype(np.float64)
        moving = np.ones(n)
        moving[:h] -= sliding
        delta = np.eye(n)
        delta[:, :h] -= self.pull * active
        delta *= moving
        rates, vectors = np.linalg.eigh(delta.T @ delta + np.diag(law.fastest * (1.0 - moving)))
        vectors *= moving[:, None]
        rates = np.maximum(rates, _SLOWEST * law.fastest)
        # What eigenvectors are off by is no more than rounding: so these products have none to speak of.
        high, low = _product(vectors, vectors.T)
        skew = norm((np.diag(moving) - high) - low) + 1e-5 * EPS * n**3
        inner, rest = _product(delta, vectors)
        high, low = _product(delta.T, inner)
        of_rates, rest_of_rates = _product(vectors, np.diag(rates))
        off = norm((high - of_rates) + (low + delta.T @ rest - rest_of_rates)) + 1e-5 * EPS * n**3 * law.bulk**2
        slowest = float(rates[0]) - 2.0 * (off + skew * law.fastest) * (1.0 + 2.0 * skew)
        side, shares = np.where(codes == ACTIVE, 1.0, -1.0) * moving[:h], rates / law.fastest
        rows = delta @ vectors
        down = side[:, None] * vectors[:h] - (sliding / law.gain)[:, None] * rows[:h]
        up = (sliding / law.fastest)[:, None] * (rows[:h] - self.pull.T @ rows)
        most = math.sqrt(float(np.square(np.concatenate([down, up]) / rates).sum(axis=1).max())) * (1 + 1e-9)
        numbers = skew + gamma(n) * math.sqrt(n), off, 1.0 / slowest if slowest > 0 else math.inf, most
        parts = (
            -delta, vectors, down / rates, up / rates, rates, shares, -shares, np.square(shares) * (0.125 * (1 + 1e-9)),
            active, side, sliding / law.gain, sliding / law.fastest, np.where(sliding > 0, 0.0, np.inf), numbers,
        )  # fmt: skip
        return np.concatenate([np.ravel(part) for part in parts])


class Closed:
    """The flow of stretches from states `y`, each in a mode and of a length of its own.

    Attributes
    ----------
    r, g, v : ndarray, shapes (K, n), (K, h), (K, n)
        Residual, pull and velocity at the start.
    wrong_speed, wrong_v, speed : list of float
        Bounds of the error of each entry of `r` and `g` together, and of `v`, and of the norm of the velocity.
    end, wrong : ndarray, shape (K, n), and list of float
        The state at the end, and a bound of its error.
    times : ndarray, shape (K, pieces + 1)
        Times in units of the shortest time scale, from the start to the end.
    low : ndarray, shape (K, functions, pieces)
        Bounds of the event functions from below, on pieces of the stretches.
    """

    def __init__(
        self, spectra: Spectra, codes: CodeArray, y: FloatArray, spans: FloatArray, largest: float
    ) -> None:
        self.spectra, self.law = spectra, spectra.law
        number, n, h = len(y), self.law.n, self.law.h
        self.slides = SLIDING in codes.tobytes()
        kept, e = spectra.of(codes), spectra.ends
        minus = kept[:, : e[0]].reshape(number, n, n)
        self.vectors = kept[:, e[0] : e[1]].reshape(number, n, n)
        rows = kept[:, e[1] : e[3] if self.slides else e[2]].reshape(number, -1, n)
        rates, self.shares, decays, self.bent = (kept[:, a:b] for a, b in pairwise(e[3:8]))
        side, self.errors = kept[:, e[8] : e[9]], kept[:, e[12] :].tolist()
        power = self._start(y, kept[:, e[7] : e[8]], minus, largest)
        along = (self.v[:, None, :] @ self.vectors)[:, 0]
        whole = np.minimum(spans * self.law.fastest, _ENDLESS)
        gone = np.expm1(decays * whole[:, None])
        gone *= along
        gone /= rates
        self.end = y - (self.vectors @ gone[:, :, None])[:, :, 0]
        self.b = rows * along[:, None, :]
        heights = side * y[:, :h]
        if self.slides:
            down, up, free = (kept[:, a:b] for a, b in pairwise(e[9:13]))
            r = self.r[:, :h]
            heights = np.concatenate([heights - down * r, free + up * (r - self.g)], axis=1)
        self.heights = heights + np.add.reduce(self.b, axis=2)
        self._bound(spans.tolist(), along, gone, largest, power)
        self._look(whole, decays)

    def _start(self, y: FloatArray, active: FloatArray, minus: FloatArray, largest: float) -> float:
        """Residual, pull and velocity; return the power of 2 above all numbers of the states and of the drive."""
        spectra, h = self.spectra, self.law.h
        x = np.empty((len(y), len(spectra.high)))
        np.multiply(active, y[:, :h], out=x[:, :h])
        x[:, h:-1] = y
        x[:, -1] = spectra.one
        power: float = 2.0 ** math.frexp(max(largest, spectra.one))[1]
        shift = 1.5 * 2.0 ** (52 - _BITS) * power
        high = (x + shift) - shift
        self.r = high @ spectra.high
        self.r += np.concatenate([high, x - high], axis=1) @ spectra.low
        self.g, self.v = self.r @ spectra.pull, (self.r[:, None, :] @ minus)[:, 0]
        return power

    def _bound(self, spans: list[float], along: FloatArray, gone: FloatArray, largest: float, power: float) -> None:
        """What is wrong at the starts, at the ends, and everywhere on the stretches and a little later."""
        law, spectra, number, n = self.law, self.spectra, len(spans), self.law.n
        self.speed, self.wrong_v, self.wrong_speed = [], [], []
        self.wrong, self.wrong_f, self.wrong_slopes = [], [], []
        missing = math.sqrt(n) * (spectra.missing * power + 2.0**-100 * spectra.one + TINY)
        summing, rounding = gamma(n + 16) * math.sqrt(n), gamma(2 * n + 20)
        found = squares(np.concatenate([self.r, self.v, along, gone]))
        parts = (found[k * number : (k + 1) * number] for k in range(4))
        for span, (skew, off, longest, most), rr, vv, aa, dd in zip(spans, self.errors, *parts, strict=True):
            size, moved = root(rr), 1.001 * math.sqrt(dd)
            wrong = 0.51 * EPS * size + missing
            wrong_speed = 2.0 * ((1.0 + law.weight) * wrong + law.pulls * law.weight_bulk * size) + TINY
            wrong_v = (law.gain * wrong + law.pulls * law.bulk * size) * (1 + 1e-9) + TINY
            speed = root(vv) + wrong_v
            self.speed.append(speed)
            self.wrong_v.append(wrong_v)
            self.wrong_speed.append(wrong_speed)
            wrong = wrong_v + skew * speed + off * moved
            whole = min(1.001 * span, longest) * wrong
            self.wrong.append(whole + summing * moved + 0.6 * EPS * math.sqrt(n) * (largest + moved))
            sums = most * math.sqrt(aa) * (1 + 1e-9)
            own = spectra.wrong_rows if self.slides else 0.0
            rounded = rounding * (sums + largest + size) + own * moved
            self.wrong_f.append(whole + rounded + (wrong_speed / law.gain if self.slides else 0.0))
            self.wrong_slopes.append((wrong + (own + off / law.fastest) * speed) / law.fastest + rounded)

    def _look(self, whole: FloatArray, decays: FloatArray) -> None:
        """Bounds of the event functions from below between times, shape ``(K, functions, pieces)``."""
        t = np.expm1(np.log1p(whole)[:, None] * _STEPS)
        t[:, -1] = whole
        self.times = t
        self.e = np.exp(decays[:, :, None] * t[:, None, :])
        f = self.b @ self.e
        np.subtract(self.heights[:, :, None], f, out=f)
        self.bends = (np.abs(self.b) * self.bent[:, None, :]) @ self.e[:, :, :-1]
        self.ends = np.minimum(f[:, :, :-1], f[:, :, 1:])
        self.low = self.ends - self.bends * np.square(t[:, 1:] - t[:, :-1])[:, None, :]

    def rises(self, k: int, i: int, order: int) -> tuple[float, float]:
        """For a coordinate that begins at 0 with derivatives that are 0 below `order`, 1 or 2.

        Returns a bound from below of that derivative up to a time from which on the function itself is looked at, and
        one of how much the derivative can change in as long as the stretch lasts, both divided by the norm of the
        change of the derivative with the state.
        """
        start, bend = 0.0, 0.0
        for b, share in zip(self.b[k, i].tolist(), self.shares[k].tolist(), strict=True):
            b *= share if order == 1 else -share * share
            start += b
            bend += abs(b) * share
        times = self.times[k].tolist()
        number, low = self._slope(k, start, 1.01 * bend, times[1:])
        self.low[k, i, :number] = np.inf
        return low, 1.01 * bend * times[-1]

    def falls(self, k: int, i: int) -> tuple[float, float]:
        """The same for a function that ends at 0: of minus its first derivative, from such a time on."""
        rows = zip(self.b[k, i].tolist(), self.shares[k].tolist(), self.e[k, :, -1].tolist(), strict=True)
        start, bend = -sum([b * share * e for b, share, e in rows]), 8.1 * float(self.bends[k, i, 1 - _ENDS.size])
        *times, whole = self.times[k].tolist()
        number, low = self._slope(k, start, bend, [whole - t for t in times[: -_ENDS.size : -1]])
        self.low[k, i, -number:] = np.inf
        return low, bend * whole

    def _slope(self, k: int, start: float, bend: float, times: list[float]) -> tuple[int, float]:
        """Over how many pieces, by the times of their ends, at least half of a slope is left, and how much of it."""
        number = 1
        while number < _ENDS.size - 1 and bend * times[number] <= 0.5 * start:
            number += 1
        return number, start - bend * times[number - 1] - self.wrong_slopes[k]

    def margins(self, enough: float) -> list[float]:
        """How far states may be off, by their norm, before another event function can vanish in each stretch.

        What is no smaller than `enough` is not looked at more closely.
        """
        low = np.minimum.reduce(self.low, axis=(1, 2))
        if not np.logical_and.reduce(low > enough):
            k, i, j = _close(self.low, self.ends, enough)
            self.low[k, i, j] = self._lowest(k, i, self.times[k, j], self.times[k, j + 1], enough, _DEEPEST)
            low = np.minimum.reduce(self.low, axis=(1, 2))
        return [value - wrong for value, wrong in zip(low.tolist(), self.wrong_f, strict=True)]

    def _lowest(
        self, k: IntArray, i: IntArray, left: FloatArray, right: FloatArray, enough: float, depth: int
    ) -> FloatArray:
        """Bounds from below of functions `i` of stretches `k`, each between two times, by shorter pieces of these."""
        if k.size > _MOST:
            raise Doubt("many functions are near 0")
        t = left[:, None] + (right - left)[:, None] * _FINER
        t[:, -1] = right
        b = self.b[k, i][:, None, :]
        e = np.exp(-self.shares[k][:, :, None] * t[:, None, :])
        f = self.heights[k, i][:, None] - (b @ e)[:, 0]
        bends = ((np.abs(b) * self.bent[k][:, None, :]) @ e[:, :, :-1])[:, 0]
        ends = np.minimum(f[:, :-1], f[:, 1:])
        low = ends - bends * np.square(t[:, 1:] - t[:, :-1])
        if depth:
            q, j = _close(low, ends, enough)
            if q.size:
                low[q, j] = self._lowest(k[q], i[q], t[q, j], t[q, j + 1], enough, depth - 1)
        return np.asarray(np.minimum.reduce(low, axis=1))

    def carry(self, k: int, rows: NDArray[np.floating[Any]]) -> tuple[FloatArray, float]:
        """Where stretch `k` takes small differences of states, a row each, and the relative error of that."""
        skew, off, longest, _ = self.errors[k]
        vectors, span = self.vectors[k], 1.001 * float(self.times[k, -1]) / self.law.fastest
        moved = ((rows @ vectors) * self.e[k, :, -1]) @ vectors.T
        rounding = 2.0 * gamma(2 * self.law.n + 8) * math.sqrt(self.law.n)
        return np.asarray(moved), skew + off * min(span, longest) + rounding


def _product(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A product of square matrices as a sum of two: one without rounding, and one that is small beside it."""
    (ah, al), (bh, bl) = _cut(a), _cut(b)
    return ah @ bh, ah @ bl + al @ b


def _cut(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Numbers of few bits, in a unit of the largest, and the rest."""
    unit = 2.0 ** (math.frexp(float(np.abs(x).max()))[1] - _BITS)
    high = np.rint(x / unit) * unit
    return high, x - high


def _close(low: FloatArray, ends: FloatArray, enough: float) -> tuple[IntArray, ...]:
    """Where shorter pieces may show more."""
    return ((low <= enough) & (low < 0.5 * ends)).nonzero()
