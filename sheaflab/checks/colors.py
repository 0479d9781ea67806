"""Lines and bars that are told by their own colours in a single drawing: all that most figures consist of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.checks.ink import Mask, Pixels, differs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SAME, _OTHER = 0.1 * 255, 0.2 * 255
"""A pixel is of a colour up to the first difference of red, green or blue; mixtures of others are beyond the second."""


def own_ink(ax: Axes, lines: list[Any], bars: list[Any], frame: list[Any], pixels: Pixels) -> list[Mask]:
    """Return where the colour of each line is in a drawing, or that of all bars; nothing if it may be of anything else.

    Parameters
    ----------
    ax : Axes
    lines, bars : list of Artist
    frame : list of Artist
        Spines, titles, the legend.
    pixels : ndarray
        The drawing, without ticks.
    """
    from matplotlib.colors import to_rgba

    figure, legend = ax.figure, ax.get_legend()
    known = {id(part) for part in (*lines, *bars, *frame, ax.xaxis, ax.yaxis, ax.patch)}
    alone = figure is not None and len(figure.get_children()) == 2 and all(id(p) in known for p in ax.get_children())
    if not alone or bool(lines) == bool(bars) or (bars and legend) or not all(map(_is_plain, (*lines, *bars))):
        return []
    own = [to_rgba(line.get_color(), line.get_alpha()) for line in lines]
    own += {to_rgba(bar.get_facecolor()) for bar in bars}
    texts = [ax.xaxis.label, ax.yaxis.label, *(part for part in frame if hasattr(part, "get_text"))]
    texts += legend.get_texts() if legend else []
    if any(text.get_bbox_patch() or text.get_path_effects() for text in texts):
        return []
    areas = [*ax.spines.values(), *([legend.get_frame()] if legend else [])]
    others = [figure.get_facecolor(), ax.get_facecolor(), *(text.get_color() for text in texts)]
    others += [color for area in areas for color in (area.get_facecolor(), area.get_edgecolor())]
    colors = 255 * np.array([*own, *{to_rgba(color) for color in others}])
    if (bars and len(own) > 1) or (colors[: len(own), 3] < 255).any():
        return []
    if not all(_stands_apart(colors[:, :3], k) for k in range(len(own))):
        return []
    return [~differs(pixels, np.rint(color).astype(np.int16), _SAME) for color in colors[: len(own), :3]]


def _is_plain(part: Any) -> bool:
    """Whether a line has a stroke and nothing else, and a bar its area."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    clip = part.get_clip_path()
    if part.get_path_effects() or part.get_agg_filter() or part.get_sketch_params():
        return False
    if clip is not None and getattr(clip, "_patch", None) is not part.axes.patch:
        return False
    if type(part) is Line2D:
        stroke = part.get_linestyle() in ("-", "--", "-.", ":") and part.get_linewidth() >= 1.0
        return stroke and part.get_marker() in ("None", "none", " ", "", None) and part.get_visible()
    return type(part) is Rectangle and part.get_visible() and part.get_fill()


def _stands_apart(colors: FloatArray, k: int) -> bool:
    """Whether a colour is none of the others and no mixture of two of them, as there is at the edge of a stroke."""
    others = np.delete(colors, k, axis=0)
    share = np.linspace(0, 1, 11)[:, None, None, None]
    mixed = share * others[:, None] + (1 - share) * others
    return bool((np.abs(mixed - colors[k]).max(axis=-1) > _OTHER).all())
