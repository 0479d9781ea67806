"""The numbers at the ticks of an axis: each is that of its place."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sheaflab.arrays import FloatArray

_NEAR = 0.05
"""A number is that of its place up to this part of the way to the next tick, or of itself if the axis is not linear."""
_LEAST = 0.002
"""Ticks may lie closer than this part of the axis; nobody reads it more exactly."""
TEXT_CONTRAST, TEXT_SIZE = 0.15, 4.0
"""A text that is read differs from the paper by more than this part of red, green or blue, and has so many points."""


def labelled(axis: Any) -> list[tuple[float, str, Any]]:
    """Return the ticks that an axis shows a text at: place, text and formatter, major ones and minor ones."""
    from matplotlib.ticker import NullFormatter

    if not (axis.get_visible() and axis.axes.axison):
        return []
    (low, high), found = sorted(axis.get_view_interval()), list[tuple[float, str, Any]]()
    for ticker, ticks_of, places_of in (
        (axis.major, axis.get_major_ticks, axis.get_majorticklocs),
        (axis.minor, axis.get_minor_ticks, axis.get_minorticklocs),
    ):
        (tick, *_) = ticks_of(1)
        if isinstance(ticker.formatter, NullFormatter) or not (tick.label1.get_visible() or tick.label2.get_visible()):
            continue
        ticks = [float(v) for v in places_of()]
        texts = zip(ticks, _texts(ticker.formatter, ticks), strict=False)
        found += [(v, text, ticker.formatter) for v, text in texts if low <= v <= high and text.strip()]
    return found


def unread(axis: Any) -> list[str]:
    """Tell if an axis shows no number, or numbers that cannot be told from the paper or are too small to read.

    A logarithmic axis may have none between its powers: that lies in what is drawn.
    """
    written = any(_is_read(axis, kind) for kind in ("major", "minor"))
    some = written and (axis.get_scale() != "linear" or labelled(axis))
    return [] if some else [f"no number that can be read at {axis.axis_name}"]


def _is_read(axis: Any, kind: str) -> bool:
    from matplotlib.colors import to_rgba
    from matplotlib.ticker import NullFormatter

    (tick,) = axis.get_major_ticks(1) if kind == "major" else axis.get_minor_ticks(1)
    text = tick.label1 if tick.label1.get_visible() else tick.label2
    *color, opacity = to_rgba(text.get_color(), text.get_alpha())
    far = float(np.abs(np.subtract(color, to_rgba(axis.axes.figure.get_facecolor())[:3])).max())
    off = isinstance(getattr(axis, kind).formatter, NullFormatter) or not text.get_visible()
    return not off and opacity * far > TEXT_CONTRAST and text.get_fontsize() >= TEXT_SIZE


def misread(axis: Any) -> list[str]:
    """Return the texts at ticks of an axis that say another number than that of the tick.

    Behind a number there may be a unit of the axis, which leaves it as it is; `EngFormatter` alone writes prefixes.
    """
    shown, name = labelled(axis), str(axis.label.get_text()).lower()
    if (offset := axis.get_major_formatter().get_offset()) and any(axis.get_major_formatter() is f for *_, f in shown):
        return [] if _is_shown(axis) else [f"numbers to which {offset} belongs, which is not shown"]
    said = [plain(text, kind) for _, text, kind in shown]
    ticks = list(zip(shown, said, strict=True))
    foreign = [f"{text!r} at {place:g}" for (place, text, _), bare in ticks if _is_foreign(bare, name)]
    if foreign:
        return foreign
    read = [(place, found) for (place, *_), bare in ticks if (found := number_at(bare, name)) is not None]
    places, numbers = np.array(read, dtype=np.float64).reshape(-1, 2).T
    allowed = _NEAR * (_gap(axis, places) if axis.get_scale() == "linear" else np.abs(places))
    wrong = np.abs(numbers - places) > allowed
    return [f"{number:g} at {place:g}" for number, place, bad in zip(numbers, places, wrong, strict=True) if bad]


def _gap(axis: Any, places: FloatArray) -> float:
    """The least way from one tick to the next."""
    whole = float(np.ptp(axis.get_view_interval()))
    return max(float(np.diff(np.unique(places)).min(initial=whole)), _LEAST * whole)


def _is_shown(axis: Any) -> bool:
    text = axis.get_offset_text()
    return bool(axis.get_visible() and text.get_visible() and text.get_alpha() != 0 and text.get_fontsize() > 1)


_VALUE = r"[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?|[-+]?\.\d+"
_WRITTEN = re.compile(
    rf"(?P<before>[^\W\d]+ ?(?P<equals>=)? ?)?(?P<front>{_VALUE})?"
    r"(?P<power>x?(?:(?P<base>10|2|e)\^)(?P<exponent>[-+]?\d+(?:\.\d+)?))?"
    r"(?:/(?P<over>\d+))? ?(?P<unit>[^\W\d]+|%)?\.?"
)
_RANGE = re.compile(rf"(?:{_VALUE}) ?(?:[-–—…]|to|\.\.+) ?(?:{_VALUE})")
_UNITS = ("", "s", "sec", "second", "seconds", "sw", "switch", "switches", "run", "runs")
"""Words behind a number that leave it as it is, as those of the axis's name do."""


def plain(text: str, formatter: Any) -> str:
    """Return a text without what mathematics is set by, and without the prefix and unit of an `EngFormatter`."""
    from matplotlib.ticker import EngFormatter

    if isinstance(formatter, EngFormatter):
        for power, prefix in formatter.ENG_PREFIXES.items():
            end = formatter.sep + prefix + formatter.unit
            if prefix and text.rstrip().endswith(end.strip()):
                text = f"{text.rstrip()[: -len(end.strip())].strip()}e{power}"
                break
        else:
            text = text.removesuffix(formatter.unit)
    text = re.sub(r"\\(mathdefault|mathregular|mathrm|text)|[${}]", "", text.replace("−", "-"))
    text = re.sub(r" *(?:\\times|\\cdot|[·×*]) *(?=10\^)", "x", text.lower())
    return " ".join(re.sub(r"\\[,;:! ]|~", " ", text).split())


def _is_foreign(text: str, name: str) -> bool:
    """Tell whether a text has more than one number, or a word at its number that is no word of the axis's name."""
    match = _WRITTEN.fullmatch(text)
    if match is None or not (match["front"] or match["base"]):
        return _RANGE.fullmatch(text) is not None
    if match["before"] and not match["equals"]:
        return True
    unit = match["unit"] or ""
    if unit == "%":  # of a second axis
        return re.search("%|cent|share", name) is None
    return unit not in _UNITS and re.search(rf"\b{unit}" + (r"\b" if len(unit) == 1 else ""), name) is None


def number_at(text: str, name: str = "") -> float | None:
    """Return the number that a text at a tick is; None if it is none, or one of a symbol that the name explains."""
    match = _WRITTEN.fullmatch(text)
    if match is None or not (match["front"] or match["base"]) or match["unit"] == "%":
        return None
    if match["unit"] and re.search(rf"\b{match['unit']}\W*[:=]", name):
        return None
    if match["base"] and bool(match["front"]) != match["power"].startswith("x"):
        return None
    value = float(match["front"] or 1.0) / float(match["over"] or 1.0)
    base = np.e if match["base"] == "e" else float(match["base"] or 1.0)
    return float(value * base ** float(match["exponent"] or 0.0))


def _texts(formatter: Any, ticks: list[float]) -> list[str]:
    try:
        return [str(text) for text in formatter.format_ticks(ticks)]
    except Exception:  # of the student's own formatter: the ticks then have no numbers that can be read
        return []
