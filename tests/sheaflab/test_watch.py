"""`sheaflab watch` as a process of its own, while notebooks are saved beside it; `sheaflab next`."""

from __future__ import annotations

import json
import os
import pty
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sheaflab.study.catalogue import StudyError, catalogue
from sheaflab.study.memory import STATE
from sheaflab.study.watch import Watch
from sheaflab.study.workspace import Workspace
from tests.draws import on_path
from tests.sheaflab.test_study import RIGHT, WRONG, folder, say, shown, write
from tests.without_posix import COMMANDS, without_posix

__all__ = ["folder", "say"]  # fixtures

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds until a test gives up; nothing is measured
COBOUNDARY = "def restricted_coboundary(w2, pattern):\n    k, h = w2.shape\n    d = np.eye(h + k)\n    d[h:, :h] = -w2 * pattern\n    return d\n"


class Watched:
    """A running `sheaflab watch` and what it has said."""

    def __init__(self, folder, *arguments, stdout=subprocess.PIPE):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sheaflab", "watch", *arguments],
            cwd=folder, env={**os.environ, "PYTHONPATH": on_path(ROOT), "TERM": "xterm"},
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test run in the background ignores it
        )  # fmt: skip
        self.said = queue.Queue()
        self.text = ""

    def listen(self, file):
        def read():
            try:
                while part := os.read(file, 65536):
                    self.said.put(part)
            except OSError:  # the other end of a terminal is gone
                pass

        self.reader = threading.Thread(target=read)
        self.reader.start()
        return self

    def until(self, words):
        """Return what was said up to these words."""
        while words not in self.text:
            self.text += self.said.get(timeout=PATIENCE).decode()
        before, _, self.text = self.text.partition(words)
        return before + words

    def end(self):
        """Stop it as the keyboard does; return status and what it said on stderr."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(PATIENCE)
        return status, self.process.stderr.read().decode()


    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        for pipe in filter(None, (self.process.stdout, self.process.stderr)):
            pipe.close()


@pytest.fixture
def watch(folder):
    running = []

    def start(*arguments):
        running.append(Watched(folder, *arguments))
        return running[-1].listen(running[-1].process.stdout.fileno())

    yield start
    for watched in running:
        watched.close()


END = "Ctrl+C ends.\n\n"


@pytest.mark.slow
def test_each_save_is_checked_and_what_is_solved_leads_to_the_next(folder, watch):
    watched = watch()
    said = watched.until(END)
    assert said.startswith("· 1.1 the activation pattern: nothing written yet")
    assert "\n\n0 of 25 exercises solved\nNext: 1.1 the activation pattern, about 3 minutes, in lab09-1.ipynb\n" in said
    write(folder / "lab09-1.ipynb", {"1.1": WRONG})
    said = watched.until(END)
    assert said.startswith("✗ 1.1 the activation pattern\n  not right yet\n    call:     activation_pattern(")
    assert "Stuck? `sheaflab hint 1.1`" in said
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    said = watched.until(END)
    assert said.startswith("✓ 1.1 the activation pattern\n")
    assert "\n\n1 of 25 exercises solved\nNext: 1.2 the restricted coboundary" in said
    assert "Stuck? `sheaflab hint 1.2`" in said
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT, "1.2": COBOUNDARY, "1.3": "x = 1\n"})  # two at once
    said = watched.until(END)
    assert "✓ 1.2" in said
    assert "✗ 1.3" in said
    assert "✓ 1.1" not in said  # as it was
    assert json.loads((folder / STATE).read_text(encoding="utf-8"))["solved"].keys() == {"1.1", "1.2"}
    assert [path.name for path in folder.iterdir() if path.suffix != ".ipynb"] == [STATE]
    assert watched.end() == (0, "")


def test_a_file_that_is_damaged_for_a_while_is_named_and_stops_nothing(folder, watch):
    watched = watch()
    watched.until(END)
    (folder / "lab09-1.ipynb").write_text("{", encoding="utf-8")
    assert "lab09-1.ipynb is empty, damaged or another notebook" in watched.until(END)
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    assert "✓ 1.1" in watched.until(END)
    assert watched.end() == (0, "")


def test_what_is_solved_or_hinted_elsewhere_is_kept(folder, watch, say):
    watched = watch()
    watched.until(END)
    say("hint", "1.1")
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT, "1.2": "x = 1\n"})
    say("hint", "1.1")
    watched.until(END)
    assert "hint 3 of 3" in say("hint", "1.1")[1]
    shown(folder / "lab09-1.ipynb", "1.2", output_type="stream", name="stdout", text="Exercise 1.2: the visible checks pass.")
    assert "Next: 1.3" in watched.until(END)  # saved with the check's output, the code as it was


def test_what_is_saved_while_a_screen_is_written_is_told_by_the_next(folder):
    course, told = catalogue(), []

    def check(task):
        raise StudyError("not checked here")

    def show(reports, trouble, current):
        told.append(current.id)
        if len(told) == 1:  # the check's output, the code as it was: the saved notebook alone says that it is solved
            shown(folder / "lab09-1.ipynb", "1.1", output_type="stream", name="stdout", text="Exercise 1.1: the visible checks pass.")
        else:
            raise KeyboardInterrupt

    limited = threading.Timer(PATIENCE, os.kill, (os.getpid(), signal.SIGINT))  # else nothing ends it
    limited.start()
    with pytest.raises(KeyboardInterrupt):
        Watch(course, Workspace(folder, course), check).run(show)
    limited.cancel()
    assert told == ["1.1", "1.2"]


def test_it_begins_where_it_is_told_to_and_speaks_json(folder, watch):
    watched = watch("1.3", "--json")
    assert json.loads(watched.until("\n"))["exercise"] == "1.3"
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    told = json.loads(watched.until("\n"))
    assert (told["exercise"], told["passed"]) == ("1.1", True)


def test_when_all_is_solved_it_ends(folder, watch):
    solved = {task.id: "2026-11-26 12:00" for task in catalogue().exercises}
    (folder / STATE).write_text(json.dumps({"solved": solved}), encoding="utf-8")
    watched = watch()
    assert "25 of 25 exercises solved\nAll done." in watched.until("deep networks.\n")
    assert watched.process.wait(PATIENCE) == 0


def test_a_terminal_is_cleared_before_each_screen(folder):
    ours, theirs = pty.openpty()
    watched = Watched(folder, stdout=theirs).listen(ours)
    os.close(theirs)
    try:
        assert watched.until("Ctrl+C ends.").startswith("\033[2J\033[3J\033[H")
        write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
        assert watched.until("Ctrl+C ends.").lstrip().startswith("\033[2J\033[3J\033[H\033[32m✓")
        assert watched.end() == (0, "")
    finally:
        watched.close()
        os.close(ours)


@pytest.mark.parametrize("platform", ["win32", "emscripten"])
def test_it_needs_nothing_that_only_posix_has(folder, platform):
    """As on Windows, and in a browser, where no thread starts either: what happens meanwhile is done while it sleeps."""
    right = folder / "right" / "lab09-1.ipynb"
    right.parent.mkdir()
    write(right, {"1.1": RIGHT})
    script = f"""
    import pathlib, threading, time
    sys.platform = {platform!r}
    def stop():
        raise KeyboardInterrupt
    def save():
        pathlib.Path("lab09-1.ipynb").write_bytes(pathlib.Path({str(right)!r}).read_bytes())
    meanwhile = iter([save, int, int, stop])
    time.sleep = lambda seconds: next(meanwhile)()
    if sys.platform == "emscripten":
        threading.Thread.start = None
    print(json.dumps(say("watch")))
    """
    status, out = without_posix(sys.executable, folder, COMMANDS + script, env={**os.environ, "PYTHONPATH": on_path(ROOT)})
    assert status == 0
    assert "✓ 1.1 the activation pattern\n" in out
    assert out.count("Ctrl+C ends.") == 2


def test_without_notebooks_it_says_where_they_come_from(folder, say):
    (folder / "lab09-1.ipynb").unlink()
    status, _, err = say("watch")
    assert status == 2
    assert "run the command in the folder with your notebooks" in err


def test_next(folder, say):
    write(folder / "lab09-1.ipynb", {"1.1": RIGHT})
    told = """\
0 of 25 exercises solved
Next: 1.1 the activation pattern, about 3 minutes, in lab09-1.ipynb
  write `activation_pattern` there, in the cell that raises NotImplementedError
  then `sheaflab check 1.1`; stuck: `sheaflab hint 1.1`
"""
    assert say("next") == (0, told, "")
    say("check", "1.1")
    assert "Next: 1.2" in say("next")[1]
    (folder / STATE).write_text('{"solved": {"1.2": "", "1.3": ""}}', encoding="utf-8")
    (folder / "lab09-1.ipynb").unlink()
    write(folder / "lab09-2.ipynb", {})
    assert json.loads(say("next", "--json")[1])["file"] == "lab09-1.ipynb"
    (folder / STATE).write_text('{"solved": {"1.1": "", "1.3": ""}}', encoding="utf-8")
    assert "it builds on" not in say("next")[1]
    (folder / STATE).write_text('{"solved": {"1.1": "", "1.2": ""}}', encoding="utf-8")
    assert json.loads(say("next", "--json")[1])["id"] == "1.3"
