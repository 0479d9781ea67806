r"""Check a finished trajectory independently of how it was made, and say what was proved.

Nothing of the engines is used, and their numbers are candidates only: the flow is followed anew from its start with
bounds of all errors (:mod:`sheaflab.proof.follow`).
Then the log's own numbers are compared with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from operator import add

import numpy as np

from sheaflab.arrays import EPS, FloatArray, IntArray
from sheaflab.proof.balls import Unproved, Wrong
from sheaflab.proof.follow import Findings, Stop, follow
from sheaflab.proof.numbers import wrong_numbers
from sheaflab.proof.passage import follow_at_once
from sheaflab.proof.pieces import codes_of
from sheaflab.proof.positivity import Doubt, Refutation
from sheaflab.proof.rigorous import enclose
from sheaflab.proof.weights import NAMES, root, squares
from sheaflab.rate import SlowestRate, slowest_rate
from sheaflab.results import Outcome
from sheaflab.sheaf import Sheaf
from sheaflab.trajectory import Trajectory


class Verdict(Enum):
    """The result of a check of a trajectory, and what to do about it.

    Examples
    --------
    >>> from sheaflab import Euler, Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> certify(Euler(dt=0.01).run(sheaf, [1.0, 1.0, 1.0, 1.0, 1.0])).verdict.name
    'NOT_CHECKED'
    """

    PROVED = "proved: the flow from this start has exactly these switches, each within its time error"
    UNDECIDED = "undecided: somewhere two numbers differ by no more than rounding; the findings say where"
    REFUTED = "refuted: this is not the flow; the findings say where, and Exact().run gives the flow from this start"
    NOT_CHECKED = "not checked: the log lists the sign changes of a time-stepping scheme; use Exact for certified ones"


@dataclass(frozen=True)
class Certificate:
    """What was proved of one trajectory.

    Attributes
    ----------
    verdict : Verdict
    findings : tuple of str
        What speaks against the trajectory, or could not be decided: where, and why.
    time_errors : ndarray, shape (k,)
        Bound on the distance between the time of each switch and its true time, everything before it included; inf
        where nothing is proved.
    state_error : float
        Bound on the Euclidean distance between any of the trajectory's `states` and the flow from its start; inf where
        nothing is proved.
    rate : SlowestRate
        λ* of the envelope that the energies were compared with, and whether it is exact. With pinned neurons or outputs
        there is no envelope, for the energy need not fall to 0; every mode's rate is at least this one still.

    Examples
    --------
    >>> from sheaflab import Exact, Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> run = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
    >>> run.certify().holds
    True
    """

    verdict: Verdict
    findings: tuple[str, ...]
    time_errors: FloatArray
    state_error: float
    rate: SlowestRate

    @property
    def holds(self) -> bool:
        """Whether the trajectory is proved to be the flow."""
        return self.verdict is Verdict.PROVED

    def __repr__(self) -> str:
        worst = float(self.time_errors.max(initial=0.0))
        extra = f"; {self.findings[0]}" if self.findings else ""
        return f"Certificate({self.verdict.name}, switch times to {worst:.1g}, states to {self.state_error:.1g}{extra})"


def certify(trajectory: Trajectory, *, rigorous: bool = False) -> Certificate:
    """Check that a trajectory is the flow of its sheaf and that its log lists every switch.

    The trajectory's `outcome` is no part of what is proved.

    Parameters
    ----------
    trajectory : Trajectory
    rigorous : bool
        Follow the flow in ball arithmetic of hundreds of bits (:mod:`sheaflab.proof.rigorous`) in the place of doubles
        with bounds of their rounding: slower by far, and decides nearly everything. Needs python-flint, which
        ``pip install 'sheaflab[proof]'`` brings.

    Returns
    -------
    Certificate

    Raises
    ------
    ImportError
        If `rigorous` and python-flint is not installed.
    ValueError
        If `rigorous` and the network has more than 32 hidden neurons.

    Examples
    --------
    >>> from sheaflab import Exact, Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> run = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
    >>> certify(run).verdict.name
    'PROVED'
    """
    check = _Check(trajectory)
    if not trajectory.log.certified:
        return check.result(Verdict.NOT_CHECKED)
    if check.cover() and check.listed():
        if rigorous:
            check.enclose()
        else:
            check.follow()
        check.energies()
    return check.result(Verdict.REFUTED if check.against else Verdict.UNDECIDED if check.open else Verdict.PROVED)


def _rate(sheaf: Sheaf) -> SlowestRate:
    return slowest_rate(sheaf.net)


def _sizes(sheaf: Sheaf) -> tuple[IntArray, IntArray, FloatArray, float]:
    """The layer of each coordinate, the first one of each layer, the sizes of what drives them, and the largest."""
    widths = sheaf.net.widths[1:]
    drive = np.abs(sheaf.boundary_term)
    first = np.abs(sheaf.net.weights[0]) @ np.abs(sheaf.x) + np.abs(sheaf.net.biases[0])  # a sum that may cancel
    drive[: widths[0]] = first
    return np.repeat(np.arange(len(widths)), widths), np.cumsum([0, *widths[:-1]]), drive, float(drive.max())


def _places(sheaf: Sheaf) -> list[tuple[int, int]]:
    return [sheaf.place(i) for i in range(sheaf.h)]


class _Check:
    def __init__(self, trajectory: Trajectory) -> None:
        self.traj, self.sheaf = trajectory, trajectory.sheaf
        self.against: list[str] = []
        self.open: list[str] = []
        self.rate = self.sheaf.shared(_rate)
        self.joints: dict[int, int] = {}  # from entries of the log to the joints of pieces that they are at
        self.state_error = float("inf")
        self.time_errors = np.full(len(trajectory.log), np.inf)

    def result(self, verdict: Verdict) -> Certificate:
        return Certificate(verdict, (*self.against, *self.open), self.time_errors, self.state_error, self.rate)

    def cover(self) -> bool:
        """The pieces must follow each other without a gap, at the trajectory's own times and states."""
        try:
            self.codes = codes_of(self.traj)
        except Refutation as error:
            self.against.append(str(error))
            return False
        self.largest = float(np.maximum.reduce(np.abs(self.traj.states), axis=None))
        self.residuals = np.asarray(self.sheaf.residual(self.traj.states))
        return True

    def listed(self) -> bool:
        """The log must list exactly what changes between the pieces."""
        traj = self.traj
        logged = [(s.time, s.layer, s.neuron, str(s.before), str(s.after)) for s in traj.log]
        joints, neurons = (self.codes[1:] != self.codes[:-1]).nonzero()
        ends, places = traj.times[1:-1].tolist(), self.sheaf.shared(_places)
        named = (map(NAMES.__getitem__, codes[joints, neurons].tolist()) for codes in (self.codes[:-1], self.codes[1:]))
        rows = zip(joints.tolist(), neurons.tolist(), *named, strict=True)
        changes = [(ends[k], *places[i], a, b) for k, i, a, b in rows]
        if traj.log.t_end != traj.t_end:
            self.against.append(f"the log ends at t = {traj.log.t_end:.9g}, the run at {traj.t_end:.9g}")
        # A run that was stopped at a switch has it in its log, and no piece after it.
        cut = traj.outcome in (Outcome.EVENT_BUDGET, Outcome.STOPPED)
        within = [row for row in logged if not (cut and row[0] == traj.t_end)]
        if len(within) < len(logged):
            self.open.append(f"t = {traj.t_end:.9g}: the run was stopped at this switch, and does not say what follows")
        if within != changes and sorted(within) != sorted(changes):
            self.against.append("the log does not list what changes between the pieces")
        # The same change twice at one instant: in turn.
        of_log, of_joints = (sorted(range(len(rows)), key=rows.__getitem__) for rows in (logged, changes))
        following = (joints + 1).tolist()
        self.joints = {k: following[joint] for k, joint in zip(of_log, of_joints, strict=False)}
        return not self.against and not self.open

    def follow(self) -> None:
        """Prove the modes and times; compare states, energies and slopes."""
        try:
            found = self._followed()
        except Doubt as error:
            self.open.append(str(error))
        except Refutation as error:
            self.against.append(str(error))
        else:
            self._times(found)
            self._states(found)

    def _followed(self) -> Findings:
        traj = self.traj
        try:
            return follow_at_once(self.sheaf, traj.times, traj.states, self.codes)
        except Doubt:  # there is more to try
            stops = [Stop(piece.start, piece.region.modes) for piece in traj.pieces]
            return follow(self.sheaf, traj.states[0], stops, traj.t_end)

    def enclose(self) -> None:
        """Prove modes, times and states in ball arithmetic."""
        traj = self.traj
        joints: list[tuple[float, tuple[str, ...]]] = [(piece.start, piece.region.modes) for piece in traj.pieces]
        try:
            found = enclose(self.sheaf, joints, traj.states[: len(joints)], traj.t_end)
        except Unproved as error:
            self.open.append(str(error))
        except Wrong as error:
            self.against.append(str(error))
        else:
            self.time_errors[:] = [found.times[self.joints[k] - 1] for k in range(len(traj.log))]
            self.state_error = max(found.states, default=0.0)
            rounding = 64 * EPS * self.largest
            if traj.log:
                last = len(joints)
                self._numbers(self.residuals[1:last], [size + rounding for size in found.states[: last - 1]])

    def _times(self, found: Findings) -> None:
        times = self.traj.times[1:-1].tolist()
        for k, s in enumerate(self.traj.log):
            self.time_errors[k] = found.times[self.joints[k] - 1][self.sheaf.index(s.layer, s.neuron)]
        reach = [max(errors.values()) for errors in found.times]
        for k in range(len(reach) - 1):
            if not times[k] + reach[k] < times[k + 1] - reach[k + 1]:
                self.open.append(
                    f"switch at t = {times[k]:.12g}: its time is known to {reach[k]:.2g}, and the next one is "
                    f"{times[k + 1] - times[k]:.2g} later"
                )

    def _states(self, found: Findings) -> None:
        """States, energies and slopes of the log are numbers of an engine: as close as rounding lets them be."""
        traj = self.traj
        layers, firsts, drive, driven = self.sheaf.shared(_sizes)
        rounding = EPS * max(self.largest, driven)
        off = np.abs(traj.states[1:] - found.states)
        apart = [root(square) for square in squares(off)]
        self.state_error = max(map(add, apart, found.sizes))
        if not max(apart) <= 256 * rounding:
            sizes = np.maximum.reduceat(np.maximum(np.abs(traj.states).max(axis=0), drive), firsts)[layers]
            near = off <= 1e-10 * sizes + 256 * rounding + 1e3 * np.array(found.sizes)[:, None]
            for k in np.flatnonzero(~near.all(axis=1)):
                text = f"the state is {float(off[k].max()):.2g} away from the flow"
                self.against.append(f"t = {traj.times[k + 1]:.9g}: {text}")
        if traj.log:
            r = self.sheaf.residual(np.array(found.states[:-1])) if off[:-1].any() else self.residuals[1:-1]
            self._numbers(r, [size + 64 * rounding for size in found.sizes[:-1]])

    def _numbers(self, r: FloatArray, sizes: list[float]) -> None:
        """Compare energies and slopes of the log with those of residuals at the joints that are known to `sizes`."""
        for i in wrong_numbers(self.traj, self.joints, self.codes, r, sizes):
            text = f"switch at t = {self.traj.log[i].time:.9g}"
            self.against.append(f"{text}: energy or slopes are not those of the state there")

    def energies(self) -> None:
        """V must never rise, and stay below its envelope (Theorem 9.4) at every switch, if only the input is pinned."""
        sheaf, rate = self.sheaf, self.rate.value
        energies = [0.5 * square for square in squares(self.residuals)]
        rounding = 4096 * EPS * sheaf.gain * math.sqrt(sheaf.n) * self.largest
        slack = [1e-9 * energy + rounding * rounding for energy in energies]
        first = energies[0] * (1 + 1e-9)
        rows = zip(energies, self.traj.times.tolist(), slack, strict=True)
        if not (sheaf.pinned or all(v <= first * math.exp(-2 * rate * t) + more for v, t, more in rows)):
            self.against.append("the energy rises above the envelope of Theorem 9.4")
        if not all(after - v <= more for v, after, more in zip(energies, energies[1:], slack, strict=False)):
            self.against.append("the energy rises")
