"""Figures of the documentation, drawn when it is built. `python course/docs/figures.py` writes the README's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sheaflab import Euler, Exact, ExactTrajectory, Network, Sheaf, demo, plots, plots_statistics, statistics
from sheaflab.events.polynomials import conversion

BLUE, RED, GREY = "#0072B2", "#D55E00", "0.45"


def lab_run() -> demo.Experiment:
    """The run of the README."""
    return demo.run()


def advance(ax: Axes) -> None:
    """Two roots between two samples, and the steps of one-sided advancement that cannot pass the first."""
    c, a, lam = 0.55, np.array([-2.55, 2.9]), np.array([1.0, 2.0])

    def f(t: np.ndarray) -> np.ndarray:
        return c + a[0] * np.exp(-lam[0] * t) + a[1] * np.exp(-lam[1] * t)

    t = np.linspace(0.0, 2.5, 600)
    ax.plot(t, f(t), color=BLUE, label="event function")
    grid = np.arange(0.0, 2.5, 0.6)
    ax.plot(grid, f(grid), "s", color=GREY, ms=7, mfc="none", label="samples of a fixed step: all positive")
    now, steps = 0.0, [0.0]
    for _ in range(12):
        terms = a * np.exp(-lam * now)
        value, slope = c + terms.sum(), -(terms * lam).sum()
        bend = -(np.minimum(terms, 0) * lam**2).sum()
        root = np.sqrt(slope**2 + 2 * bend * value)
        now += 2 * value / (root - slope) if slope < 0 else (slope + root) / bend
        steps.append(now)
        if value < 1e-9:
            break
    ax.plot(steps, f(np.array(steps)), "o", color=RED, ms=4, label="one-sided steps: stop at the first root")
    ax.axhline(0, color="0.3", lw=0.8)
    ax.set(xlabel="t", ylabel="f(t)", title="Why events are certified, not sampled")
    ax.legend(fontsize="small")


def bernstein(ax: Axes) -> None:
    """A polynomial inside the hull of its Bernstein coefficients."""
    monomials = np.array([1.0, -6.0, 14.0, -11.0, 2.6])
    b = conversion(4) @ monomials
    x = np.linspace(0, 1, 300)
    ax.plot(x, np.polynomial.polynomial.polyval(x, monomials), color=BLUE, label="event polynomial on a step")
    changes = int(np.sum(np.diff(np.sign(b)) != 0))
    ax.plot(np.linspace(0, 1, 5), b, "o--", color=RED, label=f"coefficients, {changes} sign changes")
    ax.axhline(0, color="0.3", lw=0.8)
    ax.set(xlabel="fraction of the step", title="Bernstein signs bound the number of roots")
    ax.legend(fontsize="small")


def zigzag(ax: Axes) -> None:
    """The sliding neuron under Euler and under the exact flow."""
    traj = lab_run().trajectory
    slide = next(s for s in traj.log if s.after == "sliding")
    begin, end = slide.time - 0.02, slide.time + 0.2
    euler = Euler(0.004).run(traj.sheaf, traj.states[0], 2.0)
    index = traj.sheaf.index(slide.layer, slide.neuron)
    seen = (euler.times >= begin) & (euler.times <= end)
    fine = np.linspace(begin, end, 400)
    ax.plot(euler.times[seen], euler.states[seen, index], ".-", color=RED, lw=0.8, label="Euler, Δt = 0.004")
    ax.plot(fine, traj.at(fine)[:, index], color=BLUE, label="exact: slides")
    ax.axhline(0, color="0.3", lw=0.8)
    ax.set(xlabel="t", ylabel=plots.coordinate_label(traj.sheaf, index), title="Chattering and sliding")
    ax.legend(fontsize="small")


def spectrum(ax: Axes) -> None:
    """The pair of eigenvalues of one hidden layer against the strength s."""
    s = np.linspace(0, 6, 300)
    root = np.sqrt(s * s + 4 * s)
    ax.semilogy(s, (2 + s + root) / 2, color=RED, label=r"$\lambda_+$")
    ax.semilogy(s, 2 / (2 + s + root), color=BLUE, label=r"$\lambda_- = 1/\lambda_+$")
    ax.axhline(1, color="0.3", lw=0.8)
    rng = np.random.default_rng(0)
    for _ in range(40):
        net = Network.random([2, 4, 1], rng)
        pattern = rng.random(4) < 0.5
        values = np.linalg.eigvalsh(Sheaf(net, [1.0, -1.0]).laplacian(pattern))
        strength = float(np.sum((net.weights[1][0] * pattern) ** 2))
        ax.plot([strength] * 2, [values[0], values[-1]], "k.", ms=4)
    ax.set(xlabel=r"$s = \|W^2\Sigma\|^2$", ylabel="eigenvalues", title="One hidden layer: the whole spectrum")
    ax.legend(fontsize="small")


def sampled(ax: Axes) -> None:
    """Switches of the exact flow that do not show in samples of it, by the spacing of the samples."""
    spacings = np.geomspace(1e-3, 1.0, 10)
    for widths, starts, colour in (([2, 4, 1], 20_000, BLUE), ([2, 8, 1], 10_000, GREY), ([2, 16, 16, 1], 1_000, RED)):
        sheaf = Sheaf(Network.random(widths, seed=3), [1.0, -1.0])
        log = Exact().ensemble(sheaf, 2.0 * np.random.default_rng(4).standard_normal((starts, sheaf.n))).columns
        missed = [_hidden(log, spacing) / len(log["time"]) for spacing in spacings]
        ax.loglog(spacings, missed, "o-", color=colour, label=str(widths))
    ax.set(xlabel="spacing of the samples", ylabel="share of switches that do not show", title="What samples miss")
    ax.legend(fontsize="small")


def _hidden(log: dict[str, np.ndarray], spacing: float) -> int:
    """How many switches two samples `spacing` apart do not show: a neuron's mode is compared before and after."""
    order = np.lexsort((log["time"], log["neuron"], log["trajectory"]))
    place = [log["trajectory"][order], log["neuron"][order], np.floor(log["time"][order] / spacing)]
    first = np.append(True, np.any([key[1:] != key[:-1] for key in place], axis=0))
    last = np.append(first[1:], True)
    return len(order) - int(np.count_nonzero(log["before"][order][first] != log["after"][order][last]))


def methods(ax: Axes) -> None:
    """Time of one run by method and shape, measured where this page was built."""
    shapes = ([2, 4, 1], [2, 8, 1], [2, 8, 8, 1], [2, 16, 16, 1], [2, 32, 32, 1])
    taken: dict[str, list[float]] = {"closed": [], "taylor": [], "auto, 256 together": []}
    for widths in shapes:
        sheaf = Sheaf(Network.random(widths, seed=3), [1.0, -1.0])
        starts = 2.0 * np.random.default_rng(4).standard_normal((256, sheaf.n))
        works = (
            lambda sheaf=sheaf, c0=starts[0]: Exact("closed").run(sheaf, c0, 20.0),
            lambda sheaf=sheaf, c0=starts[0]: Exact("taylor").run(sheaf, c0, 20.0),
            lambda sheaf=sheaf, starts=starts: Exact().ensemble(sheaf, starts, 20.0),
        )
        for (name, times), work in zip(taken.items(), works, strict=True):
            best = np.inf
            for _ in range(3):
                begin = time.perf_counter()
                work()
                best = min(best, time.perf_counter() - begin)
            times.append(1e3 * best / (256 if "together" in name else 1))
    for (name, times), colour in zip(taken.items(), (RED, BLUE, GREY), strict=True):
        ax.semilogy(range(len(shapes)), times, "o-", color=colour, label=name)
    ax.set_xticks(range(len(shapes)), [str(widths)[1:-1].replace(" ", "") for widths in shapes])
    ax.set(xlabel="widths", ylabel="one run [ms]", title="Why there is more than one method")
    ax.legend(fontsize="small")


def width_counts(ax: Axes) -> None:
    """How many switches, by width."""
    plots_statistics.plot_counts(ax, statistics.by_width((4, 16, 64), runs=400, nets=10))


def kinks(ax: Axes) -> None:
    """How sharp kinks are, by the size of the start."""
    sheaf = Sheaf(Network.random([2, 8, 1], seed=0), [1.0, -1.0])
    plots_statistics.plot_kinks(ax, statistics.by_magnitude(sheaf, (0.5, 2.0, 8.0), runs=1000))


def decay(ax: Axes) -> None:
    """Measured rates against Theorem 9.4."""
    sheaf = Sheaf(Network.random([2, 4, 1], seed=0), [1.0, -1.0])
    starts = 2.0 * np.random.default_rng(0).standard_normal((1000, sheaf.n))
    plots_statistics.plot_decay_rates(ax, statistics.decay_rates(sheaf, starts))


def pinned_run() -> ExactTrajectory:
    """A network whose output is pinned away from its forward pass, from that forward pass on."""
    net = Network.random([2, 4, 4, 4, 1], seed=21, bias_scale=0.5)
    output = float(net.forward([1.0, -1.0])[0])
    sheaf = Sheaf(net, [1.0, -1.0], pinned={(4, 0): output + 3.0})
    return Exact().run(sheaf, sheaf.forward_pass(), 60.0)


def pinned(ax: Axes) -> None:
    """How far a pinned output pulls the layers before it, over time."""
    run = pinned_run()
    times = np.geomspace(1e-3, run.t_end, 400)
    moved = [np.linalg.norm(z, axis=1) for z in run.sheaf.split(run.at(times) - run.states[0])]
    for layer, colour, dashes in ((3, RED, "-"), (2, BLUE, "--"), (1, GREY, "-.")):
        ax.loglog(times, moved[layer - 1], dashes, color=colour, label=f"hidden layer {layer}")
    ax.set(xlabel="time $t$", ylabel="distance from the forward pass", ylim=(1e-9, 5.0))
    ax.set_title("A pinned output pulls the layers before it, one after the other")
    ax.legend(fontsize="small")


def pinned_edges(ax: Axes) -> None:
    """What the edges disagree by in the same run."""
    plots.plot_discrepancy(ax, pinned_run(), t_max=3.0)


DRAWN: dict[str, Callable[[Axes], None]] = {
    "pinned": pinned, "pinned-edges": pinned_edges,
    "advance": advance, "sampled": sampled, "bernstein": bernstein, "zigzag": zigzag,
    "spectrum": spectrum, "methods": methods, "counts": width_counts, "kinks": kinks, "decay": decay,
}  # fmt: skip


def save_all(folder: Path) -> list[Path]:
    """Write every figure and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = demo.figures(lab_run())
    for stem, draw in DRAWN.items():
        made[stem] = Figure(figsize=(6.4, 4.2), layout="constrained")
        draw(made[stem].add_subplot())
    wide = Sheaf(Network.random([2, 16, 16, 1], seed=5), [1.0, -1.0])
    run = Exact().run(wide, 2.0 * np.random.default_rng(6).standard_normal(wide.n), 60.0)
    made["deep"] = Figure(figsize=(6.4, 4.8), layout="constrained")
    plots.plot_bands(made["deep"].add_subplot(), run)
    made["discrepancy"] = Figure(figsize=(6.4, 3.2), layout="constrained")
    plots.plot_discrepancy(made["discrepancy"].add_subplot(), run, t_max=20.0)
    for stem, figure in made.items():
        figure.savefig(folder / f"{stem}.png", dpi=110)
    return [folder / f"{stem}.png" for stem in made]


if __name__ == "__main__":
    for path in demo.save(lab_run(), Path(__file__).resolve().parent / "images"):
        if path.suffix != ".png":
            path.unlink()
        else:
            print(path.name)
