"""Throughput of `graders grade` against stock `nbgrader autograde`, on the same submissions, in one run.

    python tests/benchmarks/grading_against_stock.py [--students 40] [--notebook lab09-1 …] [--workers 2]

Stock nbgrader gets the same notebooks and runs their cells; it has no hidden checks to run, which is in its favour.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from graders.build import build, copy_course, default_course
from graders.classroom import main_with
from graders.demo import hand_in, read_samples
from graders.manifest import Course

STOCK = """
from pathlib import Path
c = get_config()
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "sheaflab"
c.Execute.timeout = 60
"""
QUALITIES = ("key", "wrong", "stub", "key")


def main() -> None:
    """Build one class twice, grade it both ways, print submissions a minute and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=40)
    parser.add_argument("--notebook", action="append", default=[])
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours = copy_course(Course.load(default_course()), Path(folder) / "ours", options.notebook)
        build(ours)
        samples = read_samples(ours)
        hand_in(ours, {f"s{k:03d}": samples[QUALITIES[k % len(QUALITIES)]] for k in range(options.students)})
        shutil.copytree(ours.root, stock := Path(folder) / "stock")
        (stock / "nbgrader_config.py").write_text(STOCK)
        start = time.perf_counter()
        main_with(ours, workers=options.workers, cpu=20.0, wall=120.0)
        mine = time.perf_counter() - start
        start = time.perf_counter()
        command = [sys.executable, "-m", "nbgrader", "autograde", ours.assignment, "--log-level=ERROR"]
        subprocess.run(command, cwd=stock, check=False, stderr=subprocess.DEVNULL)
        theirs = time.perf_counter() - start
    count = options.students
    print(f"graders grade, {options.workers} workers: {mine:7.1f} s, {mine / count:6.2f} s a submission")
    print(f"nbgrader autograde, stock:  {theirs:7.1f} s, {theirs / count:6.2f} s a submission")
    print(f"ratio: {theirs / mine:.1f}")


if __name__ == "__main__":
    main()
