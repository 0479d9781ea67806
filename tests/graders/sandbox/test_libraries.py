"""What a worker sees of this machine's libraries: the same modules, compiled once where there are several workers."""

from __future__ import annotations

import os
import tempfile
from importlib.util import cache_from_source
from pathlib import Path

from graders.grading.canary import best_isolation
from graders.sandbox.isolation import Limits
from graders.sandbox.libraries import with_bytecode
from graders.sandbox.notebook import Host, NotebookRun


def library(folder: Path) -> Path:
    source = folder / "library"
    (source / "part").mkdir(parents=True)
    (source / "part/one.py").write_text("x = 1\n")
    return source


def test_from_the_second_time_on_there_is_a_copy_with_bytecode(tmp_path):
    source = library(tmp_path)
    assert with_bytecode(source) == source
    copy = with_bytecode(source)
    assert copy != source
    assert copy == with_bytecode(source)
    assert (copy / "part/one.py").read_text() == "x = 1\n"
    assert Path(cache_from_source(str(copy / "part/one.py"))).is_file()
    assert not list(source.rglob("*.pyc"))


def test_a_changed_source_is_copied_anew(tmp_path):
    source = library(tmp_path)
    before = [with_bytecode(source) for _ in range(2)][1]
    (source / "part/one.py").write_text("x = 2\n")
    os.utime(source / "part/one.py", ns=(1, 1))
    assert (with_bytecode(source) / "part/one.py").read_text() == "x = 2\n"
    assert (before / "part/one.py").read_text() == "x = 1\n"  # a worker may still be at it


def test_without_room_for_a_copy_workers_see_the_source(tmp_path, monkeypatch):
    source = library(tmp_path)
    with_bytecode(source)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert with_bytecode(source) == source


def test_a_second_worker_does_not_compile_the_library_again():
    cell = "import os, sheaflab; print(os.path.exists(sheaflab.__cached__), sheaflab.__file__)"
    told = []
    for _ in range(2):
        with Host(Limits(), best_isolation()) as host, NotebookRun({0: cell}, host) as run:
            told.append(run.done[0].outputs[0]["text"].split())
    assert told[1][0] == "True"
    assert told[0][1] == told[1][1]
