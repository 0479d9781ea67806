"""`graders grade` against stock `nbgrader autograde`, on the same whole submissions, in one run.

    python -m tests.benchmarks.grading_against_stock [--students 40] [--stock 10] [--notebook lab09-1 …] [--memory 500]

Stock nbgrader gets the same files and runs their cells; it has no hidden checks to run, which is in its favour. It is
slow, so it grades a sample (and every submission that costs it more than the others); its time for the class follows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from graders.classroom.pool import executor
from graders.gradebook.marker import MARKER
from graders.lab.manifest import Course
from graders.lab.places import OUR_COURSE
from graders.publish.release import build, copy_course
from tests.benchmarks.classes import ODD, hand_in, same_small

STOCK = """
from pathlib import Path
c = get_config()
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "sheaflab"
c.Execute.timeout = 60
"""


def seconds(command: list[str], folder: Path) -> float:
    """Run a command to its end; return its wall-clock seconds."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def ours(course: Course, workers: int, students: list[str]) -> float:
    """Grade these students with `graders grade`, in a copy of the course without grades."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(course.root, Path(folder) / "ours"))
        command = [sys.executable, "-m", "graders.commands.cli", "grade", f"--course={copy}", f"--workers={workers}"]
        found = seconds([*command, *(f"--student={name}" for name in students)], copy)
        graded = len(list((copy / "autograded").glob(f"*/*/{MARKER}")))
        if graded != len(students):
            raise RuntimeError(f"graders grade wrote {graded} of {len(students)} submissions")
        return found


def stock(course: Course, students: list[str]) -> float:
    """Grade these students with stock nbgrader, in a copy of the course with nobody else in it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(course.root, Path(folder) / "stock"))
        (copy / "nbgrader_config.py").write_text(STOCK)
        for path in (copy / "submitted").iterdir():
            if path.name not in students:
                shutil.rmtree(path)
        command = [sys.executable, "-m", "nbgrader", "autograde", course.assignment, "--log-level=ERROR"]
        return seconds(command, copy)


def race(root: Path, options: argparse.Namespace) -> None:
    """Grade one class both ways and print throughputs, their ratio and the cost of one more student."""
    course = copy_course(Course.load(OUR_COURSE, "lab09"), root / "course", options.notebook)
    build(course)
    _ = course.secret
    with executor(options.workers, None) as pool:
        quality = hand_in(course, options.students, pool)
    names = list(quality)
    told = ", ".join(f"{count} {what}" for what, count in Counter(quality.values()).most_common())
    print(f"{len(names)} submissions of {len(course.ready)} notebooks: {told}", flush=True)
    odd = [name for name in names if quality[name] in ODD]
    usual = [name for name in names if name not in odd]
    sample = usual[:: max(1, len(usual) // max(1, options.stock))][: options.stock]
    half = ours(course, options.workers, names[: len(names) // 2])
    whole = ours(course, options.workers, names)
    each = stock(course, sample)
    rest = stock(course, odd) if odd else 0.0
    theirs = each * len(usual) / len(sample) + rest
    graded = len(sample) + len(odd)
    note = f"{graded} graded in {each + rest:.0f} s, scaled to {len(names)}" if graded < len(names) else "all graded"
    print(f"{'':<28}{'seconds':>9}{'a submission':>14}{'a minute':>10}")
    for name, wall, told in (
        (f"graders grade, {options.workers} workers", whole, ""),
        ("nbgrader autograde", theirs, note),
    ):
        print(f"{name:<28}{wall:>9.1f}{wall / len(names):>14.2f}{60 * len(names) / wall:>10.1f}  {told}")
    print(
        f"ratio of throughputs: {theirs / whole:.1f}; without the odd ones, stock takes {each / len(sample):.1f} s each"
    )
    more = (whole - half) / (len(names) - len(names) // 2)
    print(f"one more student: {more:.2f} s ({half:.1f} s for {len(names) // 2}, {whole:.1f} s for {len(names)})")


def memory(root: Path, count: int, workers: int) -> None:
    """Grade `count` small submissions and print the largest resident memory of our processes as it goes."""
    course = copy_course(Course.load(OUR_COURSE, "lab09"), root / "memory", [Course.load(OUR_COURSE, "lab09").ready[0].name])
    build(course)
    _ = course.secret
    same_small(course, count)
    command = [sys.executable, "-m", "graders.commands.cli", "grade", f"--course={course.root}", f"--workers={workers}"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=course.root, stdout=quiet, stderr=quiet)
    ended = threading.Event()
    threading.Thread(target=lambda: (process.wait(), ended.set()), daemon=True).start()
    print(f"{'graded':>7}{'main process MB':>17}{'largest worker MB':>19}")
    peak, marks = (0.0, 0.0), [k * count // 10 for k in range(1, 11)]
    while marks:
        over = ended.wait(0.5)
        peak = max(peak[0], resident(process.pid)), max(peak[1], *(resident(pid) for pid in children(process.pid)), 0.0)
        graded = len(list((course.root / "autograded").glob(f"*/*/{MARKER}")))
        while marks and graded >= marks[0]:
            print(f"{marks.pop(0):>7}{peak[0]:>17.0f}{peak[1]:>19.0f}", flush=True)
            peak = (0.0, 0.0)
        if over:
            break
    if marks:
        raise RuntimeError(f"graders grade ended early, before {marks[0]} submissions were graded")


def resident(pid: int) -> float:
    """Resident megabytes of a process, 0 if it is gone."""
    with contextlib.suppress(OSError):
        for text in Path(f"/proc/{pid}/status").read_text().split("\n"):
            if text.startswith("VmRSS:"):
                return int(text.split()[1]) / 1024
    return 0.0


def children(pid: int) -> list[int]:
    """Processes below one that are Python of ours: the pool's, not the sandboxes'."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        started = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))  # by any thread
        for child in map(int, started.split()):
            if b"multiprocessing" in Path(f"/proc/{child}/cmdline").read_bytes():
                found += [child, *children(child)]
    return found


def main() -> None:
    """Race, then memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=40)
    parser.add_argument("--stock", type=int, default=10, help="so many for stock nbgrader (%(default)s)")
    parser.add_argument("--notebook", action="append", default=[])
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--memory", type=int, default=500, help="small submissions; 0 for none (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.students:
            race(Path(folder), options)
        if options.memory:
            memory(Path(folder), options.memory, options.workers)


if __name__ == "__main__":
    main()
