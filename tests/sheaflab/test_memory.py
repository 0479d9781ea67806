"""What is remembered of a reader's folder, with several processes that change it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sheaflab.study import memory
from sheaflab.study.memory import Memory

ROOT = Path(__file__).resolve().parents[2]
COUNT = """
import sys
from pathlib import Path
from sheaflab.study.memory import Memory
for _ in range(100):
    with Memory(Path(sys.argv[1]), kept=True).change() as state:
        state["hints"][sys.argv[2]] = state["hints"].get(sys.argv[2], 0) + 1
        state["hints"]["all"] = state["hints"].get("all", 0) + 1
"""


def test_what_several_processes_change_at_once_is_all_kept(tmp_path):
    running = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path), str(k)], cwd=ROOT) for k in range(4)]
    assert [process.wait(120) for process in running] == [0] * 4
    assert Memory(tmp_path, kept=True).state["hints"] == {"all": 400, "0": 100, "1": 100, "2": 100, "3": 100}
    assert [path.name for path in tmp_path.iterdir()] == [memory.STATE]


def test_a_lock_whose_process_was_killed_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PATIENCE", 0.05)
    (tmp_path / memory.STATE).with_suffix(".lock").touch()
    with Memory(tmp_path, kept=True).change() as state:
        state["hints"]["1.1"] = 1
    assert Memory(tmp_path, kept=True).state["hints"] == {"1.1": 1}
    assert [path.name for path in tmp_path.iterdir()] == [memory.STATE]


def test_what_was_not_changed_or_is_not_kept_is_not_written(tmp_path):
    with Memory(tmp_path, kept=True).change():
        pass
    with Memory(tmp_path, kept=False).change() as state:
        state["hints"]["1.1"] = 1
    with pytest.raises(RuntimeError), Memory(tmp_path, kept=True).change() as state:
        raise RuntimeError(state["hints"].update({"1.1": 1}))
    assert list(tmp_path.iterdir()) == []
