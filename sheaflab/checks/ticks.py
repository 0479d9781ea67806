"""The numbers at the ticks of an axis: whether each is that of its place."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sheaflab.arrays import FloatArray


def misread(axis: Any) -> list[str]:
    """Return what stands at ticks of an axis where it is a number, and not that of the tick within its last digit."""
    low, high = sorted(axis.get_view_interval())
    ticks = [float(v) for v in axis.get_majorticklocs() if low <= v <= high]
    formatter = axis.get_major_formatter()
    texts = _texts(formatter, ticks)
    name = str(axis.label.get_text())
    if offset := formatter.get_offset():  # a factor or a shift stands at the end of the axis, or in its name
        told = _is_shown(axis) or re.search(r"10|\be[-+]?\d|thousand|tausend|million|[×·]", name)
        return [] if told else [f"numbers to which {offset} belongs, which is not shown"]
    read = [(place, found) for place, text in zip(ticks, texts, strict=False) if (found := number_at(text))]
    numbers, digits = np.array([found for _, found in read]).reshape(-1, 2).T
    places = np.array([place for place, _ in read])

    def off(values: FloatArray, of_log: bool = False) -> Any:  # half a digit has been rounded; no small number is 0
        allowed = np.where((numbers == 0) & of_log, 0.0, 0.55 * digits)
        return np.abs(numbers - values) > np.maximum(allowed, 0.05 * np.abs(values))

    wrong = off(places, axis.get_scale() == "log")
    if axis.get_scale() == "log" and not off(np.log10(places)).any() and re.search("log|10|exponent", name, re.I):
        return []
    unit = re.search(r"[\d%\[(/]|\bin \w+|thousand|hundred|tausend|milli|micro|kilo", name, re.I)
    if unit and len(places) > 1 and any(not off(places * 10.0**k).any() for k in (-9, -6, -3, -2, 3, 6, 9, 2)):
        return []  # the name says of another one
    return [f"{number:g} at {place:g}" for number, place, bad in zip(numbers, places, wrong, strict=True) if bad]


def _is_shown(axis: Any) -> bool:
    text = axis.get_offset_text()
    return bool(axis.get_visible() and text.get_visible() and text.get_alpha() != 0 and text.get_fontsize() > 1)


_WRITTEN = re.compile(
    r"(?P<front>[-+]?\d+(?:\.(?P<digits>\d*))?)?(?:(?:e|(?P<ten>x?10\^))(?P<power>[-+]?\d+(?:\.\d+)?))?(?P<unit>%|s|sec|seconds|sw|switch|switches|runs?)?\.?"
)
"""A number, and a unit that leaves it as it is; others may be of another size, such as mJ."""


def number_at(text: str) -> tuple[float, float] | None:
    """Return the number that a text at a tick is, and how far its last digit reaches; None if it is none."""
    plain = re.sub(r"\\(mathdefault|mathregular|mathrm|text|,|;|!)|[\s${}]", "", text.replace("−", "-"))
    plain = re.sub(r"\\(times|cdot)|[·×*](?=10\^)", "x", plain.lower())
    match = _WRITTEN.fullmatch(plain)
    if match is None or not (match["front"] or match["ten"]):
        return None
    if match["ten"] and bool(match["front"]) != match["ten"].startswith("x"):
        return None
    scale = 10.0 ** float(match["power"] or 0) * (0.01 if match["unit"] == "%" else 1.0)
    if not match["front"]:  # a power of ten, as exact as its exponent
        return scale, scale if "." in match["power"] else 0.0
    return float(match["front"]) * scale, 10.0 ** -len(match["digits"] or "") * scale


def _texts(formatter: Any, ticks: list[float]) -> list[str]:
    try:
        return [str(text) for text in formatter.format_ticks(ticks)]
    except Exception:  # of the student's own formatter: the ticks then have no numbers that can be read
        return []
