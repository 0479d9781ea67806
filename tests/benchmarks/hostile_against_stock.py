"""The hostile corpus through stock `nbgrader autograde` and through ours: ``python -m tests.benchmarks.hostile_against_stock``.

Stock nbgrader runs the code of a submission as whoever grades. Here each case meets it in a container of its own: no
network, another uid, a throw-away copy of the course as the only thing that can be written, bounds on time, memory,
processes and file sizes. Without these bounds some cases would take the machine with them.

The stock course asks the same exercises and has the same checks as hidden tests in its grade cells, as nbgrader means it.
A classmate with a perfect submission was graded before the case, and another one is graded after it, in the same run.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from graders.commands.cli import main as graders
from graders.grading.grade import answered
from graders.lab.manifest import Course
from graders.lab.percent import convert, solutions
from graders.publish.release import build, copy_course
from graders.sandbox.containment import Bind, bubblewrap
from graders.sandbox.users import FREE
from tests.graders.hostile import Case, blind, corpus, hand_in_case, slug

HERE = Path(__file__).resolve().parent
MINI = HERE.parent / "graders" / "course"
BEFORE, CASE, AFTER = "a-classmate", "m-case", "z-classmate"
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "mini"
c.Execute.timeout = 15
"""
HIDDEN = {
    "grade-1-1": """
for x in np.random.default_rng(1).standard_normal(3):
    np.testing.assert_allclose(double(x), 2 * x)
x = np.random.default_rng(2).standard_normal((2, 3))
np.testing.assert_allclose(double(x), 2 * x)
""",
    "grade-1-2": """
np.testing.assert_allclose(twice(lambda v: v + 1.5, 1.0), 4.0)
calls = []
twice(lambda v: calls.append(v) or v, 1.0)
assert len(calls) == 2
""",
    "grade-1-3": """
x = np.linspace(0, 1, 5)
_, ax = plt.subplots()
plot_parabola(ax, x)
assert len(ax.lines) == 1
np.testing.assert_allclose(ax.lines[0].get_ydata(), x**2)
plt.close("all")
""",
    "grade-1-4": "np.testing.assert_allclose(Doubler(factor=3.0).run(2.0), 6.0)\n",
}
POINTS = {"grade-1-1": 3.0, "grade-1-2": 3.0, "grade-1-3": 2.0, "grade-1-4": 2.0}
LIMITS = ["prlimit", f"--as={6 * 2**30}", "--nproc=200", f"--fsize={300 * 2**20}", "--core=0", "--cpu=120"]
ROOM = 256 * 2**20
WALL = 100

GRADE = """
import json, os, subprocess, sys, time
done = subprocess.run([sys.executable, "-m", "nbgrader", "autograde", "mini"],
                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
time.sleep(2)
left = [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid())]
print(json.dumps({"status": done.returncode, "left": len(left)}))
"""
LOOK = """
import json, pathlib, sqlite3
db = sqlite3.connect("file:gradebook.db?mode=ro", uri=True)
rows = db.execute('''SELECT student.id, base_cell.name, grade.auto_score, grade.manual_score
    FROM grade JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
    JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
    JOIN student ON submitted_assignment.student_id = student.id
    JOIN base_cell ON grade.cell_id = base_cell.id''').fetchall()
found = [path.parts[1] for path in pathlib.Path("autograded").glob("*/mini/*.ipynb")
         if "FOUND ['" in path.read_text(errors="replace")]
print(json.dumps({"rows": rows, "found": found}))
"""


def contained(course: Path, code: str) -> dict | None:
    """Run Python code in a container that sees the libraries and this copy of the course; None if it had to be ended."""
    python_home = str(Path(sys.executable).parent)
    env = {"PATH": f"{python_home}:/usr/bin:/bin", "HOME": "/tmp/home", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
    inner = [*LIMITS, sys.executable, "-c", code]
    command = bubblewrap(inner, [Bind(course, "/srv/course", writable=True)], env, chdir="/srv/course", room=ROOM, uid=FREE[0])
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            ["nice", *command.argv], env=command.env, cwd="/", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(WALL)
        except subprocess.TimeoutExpired:
            process.kill()  # bubblewrap's --die-with-parent ends all that is inside
            process.wait()
            return None
        out.seek(0)
        lines = out.read(2**20).decode("utf-8", "replace").splitlines()
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def own(folder: Path) -> None:
    """Give the copy to the container's user."""
    if os.geteuid() == 0:
        uid = FREE[0]
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)


def digests(course: Path) -> dict[str, str]:
    """What a submission has no business to change."""
    files = [
        course / "nbgrader_config.py",
        *(p for d in ("source", "release", "submitted") for p in (course / d).rglob("*")),
    ]
    return {
        str(p.relative_to(course)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
        if p.is_file() and not p.is_symlink()
    }


def stock_course(root: Path):
    """Make the stock course with one graded classmate; return its `submit`."""
    course = Course.load(MINI)
    notebook = convert(course, course.notebooks[0])  # with the grade cells
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in HIDDEN:
            cell.source = f"### BEGIN HIDDEN TESTS\n{HIDDEN[name].strip()}\n### END HIDDEN TESTS"
    (root / "source" / "mini").mkdir(parents=True)
    nbformat.write(notebook, root / "source" / "mini" / "mini-1.ipynb")
    (root / "nbgrader_config.py").write_text(CONFIG)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "mini", "--log-level=ERROR"]
    subprocess.run(command, cwd=root, check=True)
    released = nbformat.read(root / "release" / "mini" / "mini-1.ipynb", as_version=4)
    key = {
        cell.metadata.nbgrader["grade_id"]: re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", cell.source)
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }

    def submit(**cells):
        changed = {**key, **{name.replace("_", "-"): source for name, source in cells.items()}}
        made = copy.deepcopy(released)
        for cell in made.cells:
            cell.source = changed.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source).strip("\n")
        return made

    return submit


def stock(template: Path, case: Case, workspace: Path) -> list[str]:
    """Grade one case with stock nbgrader; return what went wrong."""
    home = Path(tempfile.mkdtemp(dir=workspace))
    home.chmod(0o755)
    course = home / "course"
    shutil.copytree(template, course, symlinks=True)
    hand_in_case(course, CASE, case)
    before = digests(course)
    own(course)
    try:
        ran, seen = contained(course, GRADE), contained(course, LOOK) or {}
        harms = judge(case, CASE, seen)
        if ran is None:
            harms.append("hangs")
        elif ran.get("left"):
            harms.append("leaves processes running")
        if digests(course) != before:
            harms.append("files of the course changed")
    finally:
        shutil.rmtree(home)
    return harms


def ours(root: Path, wanted: list[str]) -> dict[str, list[str]]:
    """Grade all cases, and the two classmates, with `graders grade`; return what went wrong with each."""
    course = copy_course(Course.load(MINI), root)
    build(course)
    spec, key = course.notebooks[0], solutions(course, course.notebooks[0])

    def submit(**cells):
        return answered(course, spec, {**key, **{name.replace("_", "-"): source for name, source in cells.items()}})

    cases = chosen(submit, wanted)
    classmate = Case({"mini-1.ipynb": nbformat.writes(submit()).encode()}, 3, "ok", honest=True)
    hand_in_case(root, BEFORE, classmate)
    graders(["grade", f"--course={course.root}", "--workers=2", "--cpu=1", "--wall=12"])
    for student, case in {AFTER: classmate, **{slug(name): case for name, case in cases.items()}}.items():
        hand_in_case(root, student, case)
    before = digests(root)
    graders(["grade", f"--course={course.root}", "--workers=2", "--cpu=1", "--wall=12"])
    look = subprocess.run([sys.executable, "-c", LOOK], cwd=root, check=True, capture_output=True)
    seen, changed = json.loads(look.stdout), digests(root) != before
    return {
        name: judge(case, slug(name), seen) + ["files of the course changed"] * changed for name, case in cases.items()
    }


def chosen(submit, wanted: list[str]) -> dict[str, Case]:
    """The cases whose name holds one of `wanted`; the blind ones begin with that word."""
    cases = corpus(submit) | {f"blind: {name}": case for name, case in blind(submit).items()}
    return {name: case for name, case in cases.items() if any(part in name for part in wanted)}


def judge(case: Case, student: str, seen: dict) -> list[str]:
    """What gradebook and autograded notebooks say went wrong."""
    scores: dict[str, dict[str, float | None]] = {}
    by_hand = False
    for who, cell, automatic, manual in seen.get("rows", []):
        scores.setdefault(who, {})[cell] = automatic
        by_hand |= manual is not None
    harms, mine = [], scores.get(student, {})
    points = {cell: mine.get(cell) for cell in POINTS}
    if not any(value is not None for value in points.values()):
        harms.append("no grade")
    elif not case.points and (points["grade-1-1"] or 0) > 0:
        harms.append("undeserved points")
    if case.honest and points != POINTS:
        harms.append("honest work loses points")
    if by_hand or any(scores.get(BEFORE, {}).get(cell) != value for cell, value in POINTS.items()):
        harms.append("grades of others changed")
    after = {cell: scores.get(AFTER, {}).get(cell) for cell in POINTS}
    if after != POINTS:
        harms.append("the next student is not graded" if set(after.values()) == {None} else "grades of others changed")
    if student in seen.get("found", []):
        harms.append("reads what it should not")
    return list(dict.fromkeys(harms))


def main() -> None:
    """Print one line a case and the totals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", help="only cases whose name holds this; may be given again")
    parser.add_argument("--jobs", type=int, default=1, help="containers at work at the same time (%(default)s)")
    options = parser.parse_args()
    wanted = options.case or [""]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        template = Path(folder) / "template"
        template.mkdir()
        submit = stock_course(template)
        cases = chosen(submit, wanted)
        for student in (BEFORE, AFTER):
            (template / "submitted" / student / "mini").mkdir(parents=True)
            nbformat.write(submit(), template / "submitted" / student / "mini" / "mini-1.ipynb")
        command = [sys.executable, "-m", "nbgrader", "autograde", "mini", "--student", BEFORE, "--log-level=ERROR"]
        subprocess.run(command, cwd=template, check=True)
        found = {"ours": ours(Path(folder) / "ours", wanted), "stock": {}}
        print(f"{'case':<42} {'stock nbgrader':<64} ours", flush=True)
        with ThreadPoolExecutor(options.jobs) as pool:
            for name, harms in zip(
                cases, pool.map(lambda case: stock(template, case, Path(folder)), cases.values()), strict=True
            ):
                found["stock"][name] = harms
                told = [", ".join(found[who][name]) or "–" for who in ("stock", "ours")]
                print(f"{name:<42} {told[0]:<64} {told[1]}", flush=True)
    for who in ("stock", "ours"):
        harms = sorted({harm for told in found[who].values() for harm in told})
        whole = sum(not told for told in found[who].values())
        print(f"\n{who}: {whole} of {len(cases)} cases without harm")
        for harm in harms:
            print(f"{sum(harm in told for told in found[who].values()):6}  {harm}")


if __name__ == "__main__":
    main()
