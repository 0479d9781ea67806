"""What happened at the walls: a log of switches, written to CSV or JSON and back."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from operator import lt
from typing import Any, overload

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.modes import MODES, Mode
from sheaflab.results import Event
from sheaflab.sheaf import Sheaf


@dataclass(frozen=True, slots=True)
class Switch:
    """One hidden neuron changed its mode.

    Attributes
    ----------
    time : float
        When, in the heat equation's time.
    layer, neuron : int
        Which: layers count from 1, neurons in the layer from 0.
    before, after : {"inactive", "active", "sliding"}
        The modes on the two sides.
    energy : float
        Dirichlet energy at the switch.
    slope_before, slope_after : float
        d(log V)/dt on the two sides, 1 / time; nan where the energy is 0.

    Examples
    --------
    >>> from sheaflab import Exact, Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> run = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
    >>> first = run.log[0]
    >>> round(first.time, 6), first.neuron, first.slides, round(first.kink, 4)
    (0.250027, 0, True, 0.5917)
    """

    time: float
    layer: int
    neuron: int
    before: Mode
    after: Mode
    energy: float
    slope_before: float
    slope_after: float

    def __post_init__(self) -> None:
        for side, mode in ("before", self.before), ("after", self.after):
            if mode not in MODES:
                raise ValueError(f"`{side}` must be one of {', '.join(MODES)}, got {mode!r}")

    @property
    def slides(self) -> bool:
        """Whether the neuron starts to slide here."""
        return self.after == "sliding"

    @property
    def crosses(self) -> bool:
        """Whether the neuron goes from one side of its wall to the other at once."""
        return "sliding" not in (self.before, self.after)

    @property
    def kink(self) -> float:
        """Jump of d(log V)/dt: negative where the decay steepens, 0 where a slide ends."""
        return self.slope_after - self.slope_before


Row = tuple[float, int, int, int, float, float, float]


def switches_of(sheaf: Sheaf, events: Iterable[Row]) -> list[Switch]:
    """Return the switches of a log whose neurons and modes are given as codes, in the order of :class:`Event`."""
    return [
        Switch(t, *sheaf.place(neuron), MODES[before], MODES[after], energy, slope_before, slope_after)
        for t, neuron, before, after, energy, slope_before, slope_after in events
    ]


def events_of(sheaf: Sheaf, switches: Iterable[Switch]) -> list[Event]:
    """Undo :func:`switches_of`."""
    return [
        Event(
            s.time, sheaf.index(s.layer, s.neuron), MODES.index(s.before), MODES.index(s.after),
            s.energy, s.slope_before, s.slope_after,
        )
        for s in switches
    ]  # fmt: skip


_FIELDS = tuple(field.name for field in fields(Switch))
_TYPES: dict[str, type] = {"layer": int, "neuron": int, "before": str, "after": str}


class SwitchLog:
    """The switches of one trajectory in the order of time.

    Parameters
    ----------
    switches : iterable of Switch
        In the order of time.
    t_end : float
        The log covers the times from 0 to `t_end`.
    certified : bool
        True if each entry is a switch of the flow itself and none is missing. False for the log of a time-stepping
        scheme: its entries are sign changes between steps, and where the flow slides there can be one in every step.

    Examples
    --------
    >>> from sheaflab import Exact, Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> run = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
    >>> run.log.count, run.log.crossings, run.log.slides
    (4, 2, 1)
    >>> SwitchLog.from_csv(run.log.to_csv(), t_end=60.0, certified=True) == run.log
    True
    """

    def __init__(self, switches: Iterable[Switch], t_end: float, *, certified: bool) -> None:
        self._switches = tuple(switches)
        self.t_end = float(t_end)
        self.certified = bool(certified)
        times = [switch.time for switch in self._switches]
        if any(map(lt, times[1:], times)):
            raise ValueError("`switches` must be in the order of time")

    def __len__(self) -> int:
        return len(self._switches)

    @overload
    def __getitem__(self, k: int) -> Switch: ...
    @overload
    def __getitem__(self, k: slice) -> tuple[Switch, ...]: ...
    def __getitem__(self, k: int | slice) -> Switch | tuple[Switch, ...]:
        return self._switches[k]

    def __iter__(self) -> Iterator[Switch]:
        return iter(self._switches)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SwitchLog):
            return NotImplemented
        return self.to_json() == other.to_json()  # text, so that nan equals nan

    def __hash__(self) -> int:
        return hash(self.to_json())

    @property
    def times(self) -> FloatArray:
        """Times of the switches, shape ``(len(log),)``."""
        return np.array([switch.time for switch in self])

    @property
    def count(self) -> int:
        """Number of switches."""
        return len(self)

    @property
    def crossings(self) -> int:
        """Number of switches straight from one side of a wall to the other."""
        return sum(switch.crosses for switch in self)

    @property
    def slides(self) -> int:
        """Number of times a neuron starts to slide."""
        return sum(switch.slides for switch in self)

    def kinks(self) -> FloatArray:
        """Jumps of d(log V)/dt at the switches, shape ``(len(log),)``: see :attr:`Switch.kink`."""
        return np.array([switch.kink for switch in self])

    # -- files ----------------------------------------------------------------------------------------------------
    def to_csv(self) -> str:
        """Return the switches as CSV text with a header; numbers keep every digit. The coverage is not in it."""
        text = io.StringIO()
        writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(switch) for switch in self)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str, t_end: float, *, certified: bool) -> SwitchLog:
        """Read what :meth:`to_csv` wrote.

        Raises
        ------
        ValueError
            If the header or a row is not of that form.
        """
        reader = csv.DictReader(io.StringIO(text))
        if tuple(reader.fieldnames or ()) != _FIELDS:
            raise ValueError(f"`text` must start with the header {','.join(_FIELDS)}, got {reader.fieldnames}")
        return cls([_switch(row, f"line {reader.line_num}") for row in reader], t_end, certified=certified)

    def to_json(self) -> str:
        """Return the whole log as JSON text.

        RFC 8259 has no such numbers: one that is not a number is written as null, an infinite one as the text "inf"
        or "-inf".
        """
        rows = [{k: _plain(v) for k, v in asdict(switch).items()} for switch in self]
        return json.dumps({"t_end": self.t_end, "certified": self.certified, "switches": rows}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> SwitchLog:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            If the text is not of that form.
        """
        try:
            data = json.loads(text)
            rows, t_end, certified = data["switches"], float(data["t_end"]), data["certified"]
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"`text` must be a log written by to_json: {error!r}") from error
        switches = [
            _switch({k: math.nan if v is None else v for k, v in row.items()}, f"switch {k}")
            for k, row in enumerate(rows)
        ]
        return cls(switches, t_end, certified=bool(certified))

    def __repr__(self) -> str:
        def some(number: int, one: str, many: str) -> str:
            return f"{number} {one if number == 1 else many}"

        if self.certified:
            what = f"{some(self.crossings, 'crossing', 'crossings')}, {some(self.slides, 'slide', 'slides')}"
            return f"SwitchLog({what}, t ≤ {self.t_end})"
        return f"SwitchLog({some(len(self), 'sign change', 'sign changes')} seen between time steps, t ≤ {self.t_end})"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(float(value))
    return value


def _switch(row: dict[str, Any], where: str) -> Switch:
    try:
        return Switch(**{name: _TYPES.get(name, float)(row[name]) for name in _FIELDS})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where} of `text` is not a switch: {error}") from error
