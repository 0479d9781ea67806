"""A small interactive figure: choose a network and a start, see trajectory, energy and bands follow.

Its fields need ipywidgets, which JupyterLite and most notebooks have; without it, or outside a notebook, the same
figure is drawn once, as a picture.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sheaflab.arrays import as_positive
from sheaflab.demo import setting
from sheaflab.rate import slowest_rate
from sheaflab.schemes.exact import Exact
from sheaflab.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAGNITUDES = (0.1, 100.0)
_LAST_SEED = 2**31 - 1
_DPI = 96


@dataclass(frozen=True)
class Scene:
    """One setting of the fields: a random network, a pinned input, a random start, as in `sheaflab demo`.

    Attributes
    ----------
    network_seed : int
        Draws the network and nothing else.
    start_seed : int
        Draws the start's direction and nothing else.
    magnitude : float
        Standard deviation of the start's coordinates.
    widths : tuple of int
        Neurons per layer.
    t_end : float
    """

    network_seed: int = 0
    start_seed: int = 1
    magnitude: float = 2.0
    widths: tuple[int, ...] = (2, 4, 1)
    t_end: float = 60.0

    @cached_property
    def trajectory(self) -> Trajectory:
        """The exact trajectory."""
        return Exact().run(*setting(self.widths, self.network_seed, self.start_seed, self.magnitude), self.t_end)

    def figure(self) -> Figure:
        """Draw the trajectory, and beside it energy, slope and bands on one time axis."""
        return draw(self.trajectory)

    def png(self) -> bytes:
        """Return the figure as a PNG picture."""
        return picture(self.trajectory)

    def describe(self) -> str:
        """Return the content of the figure as text: for readers who cannot see it, and with more digits."""
        seeds = f"network seed {self.network_seed}, start seed {self.start_seed}, magnitude {self.magnitude:g}"
        return describe(self.trajectory, seeds)


def draw(run: Trajectory) -> Figure:
    """Draw a trajectory, and beside it energy, slope and bands on one time axis."""
    from matplotlib.figure import Figure

    from sheaflab import plots

    figure = Figure(figsize=(12.5, 7.2), layout="constrained")
    halves = figure.add_gridspec(1, 2)
    plots.plot_projection(figure.add_subfigure(halves[0]).add_subplot(), run)
    plots.plot_run(figure.add_subfigure(halves[1]), run, slowest_rate(run.sheaf.net).value)
    return figure


def picture(run: Trajectory) -> bytes:
    """Return what :func:`draw` draws as a PNG picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = draw(run)
    FigureCanvasAgg(figure)
    target = BytesIO()
    figure.savefig(target, format="png", dpi=_DPI)
    return target.getvalue()


def describe(run: Trajectory, of: str) -> str:
    """Return the content of :func:`draw`'s figure as text; `of` says of which start."""
    start, end = run.sheaf.energy(run.states[0]), run.sheaf.energy(run.states[-1])
    lines = [
        f"{run.sheaf.net}, {of}: {run.log!r}, {run.outcome.value}.",
        f"The energy falls from {start:.4g} to {end:.1e}.",
    ]
    lines += [
        f"t = {s.time:.6f}: neuron {s.neuron} of layer {s.layer} {s.before} → {s.after}, V = {s.energy:.4g}, "
        f"slope of log V {s.slope_before:.3f} → {s.slope_after:.3f}"
        for s in run.log
    ]
    return "\n".join(lines)


def as_image(png: bytes, alt: str) -> str:
    """Return a picture as an element of a page; `alt` is markup, what to say to those who cannot see it."""
    return f'<img alt="{alt}" src="data:image/png;base64,{b64encode(png).decode()}" style="max-width: 100%">'


class StaticFigure:
    """A scene as a picture: what :func:`explore` shows where nothing can be changed."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def _repr_png_(self) -> bytes:
        return self.scene.png()

    def save(self, path: str | Path) -> Path:
        """Write the picture as a PNG file and return its path."""
        target = Path(path).with_suffix(".png")
        target.write_bytes(self.scene.png())
        return target

    def __repr__(self) -> str:
        return self.scene.describe()


class Explorer(StaticFigure):
    """A scene with fields to change it. A front end without widgets gets the text.

    Attributes
    ----------
    scene : Scene
        As the fields stand.
    widget : ipywidgets.VBox
        Its children: the fields' row, the picture, the text.
    """

    def __init__(self, scene: Scene) -> None:
        import ipywidgets

        super().__init__(scene)
        # Number fields, for ipywidgets' sliders have no accessible name: their labels do not belong to their handles.
        # Redrawn when a number is complete: a picture takes longer than typing the next digit.
        common: dict[str, Any] = {
            "layout": ipywidgets.Layout(width="15em"), "style": {"description_width": "7em"}, "continuous_update": False
        }  # fmt: skip
        seeds: dict[str, Any] = {"min": 0, "max": _LAST_SEED, **common}
        self.network_seed = ipywidgets.BoundedIntText(scene.network_seed, description="network seed", **seeds)
        self.start_seed = ipywidgets.BoundedIntText(scene.start_seed, description="start seed", **seeds)
        self.magnitude = ipywidgets.BoundedFloatText(
            scene.magnitude,
            min=min(_MAGNITUDES[0], scene.magnitude),
            max=max(_MAGNITUDES[1], scene.magnitude),
            step=0.1,
            description="magnitude",
            **common,
        )
        self._picture = ipywidgets.HTML()  # not ipywidgets.Image, which has no text for who cannot see it
        self._text = ipywidgets.HTML()
        fields = (self.network_seed, self.start_seed, self.magnitude)
        row = ipywidgets.HBox(fields, layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.widget = ipywidgets.VBox([row, self._picture, self._text])
        self._redraw()
        for field in fields:
            field.observe(self._redraw, names="value")

    def _redraw(self, _change: Mapping[str, Any] | None = None) -> None:
        self.scene = replace(
            self.scene,
            network_seed=self.network_seed.value,
            start_seed=self.start_seed.value,
            magnitude=self.magnitude.value,
        )
        text = html.escape(self.scene.describe())
        self._picture.value = as_image(self.scene.png(), text.split("\n")[0])
        self._text.value = f"<pre style='white-space: pre-wrap'>{text}</pre>"

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_(**kwargs))
        return {**bundle, "text/plain": repr(self)}


def explore(
    widths: Sequence[int] = (2, 4, 1),
    *,
    network_seed: int = 0,
    start_seed: int = 1,
    magnitude: float = 2.0,
    t_end: float = 60.0,
) -> StaticFigure:
    """Show how a trajectory depends on where it starts.

    Parameters
    ----------
    widths : sequence of int
        Neurons per layer; at least two hidden ones, whose plane is drawn.
    network_seed : int
        Draws the network and nothing else.
    start_seed : int
        Draws the direction of the start and nothing else.
    magnitude : float
        Standard deviation of the start's coordinates.
    t_end : float

    Returns
    -------
    StaticFigure
        In a notebook with ipywidgets an :class:`Explorer`, with a field for each seed and for the magnitude; else a
        picture.

    Raises
    ------
    ValueError
        If `widths` has fewer than two hidden neurons, a seed is not between 0 and 2³¹ − 1, or `magnitude` is not
        positive.

    Examples
    --------
    >>> picture = explore([2, 8, 1], magnitude=4.0)
    >>> _ = picture.save("flow.png")
    """
    if sum(widths[1:-1]) < 2:
        raise ValueError(f"`widths` must have at least 2 hidden neurons, whose plane is drawn, got {list(widths)}")
    for name, seed in (("network_seed", network_seed), ("start_seed", start_seed)):
        if not 0 <= seed <= _LAST_SEED:
            raise ValueError(f"`{name}` must be between 0 and {_LAST_SEED}, got {seed}")
    scene = Scene(network_seed, start_seed, as_positive("magnitude", magnitude), tuple(widths), t_end)
    return _presenter()(scene)


def _presenter() -> Callable[[Scene], StaticFigure]:
    try:
        import ipywidgets  # noqa: F401
        from IPython import get_ipython
    except ImportError:
        return StaticFigure
    shell = get_ipython()
    return Explorer if shell is not None and getattr(shell, "kernel", None) is not None else StaticFigure
