"""The explorable in a notebook: the page in a frame, and a picture of it where no page can run."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.explorable.page import filled, sheaf_numbers
from sheaflab.explore import as_image, describe, picture
from sheaflab.plots.space import switching_plane
from sheaflab.schemes.exact import Exact
from sheaflab.sheaf import Sheaf
from sheaflab.trajectory import Trajectory

WINDOWS = (3, 6, 12, 25, 60)
STEPS = (0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2)
_MOST = 10  # hidden neurons: their names have one digit
# Where scripts of outputs are not run (a notebook that is not trusted, a page that cleans it), the picture stays.
_LIVE = """\
<div>{image}<script>(() => {{
  const script = document.currentScript, host = script.parentElement, frame = document.createElement("iframe");
  Object.assign(frame, {{title: {title}, srcdoc: {page}}});
  frame.setAttribute("sandbox", "allow-scripts");
  frame.style.cssText = "width: 100%; height: 900px; border: 0";
  addEventListener("message", ({{source, data}}) => {{
    if (source === frame.contentWindow) frame.style.height = `${{data.height}}px`;
  }});
  host.replaceChildren(frame);
}})();</script></div>"""


class Explorable:
    """The flow from a start that can be dragged, in a notebook.

    As a cell's value it shows the page that also stands alone on the site, with this network and this start. Where
    scripts are not run it is a picture: in a notebook that is not trusted, on GitHub, on a feedback page.

    Parameters
    ----------
    sheaf : Sheaf
        Of a network with one hidden layer of 2 to 10 neurons and one output, nothing but the input pinned.
    start : array_like, shape (n,)
        Where the flow begins.
    until : int
        End of the time that is shown: 3, 6, 12, 25 or 60.
    dt : float, optional
        If given, Euler's steps of this length are laid over the flow.

    Raises
    ------
    ValueError
        If the network is another, `until` or `dt` is not among the page's, or `start` is not a cochain.

    Examples
    --------
    >>> from sheaflab import Network, Sheaf
    >>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
    >>> shown = Explorable(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
    >>> shown.trajectory.log.count
    4
    """

    def __init__(self, sheaf: Sheaf, start: ArrayLike, *, until: int = 6, dt: float | None = None) -> None:
        widths = sheaf.net.widths
        if len(widths) != 3 or widths[2] != 1 or not 2 <= widths[1] <= _MOST:
            raise ValueError(
                f"`sheaf` must have one hidden layer of 2 to {_MOST} neurons and one output, got widths {list(widths)}"
            )
        if sheaf.pinned:
            raise ValueError(f"`sheaf` must have nothing pinned but the input, got pinned {list(sheaf.pinned)}")
        if until not in WINDOWS:
            raise ValueError(f"`until` must be one of {WINDOWS}, got {until}")
        if dt is not None and dt not in STEPS:
            raise ValueError(f"`dt` must be one of {STEPS}, got {dt}")
        self.sheaf, self.start, self.until, self.dt = sheaf, sheaf.cochain(start, "start"), until, dt

    @cached_property
    def trajectory(self) -> Trajectory:
        """The exact trajectory that is shown first."""
        return Exact().run(self.sheaf, self.start, float(self.until))

    def page(self) -> str:
        """Return the page as the text of one HTML file."""
        magnitude = max(round(float(np.sqrt(np.mean(self.start**2))), 1), 0.2)
        settings: dict[str, Any] = {
            "hidden": self.sheaf.h,
            "network": 0,
            "direction": 0,
            "magnitude": magnitude,
            "pair": list(switching_plane(self.trajectory)),
            "until": self.until,
            "framed": True,
        }
        if self.dt is not None:
            settings |= {"euler": True, "dt": self.dt}
        directions = [(self.start / magnitude).tolist()]
        return filled({self.sheaf.h: {"sheaves": [sheaf_numbers(self.sheaf)], "directions": directions}}, settings)

    def __repr__(self) -> str:
        return describe(self.trajectory, f"start {np.round(self.start, 3).tolist()}")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        png, alt = picture(self.trajectory), html.escape(repr(self).split("\n")[0])
        live = _LIVE.format(image=as_image(png, alt), title=_script("Drag the start"), page=_script(self.page()))
        return {"text/html": live, "image/png": b64encode(png).decode(), "text/plain": repr(self)}


def _script(text: str) -> str:
    """Return a text as a script's constant, in which no markup ends the script."""
    return json.dumps(text).replace("<", "\\u003c")
