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


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "course/README.md"])
def test_what_a_page_points_at_exists(name):
    page = ROOT / name
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    inside = [target for target in targets if not target.startswith(("http:", "https:", "mailto:"))]
    assert inside
    assert [target for target in inside if not (page.parent / target).exists()] == []


def test_the_files_that_contributing_names_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:sheaflab|graders|tests|course)/[^`<\s]+\.\w+)`", text))
    assert len(named) > 5
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_the_citation_file_names_paper_and_book():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert "2603.14831" in text
    assert "Neural Sheaves" in text
    assert "cff-version: 1.2.0" in text
