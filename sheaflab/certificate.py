r"""Check a finished trajectory independently of how it was made, and say what was proved.

Nothing of the engines is used, and their numbers are candidates only: the flow is followed anew from its start with
bounds of all errors (:mod:`sheaflab.proof.follow`).
Then the log's own numbers are compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from sheaflab.arrays import EPS, BoolArray, FloatArray, IntArray
from sheaflab.proof.balls import Unproved, Wrong
from sheaflab.proof.follow import Findings, Stop, follow
from sheaflab.proof.passage import follow_at_once
from sheaflab.proof.pieces import codes_of
from sheaflab.proof.positivity import Doubt, Refutation
from sheaflab.proof.rigorous import enclose
from sheaflab.proof.weights import ACTIVE, NAMES, SLIDING, norms
from sheaflab.rate import SlowestRate, slowest_rate
from sheaflab.results import Outcome
from sheaflab.sheaf import Sheaf, log_slopes
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


def _sizes(sheaf: Sheaf) -> tuple[IntArray, IntArray, FloatArray]:
    """The layer of each coordinate, the first coordinate of each layer, and the sizes of what drives coordinates."""
    widths = sheaf.net.widths[1:]
    drive = np.abs(sheaf.boundary_term)
    first = np.abs(sheaf.net.weights[0]) @ np.abs(sheaf.x) + np.abs(sheaf.net.biases[0])  # a sum that may cancel
    drive[: widths[0]] = first
    return np.repeat(np.arange(len(widths)), widths), np.cumsum([0, *widths[:-1]]), drive


def _places(sheaf: Sheaf) -> list[tuple[int, int]]:
    return [sheaf.place(i) for i in range(sheaf.h)]


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
        try:
            self.codes = codes_of(self.traj)
        except Refutation as error:
            self.against.append(str(error))
        return not self.against

    def listed(self) -> bool:
        """The log must list exactly what changes between the pieces."""
        traj = self.traj
        logged = [(s.time, s.layer, s.neuron, str(s.before), str(s.after)) for s in traj.log]
        joints, neurons = np.nonzero(self.codes[1:] != self.codes[:-1])
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
        if sorted(within) != sorted(changes):
            self.against.append("the log does not list what changes between the pieces")
        # The same change twice at one instant: in turn.
        of_log, of_joints = (sorted(range(len(rows)), key=rows.__getitem__) for rows in (logged, changes))
        self.joints = dict(zip(of_log, (int(joints[k]) + 1 for k in of_joints), strict=False))
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
            size = np.array(found.states[: len(joints) - 1]) + 64 * EPS * float(np.abs(traj.states).max())
            self._numbers(traj.states[1 : len(joints)], size)

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
        traj, sheaf = self.traj, self.sheaf
        self.state_error = 0.0
        layers, firsts, drive = sheaf.shared(_sizes)
        sizes = np.maximum.reduceat(np.maximum(np.abs(traj.states).max(axis=0), drive), firsts)
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
        codes = np.concatenate([self.codes[:-1], self.codes[1:]])  # before and after, one below the other
        v = sheaf.velocity_of(np.concatenate([r, r]), codes == ACTIVE)
        v[:, : sheaf.h][codes == SLIDING] = 0.0
        slopes = log_slopes(np.square(v).sum(axis=1), np.concatenate([energy, energy])).reshape(2, -1)
        steep = np.abs(slopes)
        speed = 8 * sheaf.gain**2 * size / np.maximum(root * np.sqrt(steep), 1e-300)
        off = _apart(told[:, 1:].T, slopes[:, joints], ((slack + speed) * steep)[:, joints])
        return np.asarray(wrong | off.any(axis=0))

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
