"""Explicit Euler for many starts at once: the lab page's scheme, step for step as :class:`sheaflab.Euler` runs it."""

from __future__ import annotations

import math

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.modes import ACTIVE, CodeArray
from sheaflab.results import Batch, Outcome
from sheaflab.sheaf import Sheaf, log_slopes

_BLOCK = 256


def euler(sheaf: Sheaf, starts: FloatArray, t_end: float, dt: float, max_steps: int) -> Batch:
    """Step from each row of `starts`, shape ``(m, n)``; log a sign change between steps as a switch.

    Products are taken on blocks of one fixed size, the last one padded: a matrix product's digits may depend on its
    shape, and a trajectory's must not depend on its companions.
    """
    batch = Batch(sheaf, len(starts), t_end)
    for first in range(0, len(starts), _BLOCK):
        block = np.zeros((_BLOCK, sheaf.n))
        rows = starts[first : first + _BLOCK]
        block[: len(rows)] = rows
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is reported as an outcome
            _block(sheaf, batch, block, first, len(rows), t_end, dt, max_steps)
    return batch


def _block(
    sheaf: Sheaf, batch: Batch, c: FloatArray, first: int, size: int, t_end: float, dt: float, max_steps: int
) -> None:
    h = sheaf.h
    who = np.arange(first, first + _BLOCK)
    steps = max(1, math.ceil(t_end / dt * (1 - 1e-12)))
    codes = (c[:, :h] > 0).astype(np.int8)
    alive = np.arange(_BLOCK) < size
    t = 0.0
    for k in range(1, min(steps, max_steps) + 1):
        after = t_end if k == steps else k * dt
        moved = c + (after - t) * _field(sheaf, c, codes)[1]
        t = after
        broken = alive & ~np.isfinite(moved).all(axis=1)
        if broken.any():
            batch.finish(who[broken], c[broken], Outcome.UNSTABLE, (k - 1) * dt)
            alive &= ~broken
            moved[broken] = 0.0
        c = moved
        signs = (c[:, :h] > 0).astype(np.int8)
        changed = np.flatnonzero((signs != codes).any(axis=1) & alive)
        if changed.size:
            (_, before), (energy, behind) = (_slopes(sheaf, c, pattern)[:, changed] for pattern in (codes, signs))
            batch.add(
                who[changed], np.full(changed.size, t), codes[changed].T, signs[changed].T, energy, (before, behind)
            )
        codes = signs
    done = np.flatnonzero(alive)
    batch.finish(who[done], c[done], Outcome.REACHED_END if steps <= max_steps else Outcome.STEP_BUDGET, t)


def _field(sheaf: Sheaf, c: FloatArray, codes: CodeArray) -> tuple[FloatArray, FloatArray]:
    """Return residuals and velocities of the affine laws of `codes`, each of shape ``(m, n)``."""
    active = codes == ACTIVE
    r = c - sheaf.boundary_term
    for w, before, after in sheaf.layers:
        r[:, after] -= np.where(active[:, before], c[:, before], 0.0) @ w.T
    v = -r
    for w, before, after in sheaf.layers:
        v[:, before] += np.where(active[:, before], r[:, after] @ w, 0.0)
    return r, v


def _slopes(sheaf: Sheaf, c: FloatArray, codes: CodeArray) -> FloatArray:
    """Return energies and d(log V)/dt of the affine laws of `codes`, shape ``(2, m)``."""
    r, v = _field(sheaf, c, codes)
    energy = 0.5 * np.sum(r * r, axis=1)
    return np.stack([energy, log_slopes(np.sum(v * v, axis=1), energy)])
