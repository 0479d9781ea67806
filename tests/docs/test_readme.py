"""Every Python block of the README and of the documentation runs and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import run

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "course" / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_and_print_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = page.read_text(encoding="utf-8").count("\n```python")
    assert run(page) == there


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "course" / "docs" / "start.md"], ids=lambda page: page.name
)
def test_there_is_something_to_run(page):
    assert "```python" in page.read_text(encoding="utf-8")


def test_what_the_readme_points_at_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    inside = [target for target in targets if not target.startswith(("http:", "https:", "mailto:"))]
    assert inside
    assert [target for target in inside if not (ROOT / target).exists()] == []


def test_the_citation_file_names_paper_and_book():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert "2603.14831" in text
    assert "Neural Sheaves" in text
    assert "cff-version: 1.2.0" in text
