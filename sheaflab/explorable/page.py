"""Puts the page together: markup, scripts and numbers in one file that loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sheaflab.demo import setting
from sheaflab.sheaf import Sheaf

HERE = Path(__file__).parent
SCRIPTS = ("engine", "drawing", "plane", "panels", "questions", "page")
HIDDEN = (2, 4, 8)
"""Hidden neurons of the networks that a reader can choose."""
SEEDS = 12
"""Networks, and directions of the start, for each of them."""


def page() -> str:
    """Return the page as the text of one HTML file.

    Its networks and starts are those of :func:`sheaflab.demo.setting`, by the same seeds.
    """
    return filled(_numbers(), {})


def filled(numbers: Mapping[int, Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """Return the page with given networks and starts.

    Parameters
    ----------
    numbers : mapping
        By the number of hidden neurons: `sheaves`, as :func:`sheaf_numbers` gives them, and `directions` of starts.
    settings : mapping
        What the page begins with, by the names in ``page.js``; what is missing is as it is there.
    """
    text = (HERE / "page.html").read_text(encoding="utf-8")
    scripts = {name: (HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS}
    data = {"numbers": json.dumps(numbers), "settings": json.dumps(settings)}
    for name, content in {**data, **scripts}.items():
        text = text.replace(f"/* {name} */", content)
    return text


def _numbers() -> dict[int, dict[str, list[Any]]]:
    """By the number of hidden neurons: what the flow of each network depends on, and directions of starts."""
    return {
        hidden: {
            "sheaves": [sheaf_numbers(setting((2, hidden, 1), seed)[0]) for seed in range(SEEDS)],
            "directions": [setting((2, hidden, 1), 0, seed, 1.0)[1].tolist() for seed in range(SEEDS)],
        }
        for hidden in HIDDEN
    }


def sheaf_numbers(sheaf: Sheaf) -> dict[str, Any]:
    """Return a sheaf of one hidden layer and one output as the page's engine takes it."""
    given = sheaf.boundary_term.tolist()
    return {"a": given[:-1], "w": sheaf.net.weights[1][0].tolist(), "b": given[-1]}
