"""Explicit Euler with located crossings for many starts at once, step for step as :class:`sheaflab.EventEuler` runs it.

Within a step the state moves on a straight line, so bisection needs no further velocity: it is done for all rows
together that change sign in the step.
"""

from __future__ import annotations

import math

import numpy as np

from sheaflab.arrays import BoolArray, FloatArray, IntArray
from sheaflab.engine.layers import Layers, slopes_in, velocities
from sheaflab.modes import CodeArray
from sheaflab.results import Batch, Outcome
from sheaflab.sheaf import Sheaf

_NUMBERS = 65_536


def event_euler(sheaf: Sheaf, starts: FloatArray, t_end: float, dt: float, tol: float, max_steps: int) -> Batch:
    """Step from each row of `starts`, shape ``(m, n)``; log a sign change where bisection to `tol` places it."""
    batch, layers = Batch(sheaf, len(starts), t_end), Layers(sheaf)
    size = max(1, _NUMBERS // sheaf.n)
    for first in range(0, len(starts), size):
        rows = _Rows(layers, batch, starts[first : first + size], first)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # an overflow is reported as an outcome
            rows.run(t_end, dt, tol, max_steps)
    return batch


class _Rows:
    """Some trajectories under way."""

    def __init__(self, layers: Layers, batch: Batch, starts: FloatArray, first: int) -> None:
        self.layers, self.batch, self.h = layers, batch, layers.h
        self.who = np.arange(first, first + len(starts))
        self.c, self.t = starts.copy(), np.zeros(len(starts))
        self.codes = self._signs(self.c)

    def _signs(self, c: FloatArray) -> CodeArray:
        return np.asarray(c[:, : self.h] > 0, dtype=np.int8)

    def run(self, t_end: float, dt: float, tol: float, max_steps: int) -> None:
        steps = max(1, math.ceil(t_end / dt * (1 - 1e-12)))
        for k in range(1, min(steps, max_steps) + 1):
            self.step(t_end if k == steps else k * dt, tol)
            if not self.who.size:
                return
        self.end(
            np.ones(self.who.size, dtype=np.bool_), Outcome.REACHED_END if steps <= max_steps else Outcome.STEP_BUDGET
        )

    def step(self, t_next: float, tol: float) -> None:
        """Advance to the next grid time, cut at each crossing on the way; a neuron is located once per step."""
        located = np.zeros(self.codes.shape, dtype=np.bool_)
        going = np.arange(self.who.size)
        broken = np.zeros(self.who.size, dtype=np.bool_)
        while going.size:
            c, codes, before = self.c[going], self.codes[going], located[going]
            wait = t_next - self.t[going]
            v = velocities(*self.layers.field(c, codes), codes)
            arrival, t = c + wait[:, None] * v, np.full(going.size, t_next)
            cut = (((self._signs(arrival) != codes) & ~before).any(axis=1)).nonzero()[0]
            if cut.size:
                shorter = self.locate(c[cut], v[cut], codes[cut], wait[cut], tol)
                nearer = c[cut] + shorter[:, None] * v[cut]
                fresh = (self._signs(nearer) != codes[cut]) & ~before[cut]
                sooner = self.t[going[cut]] + shorter
                use = (shorter < wait[cut]) & (sooner > self.t[going[cut]]) & fresh.any(axis=1)
                cut = cut[use]
                arrival[cut], t[cut] = nearer[use], sooner[use]
                located[going[cut]] |= fresh[use]
            finite = np.isfinite(arrival).all(axis=1)
            broken[going[~finite]] = True
            self.move(going[finite], arrival[finite], t[finite])
            going = going[finite & (t < t_next)]
        if broken.any():
            self.end(broken, Outcome.UNSTABLE)

    def locate(self, c: FloatArray, v: FloatArray, codes: CodeArray, wait: FloatArray, tol: float) -> FloatArray:
        """Bisect each row for its first sign change; the end of the bracket beyond it is returned."""
        z, speed = c[:, : self.h], v[:, : self.h]
        inside, outside = np.zeros(wait.size), wait.copy()
        while True:
            middle = 0.5 * (inside + outside)
            going = (outside - inside > tol) & (inside < middle) & (middle < outside)
            if not going.any():
                return outside
            stays = ((z + middle[:, None] * speed > 0) == codes).all(axis=1)
            inside, outside = np.where(going & stays, middle, inside), np.where(going & ~stays, middle, outside)

    def move(self, rows: IntArray, c: FloatArray, t: FloatArray) -> None:
        before, after = self.codes[rows], self._signs(c)
        self.c[rows], self.t[rows], self.codes[rows] = c, t, after
        changed = (before != after).any(axis=1).nonzero()[0]
        if changed.size:
            c, sides = c[changed], (before[changed], after[changed])
            energies, slopes = zip(*(self.slopes(c, codes) for codes in sides), strict=True)
            self.batch.add(self.who[rows[changed]], t[changed], sides[0].T, sides[1].T, energies[1], slopes)

    def slopes(self, c: FloatArray, codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Return energies and d(log V)/dt of the affine laws of `codes`, each of shape ``(m,)``."""
        r, g = self.layers.field(c, codes)
        energy = 0.5 * np.square(r).sum(axis=1)
        return energy, slopes_in(codes, r, g, energy)

    def end(self, rows: BoolArray, outcome: Outcome) -> None:
        self.batch.finish(self.who[rows], self.c[rows], outcome, self.t[rows])
        others = ~rows
        self.who, self.c, self.t, self.codes = self.who[others], self.c[others], self.t[others], self.codes[others]
