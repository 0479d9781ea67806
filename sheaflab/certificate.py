r"""Check a finished trajectory independently of how it was made, and say what was proved.

Nothing of the engines is used, and their numbers are candidates only: the flow is followed anew from its start with
bounds of all errors (:mod:`sheaflab.proof.follow`).
Then the log's own numbers are compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.proof.balls import Unproved, Wrong
from sheaflab.proof.follow import Findings, Stop, follow
from sheaflab.proof.passage import follow_at_once
from sheaflab.proof.positivity import Doubt, Refutation
from sheaflab.proof.rigorous import enclose
from sheaflab.proof.weights import ACTIVE, NAMES, SLIDING, CodeArray, norms
from sheaflab.rate import SlowestRate, slowest_rate
from sheaflab.sheaf import Sheaf, log_slopes
from sheaflab.trajectory import FlowPiece, Trajectory


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


def _apart(told: FloatArray, known: FloatArray, within: FloatArray) -> BoolArray:
    """Where what is told is not near what is known, nan included; where that is nan itself, nothing can be said."""
    said = ~(np.isnan(known) | np.isnan(within))
    return np.asarray(said & ~(np.abs(told - known) <= within))


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
        traj = self.traj
        joints = [traj.pieces[0].start, *(piece.end for piece in traj.pieces)] if traj.pieces else []
        starts = [piece.start for piece in traj.pieces]
        if not joints or joints[0] != 0 or starts != joints[:-1] or list(traj.times) != joints:
            self.against.append("the pieces do not cover the run from 0 to its end without a gap, at its own times")
        elif any(b < a for a, b in pairwise(joints)) or not np.isfinite(traj.states).all():
            self.against.append("times must not fall and states must be finite")
        elif not all(
            isinstance(piece, FlowPiece) and piece.region.sheaf is traj.sheaf and np.array_equal(piece.state, c)
            for piece, c in zip(traj.pieces, traj.states, strict=False)
        ):
            self.against.append("the pieces are not the flow of the trajectory's sheaf from its own states")
        if self.against:
            return False
        self.codes: CodeArray = np.zeros((len(traj.pieces), self.sheaf.h), dtype=np.int8)
        for row, piece in zip(self.codes, traj.pieces, strict=True):
            row[piece.region.pattern] = ACTIVE
            row[list(piece.region.sliding)] = SLIDING
        return True

    def listed(self) -> bool:
        """The log must list exactly what changes between the pieces."""
        traj = self.traj
        logged = [(s.time, s.layer, s.neuron, str(s.before), str(s.after)) for s in traj.log]
        joints, neurons = np.nonzero(self.codes[1:] != self.codes[:-1])
        ends, places = traj.times[1:-1].tolist(), [self.sheaf.place(i) for i in range(self.sheaf.h)]
        named = (map(NAMES.__getitem__, codes[joints, neurons].tolist()) for codes in (self.codes[:-1], self.codes[1:]))
        rows = zip(joints.tolist(), neurons.tolist(), *named, strict=True)
        changes = [(ends[k], *places[i], a, b) for k, i, a, b in rows]
        if traj.log.t_end != traj.t_end:
            self.against.append(f"the log ends at t = {traj.log.t_end:.9g}, the run at {traj.t_end:.9g}")
        if sorted(logged) != sorted(changes):
            self.against.append("the log does not list what changes between the pieces")
        # The same change twice at one instant: in turn.
        of_log, of_joints = (sorted(range(len(rows)), key=rows.__getitem__) for rows in (logged, changes))
        self.joints = dict(zip(of_log, (int(joints[k]) + 1 for k in of_joints), strict=False))
        return not self.against

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
            size = np.array(found.states[: len(joints) - 1]) + 64 * EPS * float(np.abs(traj.states).max())
            self._numbers(traj.states[1 : len(joints)], size)

    def _times(self, found: Findings) -> None:
        times = self.traj.times[1:-1]
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
        traj, sheaf = self.traj, self.sheaf
        self.state_error = 0.0
        layers = np.repeat(np.arange(len(sheaf.net.weights)), sheaf.net.widths[1:])
        drive = sheaf.boundary_term.copy()  # its first part is a sum that may cancel
        drive[: sheaf.net.widths[1]] = np.abs(sheaf.net.weights[0]) @ np.abs(sheaf.x) + np.abs(sheaf.net.biases[0])
        sizes = np.zeros(len(sheaf.net.weights))
        np.maximum.at(sizes, layers, np.maximum(np.abs(traj.states).max(axis=0), np.abs(drive)))
        states, errors = np.array(found.states), np.array(found.sizes)
        off, rounding = np.abs(traj.states[1:] - states), 256 * EPS * float(sizes.max())
        self.state_error = float((norms(off) + errors).max())
        far = ~(off <= 1e-10 * sizes[layers] + rounding + 1e3 * errors[:, None]).all(axis=1)
        for k in np.flatnonzero(far):
            text = f"the state is {float(off[k].max()):.2g} away from the flow"
            self.against.append(f"t = {traj.times[k + 1]:.9g}: {text}")
        self._numbers(states[:-1], errors[:-1] + 64 * EPS * float(sizes.max()))

    def _numbers(self, states: FloatArray, size: FloatArray) -> None:
        """Compare energies and slopes of the log with those of the states at the joints, which are known to `size`."""
        if not (log := self.traj.log):
            return
        joints = np.array([self.joints[i] - 1 for i in range(len(log))])
        for i in np.flatnonzero(self._wrong_numbers(states, size, joints)).tolist():
            text = f"switch at t = {log[i].time:.9g}"
            self.against.append(f"{text}: energy or slopes are not those of the state there")

    def _wrong_numbers(self, states: FloatArray, size: FloatArray, joints: IntArray) -> BoolArray:
        """Which entries of the log, at these joints, have an energy or slopes that are not those of the states."""
        log, sheaf = self.traj.log, self.sheaf
        r = sheaf.residual(states)
        energy = 0.5 * np.square(r).sum(axis=1)
        root = np.sqrt(energy)
        slack = 1e-7 + 8 * sheaf.gain * size / np.maximum(root, 1e-300)
        told = np.array([[s.energy, s.slope_before, s.slope_after] for s in log])
        wrong = _apart(told[:, 0], energy[joints], (slack * energy)[joints])
        for column, codes in (1, self.codes[:-1]), (2, self.codes[1:]):
            v = sheaf.velocity_of(r, codes == ACTIVE)
            v[:, : sheaf.h][codes == SLIDING] = 0.0
            slopes = log_slopes(np.square(v).sum(axis=1), energy)
            speed = 8 * sheaf.gain**2 * size / np.maximum(root * np.sqrt(np.abs(slopes)), 1e-300)
            wrong |= _apart(told[:, column], slopes[joints], ((slack + speed) * np.abs(slopes))[joints])
        return wrong

    def energies(self) -> None:
        """V must never rise, and stay below its envelope (Theorem 9.4) at every switch, if only the input is pinned."""
        energy, times = self.traj.energy(), self.traj.times
        size = float(np.abs(self.traj.states).max(initial=0.0))
        slack = 1e-9 * energy + (4096 * EPS * self.sheaf.gain * np.sqrt(self.sheaf.n) * size) ** 2
        bound = energy[0] * np.exp(-2 * self.rate.value * times) * (1 + 1e-9) + slack
        if not (self.sheaf.pinned or (energy <= bound).all()):
            self.against.append("the energy rises above the envelope of Theorem 9.4")
        if not (np.diff(energy) <= slack[:-1]).all():
            self.against.append("the energy rises")
