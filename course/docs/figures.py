"""Figures of the documentation, drawn when it is built. `python course/docs/figures.py` writes the README's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from sheaflab import Euler, Exact, ExactTrajectory, Network, Sheaf, demo, plots, plots_statistics, statistics
from sheaflab.events.polynomials import conversion

BLUE, RED, ORANGE, GREY = "#0072B2", "#D55E00", "#E69F00", "0.45"
SHOWN = (1e-3, 10.0)
"""The discrepancies that have colours: one scale for a new input and for a pinned output."""


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
    below = f(t) < 0
    ax.fill_between(t, f(t), 0, where=below.tolist(), color=RED, alpha=0.4)
    here = (float(t[below].mean()), 0.0)
    arrow, told = {"arrowstyle": "->"}, "below 0: two roots,\nno sample"
    ax.annotate(told, here, (0, 40), textcoords="offset points", ha="center", arrowprops=arrow)
    ax.set(xlabel="time $t$", ylabel="f(t)", ylim=(-0.03, 0.5), title="Why events are certified, not sampled")
    ax.legend(fontsize="small")


def bernstein(ax: Axes) -> None:
    """A polynomial inside the hull of its Bernstein coefficients."""
    monomials = np.array([1.0, -6.0, 14.0, -11.0, 2.6])
    b = conversion(4) @ monomials
    x = np.linspace(0, 1, 300)
    values = np.polynomial.polynomial.polyval(x, monomials)
    roots = int(np.sum(np.diff(np.sign(values)) != 0))
    ax.plot(x, values, color=BLUE, label=f"event polynomial on a step: {roots} roots")
    changes = int(np.sum(np.diff(np.sign(b)) != 0))
    ax.plot(np.linspace(0, 1, 5), b, "o--", color=RED, label=f"its Bernstein coefficients: {changes} sign changes")
    ax.axhline(0, color="0.3", lw=0.8)
    ax.set(xlabel="fraction of the step", ylabel="value")
    ax.set_title(f"{changes} sign changes allow at most {changes} roots; here there are {roots}")
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
    ax.axhline(0, color="0.3", lw=0.8, label="wall of the neuron")
    ax.plot(fine, traj.at(fine)[:, index], color=BLUE, label="exact flow: comes to the wall and slides along it")
    ax.set(xlabel="time $t$", ylabel=plots.coordinate_label(traj.sheaf, index))
    ax.set_title("Where the exact flow slides, Euler chatters")
    ax.legend(fontsize="small")


def spectrum(ax: Axes) -> None:
    """The pair of eigenvalues of one hidden layer against the strength s."""
    s = np.linspace(0, 2.5, 300)
    root = np.sqrt(s * s + 4 * s)
    ax.semilogy(s, (2 + s + root) / 2, color=RED, label=r"$\lambda_+ = (2 + s + \sqrt{s^2 + 4s})\,/\,2$")
    ax.semilogy(s, 2 / (2 + s + root), color=BLUE, label=r"$\lambda_- = 1/\lambda_+$")
    ax.axhline(1, color=GREY, lw=3, label="all others are 1")
    rng = np.random.default_rng(0)
    for k in range(40):
        net = Network.random([2, 4, 1], rng)
        pattern = rng.random(4) < 0.5
        values = np.linalg.eigvalsh(Sheaf(net, [1.0, -1.0]).laplacian(pattern))
        strength = float(np.sum((net.weights[1][0] * pattern) ** 2))
        label = "computed: 40 random networks and patterns" if k == 0 else None
        ax.plot([strength] * len(values), values, "k.", ms=4, label=label)
    ticks = (0.2, 0.5, 1, 2, 5)
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="s: sum of the squared output weights of active neurons", ylim=(0.2, 12))
    ax.set_ylabel("eigenvalues of the Laplacian")
    ax.set_title("One hidden layer: the whole spectrum follows from s")
    ax.legend(fontsize="small")


def sampled(ax: Axes) -> None:
    """Switches of the exact flow that do not show in samples of it, by the spacing of the samples."""
    spacings = np.geomspace(1e-3, 1.0, 10)
    kinds = (([2, 4, 1], 20_000, BLUE, "o-"), ([2, 8, 1], 10_000, ORANGE, "s--"), ([2, 16, 16, 1], 1_000, RED, "^-."))
    for widths, starts, colour, look in kinds:
        sheaf = Sheaf(Network.random(widths, seed=3), [1.0, -1.0])
        log = Exact().ensemble(sheaf, 2.0 * np.random.default_rng(4).standard_normal((starts, sheaf.n))).columns
        missed, count = np.array([_hidden(log, spacing) for spacing in spacings]), len(log["time"])
        seen = missed > 0  # a logarithmic axis has no place for 0
        ax.loglog(spacings[seen], missed[seen] / count, look, color=colour, label=f"{widths}: {count:,} switches")
    ax.set(xlabel="time between two samples", ylabel="share of the switches that samples miss")
    ax.set_title("Samples further apart miss more switches, most in the deep network")
    ax.legend(fontsize="small", title="no mark: none missed", title_fontsize="small")


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
    taken: dict[str, list[float]] = {"closed form": [], "Taylor series": [], "256 runs together, time for each": []}
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
    hidden = [sum(widths[1:-1]) for widths in shapes]
    for (name, times), look in zip(taken.items(), ("o-", "s--", "^-."), strict=True):
        colour = {"o-": RED, "s--": BLUE, "^-.": "black"}[look]
        ax.loglog(hidden, times, look, color=colour, label=name)
    names = [f"{n}\n{str(widths).replace(' ', '')}" for n, widths in zip(hidden, shapes, strict=True)]
    ax.set_xticks(hidden, names)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="hidden neurons, widths", ylabel="time of one run [ms]")
    ax.set_title("Of a run by itself, the closed form wins in small\nnetworks, the Taylor series in large ones")
    ax.legend(fontsize="small")


def width_counts(ax: Axes) -> None:
    """How many switches, by width."""
    widths, runs = (4, 16, 64), 400
    drawn = plots_statistics.plot_counts(ax, statistics.by_width(widths, runs=runs, nets=10))
    for width, steps in zip(widths, drawn, strict=True):
        ax.plot(width / 2, 0, "^", color=steps.get_edgecolor(), mec="black", ms=10, clip_on=False, zorder=5)
    half = Line2D([], [], ls="", marker="^", color="white", mec="black", ms=9, label="half the width")
    ax.legend(handles=[*drawn, half], fontsize="small", title="mean ± standard error", title_fontsize="small")
    ax.set_title("Runs switch about half as often as they have neurons")
    ax.set_ylabel(f"share of the {runs} runs of each width")


def kinks(ax: Axes) -> None:
    """How sharp kinks are, by the size of the start."""
    sheaf = Sheaf(Network.random([2, 8, 1], seed=0), [1.0, -1.0])
    plots_statistics.plot_kinks(ax, statistics.by_magnitude(sheaf, (0.5, 2.0, 8.0), runs=1000))
    ax.set_title("Most kinks are small, whatever the magnitude of the start")


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
        label = f"hidden layer {layer}, at first like $t^{4 - layer}$"
        ax.loglog(times, moved[layer - 1], dashes, color=colour, label=label)
    ax.set(xlabel="time $t$", ylabel="distance from the forward pass", ylim=(1e-9, 5.0))
    ax.set_title("A pinned output pulls the layers before it, one after the other")
    ax.legend(fontsize="small")


def pinned_edges(ax: Axes) -> None:
    """What the edges disagree by in the same run."""
    plots.plot_discrepancy(ax, pinned_run(), t_min=0.003, t_max=30.0)[0].set_clim(*SHOWN)
    ax.set_title("A pinned output is felt at the last edge first, then backwards,\nand all edges go on disagreeing")
    ax.set_ylabel(r"edge into layer $\ell$ (the last is the output's)")


def new_input(ax: Axes) -> None:
    """What the edges disagree by when a network that has come to rest gets another input."""
    net = Network.random([2, 8, 8, 8, 8, 1], seed=5)
    rest = Sheaf(net, [1.0, -1.0]).forward_pass()
    run = Exact().run(Sheaf(net, [-1.0, 1.0]), rest, 100.0)
    plots.plot_discrepancy(ax, run, t_min=0.003, t_max=60.0)[0].set_clim(*SHOWN)
    ax.set_title("A new input is felt edge by edge; then every edge comes to agree")


DRAWN: dict[str, Callable[[Axes], None]] = {
    "pinned": pinned, "pinned-edges": pinned_edges,
    "advance": advance, "sampled": sampled, "bernstein": bernstein, "zigzag": zigzag,
    "spectrum": spectrum, "methods": methods, "counts": width_counts, "kinks": kinks, "decay": decay,
    "discrepancy": new_input,
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
    made["deep"] = Figure(figsize=(6.4, 5.6), layout="constrained")
    ax = made["deep"].add_subplot()
    plots.plot_bands(ax, run)
    ax.set(xscale="log", xlim=(0.03, 20.0))
    times = run.log.times
    ax.set_title(f"32 hidden neurons, {len(times)} switches: half of them before t = {np.median(times):.1f}")
    for stem, figure in made.items():
        figure.savefig(folder / f"{stem}.png", dpi=110)
    return [folder / f"{stem}.png" for stem in made]


if __name__ == "__main__":
    for path in demo.save(lab_run(), Path(__file__).resolve().parent / "images"):
        if path.suffix != ".png":
            path.unlink()
        else:
            print(path.name)
