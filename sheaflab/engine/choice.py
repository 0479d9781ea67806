"""Which engine follows the flow: by the widths and by what is asked for; and what none of them can follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.engine import shallow, shallow_batch, spectral, taylor, taylor_batch
from sheaflab.engine.dense import has_formula
from sheaflab.results import Batch, Record, Stop, budget
from sheaflab.sheaf import Sheaf
from sheaflab.walls import Walls

Method = Literal["auto", "closed", "taylor"]
_CONDITION = 1e10
_SIZES = 1e-150, 1e150


class Together(Protocol):
    """An engine that follows many runs at once."""

    def __call__(
        self, sheaf: Sheaf, starts: FloatArray, t_end: float, max_events: int, targets: FloatArray | None = None
    ) -> Batch:
        """Follow each row of `starts` to `t_end`, or until its energy has fallen to its target, shape ``(m,)``."""


def follow(
    sheaf: Sheaf, c0: FloatArray, t_end: float, stop: Stop, method: Method, name: str = "c0"
) -> tuple[Record, list[int]]:
    """Follow the flow from `c0`, the argument `name`; return the record and who starts on a repelling wall."""
    check_size(sheaf, c0, name)
    if method != "taylor" and has_formula(sheaf):
        return shallow.run(sheaf, c0, t_end, stop)
    _check_rates(sheaf)
    if method == "closed":
        return spectral.run(sheaf, c0, t_end, stop)
    return taylor.run(sheaf, c0, t_end, stop)


def engine_of_many(sheaf: Sheaf, starts: FloatArray, method: Method) -> Together | None:
    """Return what follows the flow from each row of `starts` at once: none with pinned coordinates, or by `method`."""
    check_size(sheaf, starts, "starts")
    if sheaf.pinned:
        return None
    if method != "taylor" and has_formula(sheaf):
        return shallow_batch.run
    _check_rates(sheaf)
    return taylor_batch.run if method != "closed" else None


def follow_many(sheaf: Sheaf, starts: FloatArray, t_end: float, max_events: int, method: Method) -> Batch:
    """Follow the flow from each row of `starts`, shape ``(m, n)``; with pinned coordinates one after the other."""
    together = engine_of_many(sheaf, starts, method)
    if together is None:
        return one_by_one(sheaf, starts, t_end, max_events, method)
    return together(sheaf, starts, t_end, max_events)


def one_by_one(sheaf: Sheaf, starts: FloatArray, t_end: float, max_events: int, method: Method) -> Batch:
    """Do what :func:`follow_many` does by single runs."""
    return each(sheaf, starts, t_end, lambda one, c0: follow(one, c0, t_end, budget(max_events), method, "starts"))


def each(
    sheaf: Sheaf, starts: FloatArray, t_end: float, run: Callable[[Sheaf, FloatArray], tuple[Record, list[int]]]
) -> Batch:
    """Run each row of `starts` alone."""
    batch = Batch(sheaf, len(starts), t_end)
    for k, c0 in enumerate(starts):
        record, repelled = run(sheaf.of(k), c0)
        batch.add_run(k, record.states[-1], record.times[-1], record.outcome, record.events)
        batch.repelled[k] = bool(repelled)
    return batch


def _check_rates(sheaf: Sheaf) -> None:
    """Refuse a network whose last mode, where flows end, loses its slow rates in the rounding of the fast ones."""
    if (condition := sheaf.shared(_last_condition)) > _CONDITION:
        raise ValueError(
            f"`net` must have a coboundary of condition at most {_CONDITION:g}, got {condition:.3g} in the mode of the "
            "forward pass: its rates lie the square of that apart, and the slow ones are lost in rounding"
        )


def _last_condition(sheaf: Sheaf) -> float:
    """Return the condition of the mode where flows end, or a bound of all modes' that is small enough."""
    if sheaf.largest_condition <= _CONDITION:  # that of no mode is larger
        return sheaf.largest_condition
    patterns = np.atleast_2d(sheaf.forward_pass())[:, : sheaf.h] > 0
    return max(sheaf.condition(pattern) for pattern in np.unique(patterns, axis=0))


def check_size(sheaf: Sheaf, starts: FloatArray, name: str) -> None:
    """Refuse numbers whose squares overflow or vanish: an energy would be infinite, or 0 away from the equilibrium."""
    driven, squares = sheaf.shared(Walls).drive, float(np.vdot(starts, starts))
    if squares < 1e200 and (squares > 1e-200 or driven > 1e-100) and driven < 1e100 and sheaf.gain < 1e20:
        return
    largest = float(np.abs(starts).max())
    if largest > _SIZES[1] or driven > _SIZES[1]:
        where, size = (name, largest) if largest > _SIZES[1] else ("x` or the biases of `net", driven)
        if (pinned := float(np.abs(sheaf.pins.at).max())) > _SIZES[1]:
            where, size = "pinned", pinned
        raise ValueError(f"`{where}` must give numbers up to {_SIZES[1]:g}, got {size:.3g}; choose another unit")
    if 0 < max(largest, driven) < _SIZES[0]:
        raise ValueError(
            f"`{name}` must reach {_SIZES[0]:g} where the biases do not, got {largest:.3g}; choose another unit"
        )
    if not np.isfinite(top := sheaf.gain**4 * max(largest, driven) ** 2 * sheaf.n):
        raise ValueError(f"`net` must have weights with which energies are finite: they reach {top} with this `{name}`")
