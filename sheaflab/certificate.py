r"""Check a finished trajectory independently of how it was made, and say what was proved.

Nothing of the engines is used. Each stretch is followed anew from its start by the eigendecomposition of its mode,
whose residual is checked, and compared with the next state. That no wall is passed in between is proved by
:mod:`sheaflab.positivity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.positivity import BAND, prove_positive
from sheaflab.rate import SlowestRate, slowest_rate
from sheaflab.region import ActivationRegion
from sheaflab.trajectory import Trajectory


class Verdict(Enum):
    """The result of a check of a trajectory, and what to do about it."""

    PROVED = "proved: every stretch follows its mode, no wall is passed in between, every switch is Filippov's"
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
        What speaks against the trajectory, or could not be decided.
    time_errors : ndarray, shape (k,)
        Bound of rounding on the time of each switch: the uncertainty of the event function over its slope, inf where it
        only grazes.
    state_error : float
        Largest difference between a state and the flow from the state before.
    rate : SlowestRate
        λ* of the envelope that the energies were compared with, and whether it is exact.
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


def certify(trajectory: Trajectory) -> Certificate:
    """Check that a trajectory is the flow of its sheaf and that its log lists every switch.

    Parameters
    ----------
    trajectory : Trajectory

    Returns
    -------
    Certificate
    """
    check = _Check(trajectory)
    if not trajectory.log.certified:
        return check.result(Verdict.NOT_CHECKED)
    if check.cover():
        for k in range(len(trajectory.pieces)):
            check.stretch(k)
            if k:
                check.switch(k)
        check.log()
        check.energies()
    return check.result(Verdict.REFUTED if check.against else Verdict.UNDECIDED if check.open else Verdict.PROVED)


class _Check:
    def __init__(self, trajectory: Trajectory) -> None:
        self.traj, self.sheaf = trajectory, trajectory.sheaf
        self.against: list[str] = []
        self.open: list[str] = []
        self.rate = slowest_rate(self.sheaf.net)
        self.state_error = 0.0
        self.time_errors = np.zeros(len(trajectory.log))
        self.eigen: dict[object, tuple[FloatArray, FloatArray]] = {}
        net = self.sheaf.net
        drive = np.abs(net.weights[0]) @ np.abs(self.sheaf.x) + np.abs(net.biases[0])  # its sum may cancel
        self.scale = max(float(np.abs(x).max()) for x in (trajectory.states, self.sheaf.boundary_term))
        size = max(self.scale, float(np.abs(drive).max()))
        # Rounding of a state: a few dozen operations of the size of the largest number, spread by the largest gain.
        self.noise = 64 * EPS * size * np.sqrt(self.sheaf.n)
        self.residual_noise = self.sheaf.gain * self.noise
        self.speed_noise = self.sheaf.gain * self.residual_noise

    def result(self, verdict: Verdict) -> Certificate:
        return Certificate(verdict, (*self.against, *self.open), self.time_errors, self.state_error, self.rate)

    def cover(self) -> bool:
        """The pieces must follow each other without a gap, at the trajectory's own times, from its start to its end."""
        traj = self.traj
        joints = [traj.pieces[0].start, *(piece.end for piece in traj.pieces)] if traj.pieces else []
        starts = [piece.start for piece in traj.pieces]
        if not joints or joints[0] != 0 or starts != joints[:-1] or list(traj.times) != joints:
            self.against.append("the pieces do not cover the run from 0 to its end without a gap, at its own times")
        elif any(b < a for a, b in pairwise(joints)) or not np.isfinite(traj.states).all():
            self.against.append("times must not fall and states must be finite")
        return not self.against

    def stretch(self, k: int) -> None:
        """Follow piece `k` anew; compare with the state at its end; prove that no wall is passed on the way."""
        traj, piece = self.traj, self.traj.pieces[k]
        region, c, length = piece.region, traj.states[k], piece.end - piece.start
        z = c[: self.sheaf.h]
        modes = np.array(region.modes)
        where = f"stretch {k}, {piece.start:.9g} ≤ t ≤ {piece.end:.9g}"
        bad = ((modes == "active") & (z < -BAND * self.noise)) | ((modes == "inactive") & (z > BAND * self.noise))
        bad |= (modes == "sliding") & (np.abs(z) > 0)
        if bad.any():
            self.against.append(
                f"{where}: neuron {self._name(int(np.argmax(bad)))} starts on the wrong side of its wall"
            )
            return
        rates, vectors = self._eigen(region)
        rest = region.equilibrium
        motion = np.zeros((self.sheaf.n, len(rates)))
        motion[region.moving] = vectors * (vectors.T @ (c - rest)[region.moving])
        # Measured from the start and its velocity, not from the rest point, which may be far away and ill known.
        middle, arrival = region.flow(c, np.array([0.5 * length, length]))
        claimed = piece.at(np.array([piece.start, piece.start + 0.5 * length, piece.end]))
        error = max(
            float(np.abs(arrival - traj.states[k + 1]).max()),
            float(np.abs(claimed - np.stack([c, middle, arrival])).max()),
        )
        self.state_error = max(self.state_error, error)
        # An eigenvalue is known to the rounding of the largest one, and so is how far it takes a state in this time.
        spread = 8 * EPS * self.sheaf.n * float(rates.max(initial=0.0)) * length * float(np.abs(c - rest).max())
        spread += 64 * EPS * (float(np.abs(self.sheaf.velocity(c)).max()) * length + float(np.abs(rest).max()))
        blur = self.noise + spread + float(np.abs(rest + motion @ np.exp(-rates * length) - arrival).max())
        if self._large(error, 4 * self.noise + spread, f"{where}: the states are {error:.2g} away from its flow"):
            return
        # Functions with a larger uncertainty would pass for positive whatever their values.
        if blur > 1e-6 * self.scale:
            self.open.append(f"{where}: rates too many decades apart, the flow is known to {blur:.2g} only")
            return
        constant, terms, owner, gain = self._functions(region, rest, motion)
        clear = prove_positive(constant, terms, rates, length, np.maximum(blur * gain, 1e-300))
        if clear is not None:
            e, fraction, sure = clear
            text = f"neuron {self._name(int(owner[e]))} meets its wall at t = {piece.start + fraction * length:.9g}"
            (self.against if sure else self.open).append(f"{where}: {text}{'' if sure else ', or nearly'}")

    def switch(self, k: int) -> None:
        """At the start of piece `k`: who changed must be at the wall, and by Filippov's rule."""
        before, after = self.traj.pieces[k - 1].region.modes, self.traj.pieces[k].region.modes
        c = self.traj.states[k]
        down, up = self.sheaf.wall_speeds(c)
        changed = [i for i in range(self.sheaf.h) if before[i] != after[i]]
        where = f"switch at t = {self.traj.times[k]:.9g}"
        if not changed:
            self.against.append(f"{where}: no neuron changes its mode")
        for i in changed:
            a, b, f, g, eps = before[i], after[i], float(down[i]), float(up[i]), self.speed_noise
            if self._large(abs(c[i]), self.noise, f"{where}: neuron {self._name(i)} is {c[i]:.2g} away from its wall"):
                pass
            elif {a, b} == {"inactive", "active"}:
                forward = min(f, g) if b == "active" else -max(f, g)
                self._sign(forward, f"{where}: neuron {self._name(i)} crosses against its speeds {f:.2g}, {g:.2g}")
            elif b == "sliding":
                self._sign(
                    min(f, -g), f"{where}: neuron {self._name(i)} slides although its speeds are {f:.2g}, {g:.2g}"
                )
            else:
                leaving, other = (f, -g) if b == "inactive" else (g, f)
                if abs(leaving) > 16 * eps:
                    self.against.append(
                        f"{where}: neuron {self._name(i)} stops sliding with speed {leaving:.2g}, not 0"
                    )
                self._sign(other, f"{where}: neuron {self._name(i)} leaves its wall to the wrong side")

    def _large(self, value: float, limit: float, text: str) -> bool:
        """File `text` if `value` is above `limit`: as undecided while it is of that order."""
        if value > limit:
            (self.against if value > BAND * limit else self.open).append(text)
        return value > limit

    def _sign(self, value: float, text: str) -> None:
        if value < -BAND * self.speed_noise:
            self.against.append(text)
        elif value <= 0:
            self.open.append(f"{text}, or nearly")

    def log(self) -> None:
        """The log must list exactly what changes between pieces, with the energies and slopes of those states."""
        traj = self.traj
        expected: list[tuple[float, tuple[int, int, str, str], float, tuple[float, float], float]] = []
        for k in range(1, len(traj.pieces)):
            old, new = traj.pieces[k - 1].region, traj.pieces[k].region
            c = traj.states[k]
            energy, slopes = self.sheaf.energy(c), (old.slope(c), new.slope(c))
            speeds = [region.velocity(c) for region in (old, new)]
            for i in range(self.sheaf.h):
                if old.modes[i] != new.modes[i]:
                    layer, neuron = self.sheaf.place(i)
                    place = (layer, neuron, str(old.modes[i]), str(new.modes[i]))
                    expected.append((float(traj.times[k]), place, energy, slopes, self._time_error(i, old, speeds[0])))
        logged = [(s.time, (s.layer, s.neuron, str(s.before), str(s.after))) for s in traj.log]
        if sorted(logged) != sorted((t, place) for t, place, *_ in expected):
            self.against.append("the log does not list what changes between the pieces")
            return
        by_place = {(t, place): (energy, slopes, error) for t, place, energy, slopes, error in expected}
        for k, s in enumerate(traj.log):
            energy, slopes, error = by_place[s.time, (s.layer, s.neuron, s.before, s.after)]
            self.time_errors[k] = error
            pairs = [(s.energy, energy), *zip((s.slope_before, s.slope_after), slopes, strict=True)]
            # Both are squares: their rounding is that of a residual or a speed, relative to its length.
            root = max(np.sqrt(energy), 1e-300)
            slacks = [1e-9 + 1e3 * self.residual_noise / root]
            slacks += [1e-9 + 1e3 * self.speed_noise / max(root * np.sqrt(abs(y)), 1e-300) for y in slopes]
            if any(abs(x - y) > slack * abs(y) for (x, y), slack in zip(pairs, slacks, strict=True) if y == y):
                self.against.append(f"switch at t = {s.time:.9g}: energy or slopes are not those of the state there")

    def _time_error(self, i: int, old: ActivationRegion, speed: FloatArray) -> float:
        if old.modes[i] != "sliding":
            slope = abs(float(speed[i]))
        else:  # its event is a speed that vanishes: how fast that speed changes
            active = np.zeros(self.sheaf.h, dtype=np.bool_)
            active[i] = True
            delta = self.sheaf.restricted(old.pattern)
            pull = -self.sheaf.restricted(active)[:, i]
            changes = delta @ speed
            slope = max(abs(float(changes[i])), abs(float(pull @ changes)))
        return self.noise / slope if slope > 0 else float("inf")

    def energies(self) -> None:
        """Theorem 9.4: V must stay below its envelope at every switch, and never rise."""
        energy, times = self.traj.energy(), self.traj.times
        slack = 1e-9 * energy + (64 * self.residual_noise) ** 2
        if (energy > energy[0] * np.exp(-2 * self.rate.value * times) * (1 + 1e-9) + slack).any():
            self.against.append("the energy rises above the envelope of Theorem 9.4")
        if (np.diff(energy) > slack[:-1]).any():
            self.against.append("the energy rises")

    def _eigen(self, region: ActivationRegion) -> tuple[FloatArray, FloatArray]:
        if region.key not in self.eigen:
            laplacian = region.laplacian
            rates, vectors = np.linalg.eigh(laplacian)
            residual = float(np.abs(laplacian @ vectors - vectors * rates).max(initial=0.0))
            if residual > 1e3 * EPS * float(rates.max(initial=1.0)) or (rates <= 0).any():
                self.open.append(f"{region!r}: its eigenvalues are not certain, residual {residual:.2g}")
            self.eigen[region.key] = rates, vectors
        return self.eigen[region.key]

    def _functions(
        self, region: ActivationRegion, rest: FloatArray, motion: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Constants, amplitudes, neurons and gains (of errors in the state) of what must stay positive in this mode."""
        h = self.sheaf.h
        free, slid = np.flatnonzero(region.moving[:h]), np.array(region.sliding, dtype=np.int64)
        side = np.where(region.pattern[free], 1.0, -1.0)
        constant, terms = side * rest[free], side[:, None] * motion[free]
        if slid.size:
            columns = self.sheaf.restricted(np.ones(h, dtype=np.bool_))[:, slid].T  # δ of each if it were active
            delta = self.sheaf.restricted(region.pattern)
            r_rest, r_motion = delta @ rest - self.sheaf.boundary_term, delta @ motion
            constant = np.concatenate([constant, -r_rest[slid], columns @ r_rest])
            terms = np.concatenate([terms, -r_motion[slid], columns @ r_motion])
        gain = np.repeat([1.0, self.sheaf.gain, self.sheaf.gain**2], [free.size, slid.size, slid.size])
        return constant, terms, np.concatenate([free, slid, slid]), gain

    def _name(self, i: int) -> str:
        layer, neuron = self.sheaf.place(i)
        return f"{neuron} of layer {layer}"
