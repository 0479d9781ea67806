"""Visible checks of notebook 2: the heat equation and Theorem 9.4."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from sheaflab import Integrator, Sheaf
from sheaflab.checks.figures import blank, read
from sheaflab.checks.forbidden import forbids
from sheaflab.checks.forms import asks_for
from sheaflab.checks.legible import legible, numbers
from sheaflab.checks.messages import calling, close, fail, show
from sheaflab.checks.problems import DEEP, SHEAF, STATE, X, given

from ._names import names_energy, names_envelope, names_run, names_time


@forbids(
    "Sheaf.velocity",
    "Sheaf.velocity_of",
    "Sheaf.wall_speeds",
    "ActivationRegion",
    "Trajectory.velocity",
    "schemes.scheme.Scheme",
    "schemes.walk.Walk",
    "engine.layers.Layers",
    "Exact",
)
def velocity(answer: Callable[..., Any]) -> None:
    rest = SHEAF.harmonic_extension()
    with calling(answer, "velocity(SHEAF, SHEAF.harmonic_extension())", given("SHEAF")) as judge:
        judge(
            answer(SHEAF, rest),
            np.zeros(5),
            tol=1e-12,
            hint="the forward pass is the equilibrium: every residual is zero there",
        )
    # r = (-0.5, 0, 2, -0.5, -1.75); −r + σ W²ᵀ r² with σ = (1, 0, 1, 1)
    with calling(answer, "velocity(SHEAF, np.array([1, -1, 2, 0.5, 1]))", given("SHEAF")) as judge:
        judge(
            answer(SHEAF, STATE),
            [0.5 - 1.75, 0.0, -2 - 0.875, 0.5 - 1.75, 1.75],
            tol=1e-12,
            hint="−δᵀ(δc − b̃) with the pattern of c; check the sign, the transpose and that b̃ is inside the bracket",
        )


@forbids("Euler", "EventEuler", "Exact", "ActivationRegion.flow", "ActivationRegion.euler")
@asks_for(Integrator)
def lab_euler(answer: Callable[..., Any]) -> None:
    call = "LabEuler(dt=0.1).run(SHEAF, c0=[1, -1, 2, 0.5, 1], t_end=0.1).states"
    with calling(answer, call, given("SHEAF")):
        states = answer(dt=0.1).run(SHEAF, STATE.copy(), t_end=0.1).states
    hint = "one step: the old state plus h times the velocity, here (-1.25, 0, -2.875, -1.25, 1.75)"
    moved = [0.875, -1.0, 1.7125, 0.375, 1.175]
    close(states[-1], moved, given=given("SHEAF"), call=f"{call}[-1]", tol=1e-12, hint=hint)
    hint = "the old state has changed too: c += … writes into it; return a new array"
    close(states[0], STATE, given=given("SHEAF"), call=f"{call}[0]", tol=0.0, hint=hint)


def slowest_rate(answer: Callable[..., Any]) -> None:
    s = 6.25  # ‖W²‖²: all neurons active is the worst pattern here
    with calling(answer, "slowest_rate(SHEAF)", given("SHEAF")) as judge:
        judge(
            answer(SHEAF),
            (2 + s - np.sqrt(s * s + 4 * s)) / 2,
            tol=1e-9,
            hint="the smallest eigenvalue of sheaf.laplacian(p), and the smallest of these over all patterns p",
        )
    deep = Sheaf(DEEP, X)
    codes = (np.arange(16)[:, None] >> np.arange(4)) & 1
    with calling(answer, "slowest_rate(Sheaf(DEEP, X))", given("DEEP", "X")) as judge:
        judge(
            answer(deep),
            min(float(np.linalg.svd(deep.restricted(p), compute_uv=False)[-1]) ** 2 for p in codes),
            tol=1e-9,
            hint="try all 2**sheaf.h patterns: with two hidden layers the all-active one need not be the worst",
        )


Tell = Callable[..., NoReturn]


def _drawn(figure: Any) -> str:
    seen = [line for line in figure.lines if line.shown]
    if seen:
        lines = " and ".join("(" + ", ".join(f"{v:.4g}" for v in line.y[:4]) + ", …)" for line in seen[:3])
        return f"lines with y = {lines}"
    if figure.lines:
        return "markers without a line, or a line that cannot be seen: without ink, hidden, or outside the axes"
    if figure.rest.x.size:
        return "points or areas in `ax`, but no line: `scatter` draws no line"
    return "nothing in `ax`: is it drawn into another figure, by `plt`?"


def _energies(figure: Any, times: Any, energies: Any) -> list[Any]:
    close, alike = partial(np.allclose, rtol=1e-9, atol=1e-12), []
    for line in figure.lines:
        if line.shown and not line.stepped and len(line.x) >= len(times):
            order = slice(None, None, -1 if line.x[0] > line.x[-1] else 1)  # a pen may go either way
            x, y = line.x[order], line.y[order]
            at = np.clip(np.searchsorted(x, times - 1e-9), 0, len(x) - 1) if len(x) > len(times) else slice(None)
            if close(x[at], times) and close(y[at], energies, atol=0.0) and _on_chords(x, y, times, energies):
                alike.append(line)
    return alike


def _on_chords(x: Any, y: Any, times: Any, energies: Any) -> bool:
    """Tell whether all points lie on the straight ways from each energy to the next, as the axis shows them."""
    if len(x) == len(times):
        return True
    straight = np.exp(np.interp(x, times, np.log(energies)))
    return bool(np.all(np.diff(x) >= 0) and np.allclose(y, straight, rtol=1e-6, atol=0.0))


def _envelopes(figure: Any, times: Any, energies: Any, rate: float) -> list[Any]:
    """Lines that are the envelope wherever they have a point: two are enough, the axis makes it straight."""
    found = []
    for line in figure.lines:
        if not line.shown or line.stepped or len(line.x) < 2:
            continue
        if line.x.min() > times[0] + 1e-9 or line.x.max() < times[-1] - 1e-9:
            continue
        if np.allclose(line.y, energies[0] * np.exp(-2 * rate * line.x), rtol=1e-9, atol=0.0):
            found.append(line)
    return found


def _within(line: Any, times: Any, energies: Any, rate: float) -> bool:
    """Tell whether a curve is a piece of the energy, or of the envelope."""
    if line.stepped:
        return False
    if np.allclose(line.y, energies[0] * np.exp(-2 * rate * line.x), rtol=1e-9, atol=0.0):
        return True
    after = np.clip(np.searchsorted(times, line.x), 1, len(times) - 1)
    close = partial(np.isclose, rtol=1e-9, atol=1e-12)
    at = [close(line.x, times[k]) & close(line.y, energies[k], atol=0.0) for k in (after - 1, after)]
    one_by_one = np.abs(np.diff(np.where(at[0], after - 1, after))) <= 1  # else it is a chord
    return bool(np.all(at[0] | at[1]) and np.all(one_by_one))


def _level(values: Any) -> bool:
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def _off(
    figure: Any, x: Any, y: Any, times: Any, energies: Any, rate: float, arrows: bool = False, exact: bool = False
) -> Any:
    """Return some numbers of a third curve if ink that is no line follows one: no energy, no envelope, not level.

    Of ink there are the edges alone, which are as far from its place as a marker is large, unless it is `exact`.
    """
    columns = len(np.unique(x))
    inside = (y > 0) & (x >= times[0]) & (x <= times[-1])
    x, y = x[inside], y[inside]
    low, high = (max(value, 1e-300) for value in sorted(figure.ylim))
    span = np.log(high / low)
    wide = np.linspace(-1, 1, 9)[:, None] * (0.006 if exact else 0.02) * np.ptp(times)
    near = np.exp(np.interp(x + wide, times, np.log(energies)))
    if exact:  # who has them between two times may have taken a chord
        near = np.concatenate([near, np.interp(x + wide, times, energies)])
    near = np.sort(near, axis=0)
    slack = np.exp(max(np.log(1.05), 0.012 * span) if exact else max(np.log(1.3), 0.04 * span))
    envelope = energies[0] * np.exp(-2 * rate * x)
    off = ((y < near[0] / slack) | (y > slack * near[-1])) & ((y < envelope / slack) | (y > slack * envelope))
    _, level, long = np.unique(y, return_inverse=True, return_counts=True)
    off &= long[level] < 0.15 * columns
    part = np.round(20 * (x - times[0]) / np.ptp(times))  # in so many parts of the axis
    places = set(part[off].tolist()) - (set(part[~off].tolist()) if arrows else set())  # an arrow may point at a curve
    levels = np.unique(np.round(120 * np.log(y[off]) / span))
    return y[off] if len(places) > 5 and len(levels) > 4 else y[:0]


def _further_curves(figure: Any, times: Any, energies: Any, rate: float) -> list[Any]:
    """Curves that are made of something else than lines: of points, areas, bars, segments, texts or arrows."""
    off = partial(_off, figure, times=times, energies=energies, rate=rate)
    bars = [bar for bar in (*figure.bars, *figure.more_bars) if bar.shown]
    tops = (np.array([bar.x + 0.5 * bar.width for bar in bars]), np.array([bar.y + bar.height for bar in bars]))
    found = [off(figure.rest.x, figure.rest.y), off(figure.marks.x, figure.marks.y, arrows=True), off(*tops)]
    found.append(off(figure.spots.x, figure.spots.y, exact=True))
    return [values for values in found if len(values)]


def energy_line(figure: Any, times: Any, energies: Any, tell: Tell) -> None:
    """Look for the energy, and whether the axes show it."""
    if not _energies(figure, times, energies):
        expected = f"a line that can be seen through (times, energies), with y = {show(energies)}"
        steps = any(line.stepped and line.x.shape == times.shape for line in figure.lines)
        hint = "straight from each time to the next, not in steps" if steps else "the values themselves"
        tell(returned=_drawn(figure), expected=expected, hint=f"ax.semilogy(times, energies): {hint}")
    (left, right), (low, high), slack = sorted(figure.xlim), sorted(figure.ylim), 1e-6 * np.ptp(times)
    seen = float(np.mean((low <= energies) & (energies <= high)))
    if left > times[0] + slack or right < times[-1] - slack or seen < 0.95 or energies.max() > high * (1 + 1e-9):
        returned = f"axes from {left:.4g} to {right:.4g} at x, from {low:.4g} to {high:.4g} at y"
        expected = f"all times from {times[0]:.4g} to {times[-1]:.4g}, with their energies"
        tell(returned=returned, expected=expected, hint="limits that do not fit each run: leave them to matplotlib")
    legible(figure, tell)


def envelope_line(figure: Any, times: Any, energies: Any, rate: float, tell: Tell) -> None:
    """Look for the envelope, and for curves that are neither."""
    known = _envelopes(figure, times, energies, rate)
    values = show(energies[0] * np.exp(-2 * rate * times))
    if not known:
        expected = (
            f"a line that can be seen with V(0) e^(−2 λ* t), from the first time to the last: at the times {values}"
        )
        steps = any(line.stepped for line in figure.lines)
        factor = "mind the 2, and start at V(0), the first of the energies"
        hint = "as a straight line, not in steps" if steps else factor
        tell(returned=_drawn(figure), expected=expected, hint=hint)
    slack = 0.05 * np.ptp(times)
    if all(min(line.x) < times[0] - slack or max(line.x) > times[-1] + slack for line in known):
        returned = f"an envelope from {min(known[0].x):.4g} to {max(known[0].x):.4g}"
        expected = f"one from {times[0]:.4g} to {times[-1]:.4g}"
        tell(returned=returned, expected=expected, hint="the run is from the first of the times to the last")
    known += _energies(figure, times, energies)
    rest = [line for line in figure.lines if line.shown and not any(line is other for other in known)]
    rest += [line for line in figure.further if line.shown]
    rest = [line for line in rest if not _within(line, times, energies, rate)]
    others = [line.y for line in rest if len(line.x) > 1 and not (_level(line.x) or _level(line.y))]
    others += _further_curves(figure, times, energies, rate)
    stated_rate(figure, rate, tell)
    if others:
        returned = f"{len(others)} more curve(s), one with y = {show(others[0][:4])} …"
        tell(
            returned=returned, expected="one line with the energy, one with the envelope", hint="two curves, no others"
        )


_STATED = re.compile(r"(\d+\.?\d*)?[*·]?λ(?:\^?\{?(?:\*|\\star|\\ast)\}?|[★⋆])?[=≈](\d+\.?\d*)(e[-+]?\d+)?")


def stated_rate(figure: Any, rate: float, tell: Tell) -> None:
    """Look at each text in the figure that says how large λ* is."""
    for text in figure.texts:
        plain = re.sub(r"\\(?:[,;:! ]|cdot|mathrm|text)|[\s${}]", "", text)
        plain = re.sub(r"\\?lambda", "λ", plain).replace("\\approx", "≈").replace("\\ast", "*").replace("\\star", "*")
        for factor, number, power in _STATED.findall(plain):
            value, digit = float(number + power), 0.55 * 10.0 ** -len(number.partition(".")[2]) * float("1" + power)
            if abs(value - float(factor or 1) * rate) > digit:
                expected = f"λ* = {rate:.4g}, the argument `rate`"
                tell(returned=f"a text that says {text!r}", expected=expected, hint="a text states the value of `rate`")


def log_scale(figure: Any, tell: Tell) -> None:
    """Look at the axes' scales."""
    scales = f"x {figure.xscale}, y {figure.yscale}"
    if scales != "x linear, y log":
        tell(returned=scales, expected="x linear, y log", hint="on which axis is e^(−t) a straight line?")
    numbers(figure, tell)


def names(figure: Any, times: Any, energies: Any, rate: float, tell: Tell) -> None:
    """Look at the names of axes and lines."""
    legend = [name for name in figure.legend if name.strip()]
    got = f"xlabel {figure.xlabel!r}, ylabel {figure.ylabel!r}, legend {list(figure.legend)}"
    if not (figure.xlabel.strip() and figure.ylabel.strip()):
        tell(returned=got, expected="both axes named", hint="ax.set(xlabel=…, ylabel=…), where they can be read")
    if len(legend) < 2:
        hint = "label=… for each line, then ax.legend(), where it can be read"
        tell(returned=got, expected="a legend with a name for each line", hint=hint)
    numbers(figure, tell)
    expected, title = "the name of the time at x, of the energy at y", "other remarks belong in the title"
    if names_time(figure.ylabel) and names_energy(figure.xlabel):
        tell(returned=got, expected=expected, hint="the names are swapped")
    if not (names_time(figure.xlabel) and names_energy(figure.ylabel)):
        allowed = "`time` or `t` at x, `energy`, `Dirichlet energy` or `V` at y, a unit or `log scale` in brackets"
        hint = f"{allowed}; {title}"
        tell(returned=got, expected=expected, hint=hint)
    first = next((line.entry for line in _energies(figure, times, energies)), "")
    second = next((line.entry for line in _envelopes(figure, times, energies, rate)), "")
    expected = "each line with its own name"
    if names_run(second) and names_envelope(first, times, energies, rate):
        got = f"the energy is called {first!r}, the envelope {second!r}"
        tell(returned=got, expected=expected, hint="label=… in the call that draws the line")
    if not second:
        entries = [line.entry for line in figure.lines if line.entry and line.entry != first]
        if lost := [entry for entry in entries if names_envelope(entry, times, energies, rate)]:
            tell(returned=f"another line is called {lost[0]!r}", expected=expected, hint="label=… for the envelope")
    if second and not names_envelope(second, times, energies, rate):
        hint = f"`envelope`, `bound` or `Theorem 9.4`, with `λ*`, its value or V(0) exp(−2 λ* t) if you like; {title}"
        tell(returned=f"the envelope is called {second!r}", expected="a name that says what it is", hint=hint)
    if first and not names_run(first):
        hint = f"`energy`, `V`, `run` or `energy of the run`; {title}"
        tell(returned=f"the energy is called {first!r}", expected="a name that says what it is", hint=hint)
    if not any(map(names_run, legend)):
        tell(returned=got, expected="a legend that names the energy, too", hint="`energy`, `V` or `run`")


PLOTTED = np.array([0.0, 1.0, 2.0, 4.0]), np.array([8.0, 2.0, 0.9, 0.1]), 0.25
"""Times, energies and rate of the visible case. The hidden checks look at it, too, each at its own part."""
_AXES = "ax = plt.figure().add_subplot()"
_CALL = "plot_energy_decay(ax, np.array([0, 1, 2, 4]), np.array([8, 2, 0.9, 0.1]), 0.25)"
tell_plotted: Tell = partial(fail, given=_AXES, call=_CALL)


def plot_energy_decay(answer: Callable[..., Any]) -> None:
    ax = blank()
    with calling(answer, _CALL, _AXES):
        answer(ax, *(part.copy() if isinstance(part, np.ndarray) else part for part in PLOTTED))
        figure = read(ax)
    times, energies, rate = PLOTTED
    energy_line(figure, times, energies, tell_plotted)
    log_scale(figure, tell_plotted)
    envelope_line(figure, times, energies, rate, tell_plotted)
    names(figure, times, energies, rate, tell_plotted)


CHECKS: dict[str, Callable[[Any], None]] = {
    "2.1": velocity,
    "2.2": lab_euler,
    "2.3": slowest_rate,
    "2.4": plot_energy_decay,
}
