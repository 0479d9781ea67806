"""What one submission can take at most: ``python -m tests.benchmarks.worst_submissions``.

Each of the worst is graded by `graders grade` with a course's own limits, an honest one beside it. Looked at from
outside, ten times a second: the memory of the whole process tree, what is shared counted once; and the time until all is
written. `--case` picks some; "sleeps" takes a quarter of an hour, for it is what uses up a submission's time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from graders.gradebook import nbgrader_api
from graders.gradebook.writing import read_result
from graders.grading.grade import answered
from graders.lab.manifest import Course
from graders.lab.percent import solutions
from graders.publish.release import build, copy_course
from graders.sandbox.tree import descendants, load, memory
from tests.graders.hostile import CODE, NOTEBOOKS

COURSE = Path(__file__).parents[1] / "graders" / "course"
HOLD = """
import mmap, os, time
def hold(make, count):
    for _ in range(count):
        if os.fork() == 0:
            make()
            time.sleep(600)
    time.sleep(600)
def private():
    global held
    held = bytearray(2 * 2**30)
    for k in range(0, len(held), 4096):
        held[k] = 1
def shared():
    global held
    held = mmap.mmap(-1, 2 * 2**30)
    for k in range(0, len(held), 4096):
        held[k] = 1
"""
LIKE_HONEST = "honest"
CASES = {
    LIKE_HONEST: "def double(x):\n    return 2 * x",
    "eight processes of 2 GB": HOLD + "def double(x):\n    hold(private, 8)",
    "2 GB shared, eight times": HOLD + "def double(x):\n    hold(shared, 8)",
    "a list that grows": "def double(x):\n    held = []\n    while True:\n        held.append(' ' * 2**24)",
    "computes in all processes": "import os\ndef double(x):\n    for _ in range(16):\n        os.fork()\n    while True:\n        pass",
    "sleeps": "import time\ndef double(x):\n    time.sleep(600)\n",
}
FROM_CORPUS = (
    "30 GB", "fills /dev/shm", "fills /tmp", "a quarter of a billion truth values", "keys of one hash", "a long text among short ones",
    "an empty array of endless lengths", "imports a name of forty thousand parts", "shows more than a page holds", "60 MB image",
    "sixty cells that show four megabytes", "dense code, names lost", "millions of empty lists", "100 MB notebook", "fork bomb",
)  # fmt: skip
AGAIN = "\nfor _ in range(600):\n    time.sleep(1)\n"
"""In the cells of the other exercises: "sleeps" lets every cell and every call wait as long as it may."""


def course_with(case, folder):
    """A course in which eve has handed in a case, and zoe honest work."""
    course = copy_course(Course.load(COURSE), folder / "course")
    build(course)
    spec = course.notebooks[0]
    key = solutions(course, spec)

    def submit(**cells):
        return answered(course, spec, {**key, **{name.replace("_", "-"): source for name, source in cells.items()}})

    if case in CASES:
        more = {}
        if case == "sleeps":
            more = {e.solution_cell.replace("-", "_"): "import time" + AGAIN for e in spec.exercises[1:]}
        work = submit(ex_1_1=CASES[case], **more)
    elif case in CODE:
        work = submit(ex_1_1=CODE[case][0])
    else:
        work = NOTEBOOKS[case](submit)
    for student, made in (("eve", work), ("zoe", submit())):
        place = course.root / "submitted" / student / course.assignment
        place.mkdir(parents=True)
        raw = made if isinstance(made, bytes) else nbformat.writes(made).encode()
        (place / f"{spec.name}.ipynb").write_bytes(raw)
    return course


def watched(argv):
    """Run a command; return its exit status, its seconds and the most bytes of its whole tree."""
    start, most = time.monotonic(), 0
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        below = descendants(process.pid)
        if (own := load(process.pid)) is not None:
            most = max(most, memory({**below, process.pid: own}))
        time.sleep(0.1)
    return process.returncode, time.monotonic() - start, most


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", choices=[*CASES, *FROM_CORPUS])
    options = parser.parse_args()
    print("| submission | status | seconds, with an honest one beside it | MiB, whole process tree |")
    print("|---|---|---:|---:|")
    for case in options.case or [*CASES, *FROM_CORPUS]:
        with tempfile.TemporaryDirectory(prefix="worst-") as folder:
            course = course_with(case, Path(folder))
            code, seconds, most = watched(
                [sys.executable, "-m", "graders.commands.cli", "grade", f"--course={course.root}", "--workers=1"]
            )
            told = read_result(course.root / "autograded" / "eve" / "mini" / "mini-1.ipynb")
            ends = told["exercises"][0]["status"].lower() if told else "none"
            with nbgrader_api.quiet(), nbgrader_api.gradebook(course.root) as book:
                beside = book.find_submission("mini", "zoe").score
            note = "" if (code, beside) == (0, 10) else f" (exit status {code}, the honest one has {beside:g})"
            print(f"| {case} | {ends.replace('_', ' ')}{note} | {seconds:.1f} | {most / 2**20:.0f} |", flush=True)


if __name__ == "__main__":
    main()
