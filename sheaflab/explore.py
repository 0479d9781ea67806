"""A small interactive figure: drag the magnitude and the seed of the start, see trajectory, energy and bands follow.

Sliders need ipywidgets, which JupyterLite and most notebooks have; without it, or outside a notebook, the same figure
is drawn once, as a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sheaflab.exact import Exact
from sheaflab.network import Network, as_positive
from sheaflab.rate import slowest_rate
from sheaflab.sheaf import Sheaf
from sheaflab.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAGNITUDES = (0.1, 8.0)
_SEEDS = (0, 99)
_DPI = 96


@dataclass(frozen=True)
class Scene:
    """One setting of the sliders: a random network, a pinned input, a random start.

    Attributes
    ----------
    seed : int
        The network is drawn with it and the start's direction with ``seed + 1``, as in `sheaflab demo`.
    magnitude : float
        Standard deviation of the start's coordinates.
    widths : tuple of int
        Neurons a layer.
    t_end : float
    """

    seed: int = 0
    magnitude: float = 2.0
    widths: tuple[int, ...] = (2, 4, 1)
    t_end: float = 60.0

    @cached_property
    def trajectory(self) -> Trajectory:
        """The exact trajectory."""
        net = Network.random(self.widths, self.seed)
        sheaf = Sheaf(net, np.resize([1.0, -1.0], net.widths[0]))
        direction = np.random.default_rng(self.seed + 1).standard_normal(sheaf.n)
        return Exact().run(sheaf, as_positive("magnitude", self.magnitude) * direction, self.t_end)

    def figure(self) -> Figure:
        """Draw trajectory, energy and bands side by side."""
        from matplotlib.figure import Figure

        from sheaflab import plots

        run = self.trajectory
        last = run.log[-1].time if len(run.log) else 1.0
        figure = Figure(figsize=(12.5, 4.0), layout="constrained")
        path, energy, bands = figure.subplots(1, 3)
        plots.plot_projection(path, run)
        plots.plot_energy(energy, run, slowest_rate(run.sheaf.net).value, t_max=min(4 * max(last, 1.0), run.t_end))
        plots.plot_bands(bands, run)
        for ax, title in ((path, "Trajectory"), (energy, "Energy"), (bands, "Activation pattern")):
            ax.set_title(title)  # three abreast, the usual titles would meet
        if (legend := bands.get_legend()) is not None:
            legend.remove()  # the colours are the trajectory's
        return figure

    def png(self) -> bytes:
        """Return the figure as a PNG picture."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure = self.figure()
        FigureCanvasAgg(figure)
        target = BytesIO()
        figure.savefig(target, format="png", dpi=_DPI)
        return target.getvalue()

    def describe(self) -> str:
        """Say in words what the figure shows, for who cannot see it, and with more digits for who can."""
        run = self.trajectory
        start, end = run.sheaf.energy(run.states[0]), run.sheaf.energy(run.states[-1])
        lines = [
            f"{run.sheaf.net}, seed {self.seed}, start of magnitude {self.magnitude:g}: "
            f"{run.log!r}, {run.outcome.value}.",
            f"The energy falls from {start:.4g} to {end:.1e}.",
        ]
        lines += [
            f"t = {s.time:.6f}: neuron {s.neuron} of layer {s.layer} {s.before} → {s.after}, V = {s.energy:.4g}, "
            f"slope of log V {s.slope_before:.3f} → {s.slope_after:.3f}"
            for s in run.log
        ]
        return "\n".join(lines)


class StaticFigure:
    """A scene as a picture: what :func:`explore` shows where nothing can be dragged."""

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
    """A scene with sliders. A front end without widgets shows its picture.

    Attributes
    ----------
    scene : Scene
        As the sliders stand.
    widget : ipywidgets.VBox
        Its children: the sliders' row, the picture, the words.
    """

    def __init__(self, scene: Scene) -> None:
        import ipywidgets

        super().__init__(scene)
        layout = ipywidgets.Layout(width="26em")
        style = {"description_width": "6em"}
        # Redrawn when the slider is let go: a picture takes longer than a drag's next step.
        still: dict[str, Any] = {"layout": layout, "style": style, "continuous_update": False}
        low, high = (float(np.log10(value)) for value in _MAGNITUDES)
        self.magnitude = ipywidgets.FloatLogSlider(
            value=scene.magnitude, base=10, min=low, max=high, step=0.02, description="magnitude", **still
        )
        self.seed = ipywidgets.IntSlider(value=scene.seed, min=_SEEDS[0], max=_SEEDS[1], description="seed", **still)
        self._picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self._words = ipywidgets.HTML()
        row = ipywidgets.HBox([self.magnitude, self.seed], layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.widget = ipywidgets.VBox([row, self._picture, self._words])
        self._redraw()
        for slider in (self.magnitude, self.seed):
            slider.observe(self._redraw, names="value")

    def _redraw(self, _change: Mapping[str, Any] | None = None) -> None:
        self.scene = Scene(int(self.seed.value), float(self.magnitude.value), self.scene.widths, self.scene.t_end)
        self._picture.value = self.scene.png()
        self._words.value = f"<pre style='white-space: pre-wrap'>{self.scene.describe()}</pre>"

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_(**kwargs))
        return {**bundle, "text/plain": repr(self)}


def explore(
    widths: Sequence[int] = (2, 4, 1), *, seed: int = 0, magnitude: float = 2.0, t_end: float = 60.0
) -> StaticFigure:
    """Show how a trajectory depends on where it starts.

    Parameters
    ----------
    widths : sequence of int
        Neurons a layer; at least two hidden ones, whose plane is drawn.
    seed, magnitude
        Where the sliders stand at first.
    t_end : float

    Returns
    -------
    StaticFigure
        In a notebook with ipywidgets an :class:`Explorer`, with sliders; else a picture.

    Raises
    ------
    ValueError
        If `widths` has fewer than two hidden neurons, or `magnitude` is not positive.
    """
    if sum(widths[1:-1]) < 2:
        raise ValueError(f"`widths` must have at least 2 hidden neurons, whose plane is drawn, got {list(widths)}")
    scene = Scene(seed, as_positive("magnitude", magnitude), tuple(widths), t_end)
    return _presenter()(scene)


def _presenter() -> Callable[[Scene], StaticFigure]:
    try:
        import ipywidgets  # noqa: F401
        from IPython import get_ipython
    except ImportError:
        return StaticFigure
    shell = get_ipython()
    return Explorer if shell is not None and getattr(shell, "kernel", None) is not None else StaticFigure
