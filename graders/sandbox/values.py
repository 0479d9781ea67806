"""Library values on their way to and from the worker, as the trusted side sees them: checked data, no behaviour."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graders.sandbox.inside.protocol import ProtocolError
from sheaflab import Network, Sheaf
from sheaflab.checks.figures import Bar, FigureData, Line, Points

MAX_UNITS, MAX_LABEL = 4096, 1000


@dataclass(frozen=True)
class Seed:
    """Sent in the place of a random generator: the worker makes ``np.random.default_rng(value)`` of it."""

    value: int


POOL = 2
"""Sets of problems for each search that a class shares: a search costs its time so often, and not once a submission."""


class Instances:
    """Where a check's fresh problems come from: decided by secret, check and submission, and by nothing else.

    Parameters
    ----------
    secret : bytes
    *path : str
        Notebook, exercise and check.
    submission : bytes
        Who has handed in what. Without it, the problems are those of the secret alone.
    place : int, optional
        Which of the sets that a class shares, from 0 to `POOL` − 1. By default the submission decides it.
    """

    def __init__(self, secret: bytes, *path: str, submission: bytes = b"", place: int | None = None) -> None:
        self._key = b"\0".join([secret, *(part.encode() for part in path)])
        self._own = self._key + b"\0" + submission if submission else self._key
        self._exercise = b"\0".join([secret, *(part.encode() for part in path[:-1]), submission])
        place = _digest(self._own) % POOL if submission and place is None else place
        self._place = [] if place is None else [b"%d" % place]

    def integer(self, label: str) -> int:
        """Return an integer of 32 bits for this submission alone, decided by the label."""
        return _digest(self._own + b"\0" + label.encode())

    def rng(self, label: str) -> np.random.Generator:
        """Return a generator for this submission alone, decided by the label."""
        return np.random.default_rng(self.integer(label))

    def of_exercise(self, label: str) -> np.random.Generator:
        """Return a generator for this submission alone that is the same for all checks of an exercise.

        What one of them has drawn, the others need not search for again; it is theirs as much as its.
        """
        return np.random.default_rng(_digest(self._exercise + b"\0" + label.encode()))

    def pooled(self, label: str) -> np.random.Generator:
        """Return one of `POOL` generators of the course, decided by the label: for problems that are slow to find."""
        return np.random.default_rng(_digest(b"\0".join([self._key, label.encode(), *self._place])))


def _digest(text: bytes) -> int:
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "little")


@dataclass(frozen=True)
class SwitchData:
    """One entry of a student's switch log. No field is checked beyond its type: the student made it."""

    time: Any
    layer: Any
    neuron: Any
    before: Any
    after: Any
    energy: Any
    slope_before: Any = None
    slope_after: Any = None


class LogData(list[SwitchData]):
    """The log of a student's run; as the library's, it knows its ``times``."""

    @property
    def times(self) -> list[Any]:
        """When each sign change was logged."""
        return [switch.time for switch in self]


@dataclass(frozen=True)
class TrajectoryData:
    """What a student's run returned: ``times`` (k,), ``states`` (k, n), ``log``, ``outcome`` a text."""

    times: Any
    states: Any
    log: LogData
    outcome: str


class Callbacks:
    """Functions handed to the student in one call, by number."""

    def __init__(self) -> None:
        self.functions: list[Callable[..., Any]] = []

    def encode(self, value: Any) -> tuple[str, dict[str, Any]] | None:
        """Encode what the frames do not know by themselves."""
        if isinstance(value, Sheaf):
            return "Sheaf", {"net": value.net, "x": value.x}
        if isinstance(value, Network):
            return "Network", {"weights": list(value.weights), "biases": list(value.biases)}
        if isinstance(value, Seed):
            return "Seed", {"seed": value.value}
        if isinstance(value, np.random.Generator):  # integers of 128 bits, as texts
            return "Generator", {key: str(number) for key, number in value.bit_generator.state["state"].items()}
        if callable(value):
            self.functions.append(value)
            return "Callback", {"id": len(self.functions) - 1}
        return None


def decode(tag: str, parts: dict[str, Any]) -> Any:
    """Build the value of a tag that came from the worker; anything out of order is a ProtocolError."""
    if tag == "Network":
        return _network(**parts)
    if tag == "Sheaf":
        if not isinstance(parts["net"], Network):
            raise ProtocolError("a Sheaf without a Network")
        return Sheaf(parts["net"], parts["x"])
    if tag == "Array":
        if not isinstance(parts["values"], np.ndarray):
            raise ProtocolError("an array without numbers")
        return parts["values"]
    if tag == "Switch":
        return SwitchData(**parts)
    if tag == "SwitchLog":
        return _switches(parts["switches"])
    if tag == "Trajectory":
        _texts(parts["outcome"])
        return TrajectoryData(parts["times"], parts["states"], _switches(parts["log"]), parts["outcome"])
    raise ProtocolError(f"a frame holds a value of unknown type {tag[:40]!r}")


def _network(weights: Any, biases: Any) -> Network:
    arrays = [*weights, *biases]
    if not all(isinstance(array, np.ndarray) and array.dtype == np.float64 for array in arrays):
        raise ProtocolError("a Network of something else than arrays of numbers")
    if sum(array.size for array in biases) > MAX_UNITS:  # a sheaf's operators have the square of it
        raise ProtocolError(f"a Network of more than {MAX_UNITS} units")
    return Network(weights, biases)


def _texts(*values: Any) -> None:
    if not all(isinstance(value, str) and len(value) <= MAX_LABEL for value in values):
        raise ProtocolError(f"a label or an outcome that is no text of at most {MAX_LABEL} characters")


def _switches(value: Any) -> LogData:
    if not isinstance(value, list) or not all(isinstance(item, SwitchData) for item in value):
        raise ProtocolError("a switch log that holds something else than switches")
    return LogData(value)


def figure(data: Any) -> FigureData:
    """Check a description of a figure and give it a type."""
    if not isinstance(data, dict):
        raise ProtocolError("a figure that is no description of one")
    try:
        lists = {"lines": Line, "further": Line, "bars": Bar, "more_bars": Bar}
        parts = {key: [kind(**item) for item in data[key]] for key, kind in lists.items()}
        points = {key: Points(**data[key]) for key in ("rest", "spots", "marks")}
        made = FigureData(**{**data, **parts, **points})
        for line in (*made.lines, *made.further):
            _texts(line.label, line.entry)
        _texts(*made.legend, *made.misread, *made.faults, *made.texts)
        _texts(made.xscale, made.yscale, made.xlabel, made.ylabel, made.title)
        for limits in (made.xlim, made.ylim):
            if not isinstance(limits, list) or [type(value) for value in limits] != [float, float]:
                raise ProtocolError("limits of a figure's axis that are not two numbers")
        curves: tuple[Line | Points, ...] = (*made.lines, *made.further, made.rest, made.spots, made.marks)
        for curve in curves:
            if not all(isinstance(v, np.ndarray) and v.dtype == np.float64 and v.ndim == 1 for v in (curve.x, curve.y)):
                raise ProtocolError("a line of a figure without coordinates")
        visible: tuple[Line | Bar, ...] = (*made.lines, *made.further, *made.bars, *made.more_bars)
        if not all(isinstance(part.shown, bool) for part in visible):
            raise ProtocolError("a part of a figure that does not tell whether it can be seen")
        for bar in (*made.bars, *made.more_bars):
            if not all(isinstance(v, float) for v in (bar.x, bar.y, bar.width, bar.height)):
                raise ProtocolError("a bar of a figure without numbers")
    except (TypeError, KeyError) as error:
        raise ProtocolError(f"a broken description of a figure: {error}"[:300]) from error
    return made
