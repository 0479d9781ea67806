"""The page for authors of checks names every field of a figure that a check sees."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from sheaflab.checks.figures import Bar, FigureData, Line, Points

PAGE = Path(__file__).resolve().parents[2] / "course" / "docs" / "extending.md"


@pytest.mark.parametrize("kind", [FigureData, Line, Bar, Points])
def test_each_field_is_named(kind):
    (_, section) = PAGE.read_text(encoding="utf-8").split("## What a check sees of a figure")
    assert [field.name for field in fields(kind) if f"`{field.name}`" not in section] == []
