"""Values of the library and figures, on their way out of the sandbox and into it."""

from __future__ import annotations

from typing import Any

from protocol import Channel, ProtocolError  # type: ignore[import-not-found]


# -- values of the library ----------------------------------------------------------------------------------------
def encode(value: Any) -> tuple[str, dict[str, Any]] | None:
    import sheaflab as lib

    if isinstance(value, lib.Sheaf):
        return "Sheaf", {"net": value.net, "x": value.x}
    if isinstance(value, lib.Network):
        return "Network", {"weights": list(value.weights), "biases": list(value.biases)}
    if isinstance(value, lib.Trajectory):
        return "Trajectory", {
            "times": value.times,
            "states": value.states,
            "log": list(value.log),
            "outcome": str(getattr(value.outcome, "value", value.outcome)),
        }
    if isinstance(value, lib.SwitchLog):
        return "SwitchLog", {"switches": list(value)}
    if isinstance(value, lib.Switch):
        names = ("time", "layer", "neuron", "before", "after", "energy", "slope_before", "slope_after")
        return "Switch", {name: getattr(value, name) for name in names}
    return None


def decoder(channel: Channel) -> Any:
    def decode(tag: str, parts: dict[str, Any]) -> Any:
        import numpy as np

        import sheaflab as lib

        if tag == "Network":
            return lib.Network(parts["weights"], parts["biases"])
        if tag == "Sheaf":
            return lib.Sheaf(parts["net"], parts["x"])
        if tag == "Seed":
            return np.random.default_rng(parts["seed"])
        if tag == "Callback":
            return lambda *args: call_back(channel, parts["id"], args)
        raise ProtocolError(f"unknown type {tag!r}")

    return decode


def call_back(channel: Channel, number: int, args: tuple[Any, ...]) -> Any:
    """A function of the grader's, handed to student code: ask the other side for its value."""
    channel.send({"callback": number, "args": list(args)})
    answer = channel.receive()
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["value"]


def describe_axes(ax: Any) -> dict[str, Any]:
    """What a reader would measure in the figure, as numbers and texts."""
    import numpy as np
    from matplotlib.colors import to_hex
    from matplotlib.patches import Rectangle

    def points(values: Any) -> Any:
        return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan), dtype=float)

    lines = [
        {
            "x": points(line.get_xdata()), "y": points(line.get_ydata()), "label": str(line.get_label()),
            "linestyle": str(line.get_linestyle()), "marker": str(line.get_marker()), "color": to_hex(line.get_color()),
        }
        for line in ax.lines
    ]  # fmt: skip
    bars, collections = [], []
    for patch in ax.patches:
        if isinstance(patch, Rectangle):
            box = {"x": patch.get_x(), "y": patch.get_y(), "width": patch.get_width(), "height": patch.get_height()}
            bars.append({**{k: float(v) for k, v in box.items()}, "color": to_hex(patch.get_facecolor())})
        else:
            xy = points(patch.get_path().vertices)
            collections.append({"kind": type(patch).__name__, "x": xy[:, 0], "y": xy[:, 1]})
    for item in ax.collections:
        xy = points(item.get_offsets())
        if not len(xy) or (len(xy) == 1 and item.get_paths() and type(item).__name__ != "PathCollection"):
            vertices = [points(path.vertices) for path in item.get_paths() if len(path.vertices)]
            xy = np.concatenate(vertices) if vertices else np.empty((0, 2))
        collections.append({"kind": type(item).__name__, "x": xy[:, 0], "y": xy[:, 1]})
    legend = ax.get_legend()
    return {
        "lines": lines, "bars": bars, "collections": collections,
        "xscale": ax.get_xscale(), "yscale": ax.get_yscale(), "xlabel": ax.get_xlabel(), "ylabel": ax.get_ylabel(),
        "title": ax.get_title(), "legend": [text.get_text() for text in legend.get_texts()] if legend else [],
        "xlim": [float(v) for v in ax.get_xlim()], "ylim": [float(v) for v in ax.get_ylim()],
    }  # fmt: skip
