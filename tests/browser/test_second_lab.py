"""A lab beside the first has a site of its own: its notebook, its checks, its words."""

from __future__ import annotations

import zipfile

from graders.commands.cli import main
from graders.lab.manifest import Course
from graders.lab.places import OUR_COURSE
from graders.publish.release import copy_course


def test_a_scaffolded_lab_has_a_site(distribution, tmp_path, monkeypatch, one_secret):
    root = copy_course(Course.load(OUR_COURSE, "lab09"), tmp_path / "term").root
    monkeypatch.chdir(root)
    assert main(["new", "lab10"]) == 0
    monkeypatch.chdir(root / "source" / "lab10")
    assert main(["build"]) == 0
    for edition, packed in {"student": "sheaflab-", "self-study": "sheaflab_selfstudy-"}.items():
        site = tmp_path / edition
        assert main(["site", str(site), f"--edition={edition}", f"--pyodide={distribution}"]) == 0
        assert [path.name.partition(".")[0] for path in sorted((site / "files").glob("*.ipynb"))] == ["lab10-1", "play"]
        front = (site / "index.html").read_text()
        assert "A lab of your own" in front
        assert "What it is about" in front
        names = {
            name
            for wheel in (site / "static" / "pyodide").glob("sheaflab*.whl")
            for name in zipfile.ZipFile(wheel).namelist()
        }
        assert any(path.name.startswith(packed) for path in (site / "static" / "pyodide").iterdir())
        assert {"sheaflab/checks/lab10/catalogue.json", "sheaflab/checks/lab09/catalogue.json"} <= names
        assert [name for name in names if name.startswith("sheaflab/checks/lab10/lab10_1.py")]
