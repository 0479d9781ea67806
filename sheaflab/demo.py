"""The lab's experiment from end to end: integrate, log, check Theorem 9.4, draw the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sheaflab.arrays import FloatArray, as_positive
from sheaflab.network import Network
from sheaflab.rate import SlowestRate, slowest_rate
from sheaflab.schemes.euler import Euler
from sheaflab.schemes.exact import Exact
from sheaflab.sheaf import Sheaf
from sheaflab.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = (0.02, 0.01, 0.005, 0.002)
EULER_END = 20.0
"""Until when Euler's schemes are run."""


@dataclass(frozen=True)
class Experiment:
    """One run of the lab's experiment.

    Attributes
    ----------
    trajectory : Trajectory
        The exact one.
    rate : SlowestRate
        λ* of Theorem 9.4.
    sign_changes : ndarray, shape (4,)
        How many sign changes explicit Euler logs at each step of `STEPS`.
    tightness : float
        Largest V(t) / envelope over the times sampled after the start; the theorem says at most 1.
    """

    trajectory: Trajectory
    rate: SlowestRate
    sign_changes: FloatArray
    tightness: float


def setting(
    widths: Sequence[int] = (2, 4, 1), network_seed: int = 0, start_seed: int = 1, magnitude: float = 2.0
) -> tuple[Sheaf, FloatArray]:
    """Return a random network as a sheaf, its input pinned to 1, -1, 1, …, and a random start, shape ``(n,)``.

    Parameters
    ----------
    widths : sequence of int
    network_seed : int
        Draws the network and nothing else.
    start_seed : int
        Draws the start's direction and nothing else.
    magnitude : float
        Standard deviation of the start's coordinates: scales the start and keeps its direction.

    Raises
    ------
    ValueError
        If `widths` are not those of a network with a hidden layer, or `magnitude` is not positive.
    """
    net = Network.random(widths, network_seed)
    sheaf = Sheaf(net, np.resize([1.0, -1.0], net.widths[0]))
    direction = np.random.default_rng(start_seed).standard_normal(sheaf.n)
    return sheaf, as_positive("magnitude", magnitude) * direction


def run(
    widths: Sequence[int] = (2, 4, 1),
    network_seed: int = 0,
    start_seed: int = 1,
    magnitude: float = 2.0,
    t_end: float = 60.0,
) -> Experiment:
    """Integrate the heat equation of a random network from a random cochain, exactly and by Euler.

    Parameters
    ----------
    widths, network_seed, start_seed, magnitude
        As for :func:`setting`.
    t_end : float

    Examples
    --------
    >>> run([2, 4, 1], network_seed=0).trajectory.log
    SwitchLog(2 crossings, 1 slide, t ≤ 60.0)
    """
    sheaf, c0 = setting(widths, network_seed, start_seed, magnitude)
    trajectory = Exact().run(sheaf, c0, t_end)
    rate = slowest_rate(sheaf.net)
    times = np.linspace(0.0, trajectory.t_end, 2001)[1:]
    energy, start = trajectory.energy(times), sheaf.energy(c0)
    above = energy > 1e-20 * start  # below, V is the square of rounding errors
    envelope = start * np.exp(-2 * rate.value * times)
    tightness = float(np.max(energy[above] / envelope[above])) if above.any() else 0.0
    euler_end = min(t_end, EULER_END)
    sign_changes = np.array([Euler(dt).run(sheaf, c0, euler_end).log.count for dt in STEPS], dtype=np.float64)
    return Experiment(trajectory, rate, sign_changes, tightness)


def report(experiment: Experiment) -> str:
    """Return the results of the experiment as text for a terminal."""
    traj, rate = experiment.trajectory, experiment.rate
    sheaf = traj.sheaf
    distance = float(np.linalg.norm(traj.states[-1] - sheaf.harmonic_extension()))
    counts = ", ".join(f"{int(k)} at Δt = {dt}" for k, dt in zip(experiment.sign_changes, STEPS, strict=True))
    lines = [
        f"{sheaf.net}, input x = {sheaf.x.tolist()}",
        "",
        f"Exact: {traj.log}, {traj.outcome.value}",
        f"  {'time':>12}  {'layer':>5}  {'neuron':>6}  {'before':<8} → {'after':<8}  {'V':>9}  slope of log V",
        *(
            f"  {s.time:12.8f}  {s.layer:5d}  {s.neuron:6d}  {s.before:<8} → {s.after:<8}  {s.energy:9.3g}  "
            f"{s.slope_before:.4f} → {s.slope_after:.4f}"
            for s in traj.log
        ),
        "",
        f"Forward pass {sheaf.net.forward(sheaf.x)}; the flow ends at a distance of {distance:.1e} from it.",
        f"Theorem 9.4: λ* = {rate.value:.6g} ({rate.method}); "
        f"V(t) is at most {experiment.tightness:.3f} of its envelope V(0) exp(−2 λ* t).",
        f"Euler's sign changes: {counts}.",
    ]
    if traj.log.slides:
        lines.append("The flow slides along a wall there: Euler chatters, so its count grows as Δt shrinks.")
    return "\n".join(lines)


def figures(experiment: Experiment) -> dict[str, Figure]:
    """Draw the lab's figures and one of Euler's count against its step, by file stem.

    The trajectory is drawn in the plane of two hidden neurons; a network with one has none. Energy, its slope and the
    activation pattern stand below each other on one time axis.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    from sheaflab import plots

    traj = experiment.trajectory
    made: dict[str, Figure] = {}

    def figure(stem: str, height: float = 4.8) -> Figure:
        made[stem] = Figure(figsize=(6.4, height), layout="constrained")
        return made[stem]

    if traj.sheaf.h >= 2:
        plots.plot_projection(figure("trajectory", 6.0).add_subplot(), traj)
    plots.plot_run(figure("energy", 7.8), traj, experiment.rate.value)
    ax = figure("chatter").add_subplot()
    ax.loglog(STEPS, np.maximum(experiment.sign_changes, 0.5), "o-", color="#D55E00", label="Euler: sign changes")
    until = min(traj.t_end, EULER_END)
    count = int(np.count_nonzero(traj.log.times <= until))
    ax.axhline(max(count, 0.5), color="#0072B2", label=f"exact flow, same run: {count} switches")
    what = f"number logged until t = {until:g}"
    told = f"The shorter Euler's step, the more it counts; the flow has {count} switches"
    grows = bool((np.diff(np.array(experiment.sign_changes)[np.argsort(STEPS)]) < 0).all())
    title = told if traj.log.slides and grows else "What Euler counts, against what happens"
    ax.set(xlabel=r"step $\Delta t$", ylabel=what, title=title)
    ax.set_xticks(STEPS, [str(dt) for dt in STEPS])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.margins(0.12)
    for dt, changes in zip(STEPS, experiment.sign_changes, strict=True):
        place = (dt, max(changes, 0.5))
        ax.annotate(f"{changes:g}", place, (0, 7), textcoords="offset points", ha="center", fontsize="small")
    ax.legend(fontsize="small")
    return made


def save(experiment: Experiment, folder: Path) -> list[Path]:
    """Write the figures as PNG files and the log as CSV into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for stem, figure in figures(experiment).items():
        paths.append(folder / f"{stem}.png")
        figure.savefig(paths[-1], dpi=120)
    paths.append(folder / "switches.csv")
    paths[-1].write_text(experiment.trajectory.log.to_csv(), encoding="utf-8")
    return paths
