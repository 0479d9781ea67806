"""A term's commands on a whole class: how long each takes, and the most memory that its main process holds.

    python -m tests.benchmarks.term [--students 300] [--notebook lab09-1 …] [--workers 2]

Grades, lists near-identical solutions, reports, changes a check, regrades. What is graded in workers has memory of its own,
in the page about the class.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from graders.classroom.pool import executor
from graders.lab.manifest import Course
from graders.lab.places import OUR_COURSE
from graders.publish.release import build, copy_course
from tests.benchmarks.classes import hand_in


def run(course: Course, name: str, *arguments: str) -> None:
    """Run one command to its end and print what it took."""
    command = [sys.executable, "-m", "graders.commands.cli", name, f"--course={course.root}", *arguments]
    start = time.perf_counter()
    with open(os.devnull, "w") as nothing:
        process = os.posix_spawn(
            sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1)]
        )
    _, status, used = os.wait4(process, 0)
    minutes, seconds = divmod(time.perf_counter() - start, 60)
    code = os.waitstatus_to_exitcode(status)
    print(f"{name:10} {minutes:3.0f} min {seconds:4.1f} s  {used.ru_maxrss / 1024:6.0f} MiB  status {code}", flush=True)


def main() -> None:
    """Write a class, then go through the term."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--notebook", action="append", help="only this one; may be given again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        course = copy_course(Course.load(OUR_COURSE, "lab09"), Path(folder) / "course", options.notebook or ())
        build(course)
        with executor(options.workers, None) as pool:
            hand_in(course, options.students, pool)
        print(f"{options.students} submissions of {len(course.ready)} notebooks, {options.workers} workers", flush=True)
        workers = f"--workers={options.workers}"
        run(course, "grade", workers)
        run(course, "grade", workers)
        run(course, "similar")
        run(course, "report", f"--out={folder}/report")
        checks = course.checks_of(course.ready[0])
        checks.write_text(checks.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        run(course, "regrade", workers)


if __name__ == "__main__":
    main()
