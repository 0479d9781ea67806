"""`graders demo`: the whole chain on four sample submissions, as for a class."""

from __future__ import annotations

import argparse
import shlex
import sys
import tomllib
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from tqdm import tqdm

from graders.classroom import standing
from graders.classroom.pool import executor, processes_beside
from graders.classroom.report_page import write_page
from graders.classroom.session import grade_class
from graders.commands.choice import add_course_arguments, chosen_course
from graders.gradebook import nbgrader_api
from graders.gradebook.settings import Settings
from graders.gradebook.writing import read_result
from graders.grading.canary import best_isolation
from graders.grading.grade import answered
from graders.lab.manifest import Course
from graders.lab.places import OUR_COURSE
from graders.lab.printing import counted
from graders.proof.posing import posing
from graders.publish.release import build, copy_course
from graders.sandbox.isolation import Isolation, Limits
from graders.sandbox.notebook import Host, NotebookRun
from graders.status import Status

SECONDS = 2.0
"""Computing time of one cell or call in the demo: its loop need not run for a course's 20 s to be stopped."""
STUDENTS = {
    "key": "right answers",
    "stub": "nothing filled in",
    "wrong": "one plausible slip",
    "loop": f"an endless loop (stopped after {SECONDS:g} s, as it should be)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `graders demo`."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/demo"), help="where to (%(default)s)")
    add_course_arguments(parser)
    parser.add_argument("--notebook", action="append", help="only this notebook; may be given again")


def run(options: argparse.Namespace) -> int:
    """Run the demonstration; status 1 if a grade is not what the sample was made for."""
    folder, original = options.folder.resolve(), chosen_course(options, OUR_COURSE)
    course = copy_course(original, folder / "course", options.notebook)
    config = course.root / nbgrader_api.CONFIG
    with config.open("a", encoding="utf-8") as file:
        file.write(f"\nc.TrustedGrader.cpu_seconds = {SECONDS}  # the demo's loop need not run for a course's 20 s\n")
    samples = read_samples(course)
    # The grades have one writer; what only reads them, or needs none, is done beside it.
    with processes_beside(2) as beside, Steps(5) as steps:
        figures = beside.submit(draw, folder / "figures")
        steps.begin("build the release and look for leaks")
        with posing(course, beside):
            level = best_isolation()
            if level.degraded:
                tqdm.write(f"Attention: {level.value}.", file=sys.stderr)
            tqdm.write(f"Student code is kept apart by: {level.name.lower()}")
            build(course)
            hand_in(course, samples, level)
            steps.begin("find the problems that the hidden checks will pose")
        steps.begin(f"grade {len(STUDENTS)} submissions: {', '.join(STUDENTS.values())}")
        settings, pages = Settings.load(course.root), list[Future[str]]()
        with executor(2, None) as graders:
            grade_class(
                settings.apply(course),
                [*reversed(STUDENTS)],  # what takes longest begins first
                graders,
                settings,
                level,
                settled=lambda student: pages.append(beside.submit(nbgrader_api.feedback, course, student)),
            )
        steps.begin("export the grades, draw the page about the class")
        grades = export(course, folder / "grades.csv")
        write_page(standing.collect(course), course, folder / "class.html")
        steps.begin("finish the students' feedback pages")
        figures.result()
        for page in pages:
            page.result()
    outcomes = {student: StudentResult.read(course, student) for student in STUDENTS}
    print(table(course, outcomes))
    print("Written:")
    for what, path in {
        "release": course.root / "release" / course.assignment,
        "feedback": course.root / "feedback",
        "gradebook": course.root / "gradebook.db",
        "grades": grades,
        "figures": folder / "figures",
    }.items():
        print(f"  {what:<10}{path}")
    print(f"To look at them in formgrader: cd {shlex.quote(str(course.root))} && {sys.executable} -m jupyterlab")
    print("Open first:")
    for what, address in {
        "the class": (folder / "class.html").as_uri(),
        "what the student with one slip is told": slip_page(course, samples["wrong"]),
        "the flow that the course is about": (folder / "figures" / "trajectory.png").as_uri(),
    }.items():
        print(f"  {address}  ({what})")
    if unexpected := surprises(samples, outcomes):
        print("Not as expected:\n" + "\n".join(f"  - {text}" for text in unexpected), file=sys.stderr)
        return 1
    return 0


class Steps:
    """Prints the current step on stderr: as a bar in a terminal, as one line per step elsewhere."""

    def __init__(self, total: int) -> None:
        self.total, self.begun, self.terminal = total, 0, sys.stderr.isatty()
        layout = "{n_fmt}/{total_fmt} |{bar:5}| {elapsed} {desc}"
        self.bar = tqdm(total=total, file=sys.stderr, bar_format=layout, disable=not self.terminal)

    def begin(self, text: str) -> None:
        """Begin a step; the one before is done."""
        self.bar.update(min(self.begun, 1))
        self.begun += 1
        self.bar.set_description_str(text)
        if not self.terminal:
            print(f"{self.begun}/{self.total} {text}", file=sys.stderr, flush=True)

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.bar.update()
            self.bar.set_description_str("done")
        self.bar.close()


@dataclass(frozen=True)
class Sample:
    """A sample submission: cells by grade_id, the checks of one exercise that it is made to lose, none if it loops."""

    cells: Mapping[str, str]
    exercise: str = ""
    checks: frozenset[str] = frozenset()


def read_samples(course: Course) -> dict[str, Sample]:
    """Read the samples from the bank; the stub needs none."""
    folder = course.bank / "demo"
    data: dict[str, dict[str, Any]] = {
        name: tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")) for name in ("key", "wrong", "loop")
    }
    key = data["key"]["cells"]
    samples = {"key": Sample(key), "stub": Sample({})}
    for name in ("wrong", "loop"):
        loses = data[name]["loses"]
        samples[name] = Sample({**key, **data[name]["cells"]}, loses["exercise"], frozenset(loses.get("checks", ())))
    return samples


def hand_in(course: Course, samples: Mapping[str, Sample], level: Isolation) -> None:
    """Write the samples into `submitted/`, as nbgrader's collect would, with what their cells have shown.

    Who has written nothing has run nothing. The notebook that loops has no outputs: its author has stopped it.
    """
    shown = dict[tuple[str, ...], NotebookNode]()  # the same code shows the same
    with Host(Limits(), level) as host:
        for student, sample in samples.items():
            folder = course.root / "submitted" / student / course.assignment
            folder.mkdir(parents=True)
            for path in sorted((course.root / "release" / course.assignment).glob("*.ipynb")):
                spec = course.notebook(path.stem)
                names = {exercise.solution_cell for exercise in spec.exercises} | {w.cell for w in spec.written}
                notebook = answered(course, spec, {name: sample.cells[name] for name in names & sample.cells.keys()})
                loops = not sample.checks and any(exercise.id == sample.exercise for exercise in spec.exercises)
                if sample.cells and not loops:
                    code = tuple(cell.source for cell in notebook.cells)
                    if code not in shown:
                        run_cells(notebook, host)
                        shown[code] = notebook
                    notebook = shown[code]
                nbformat.write(notebook, folder / path.name)


def run_cells(notebook: NotebookNode, host: Host) -> None:
    """Run a notebook as its student does, and keep what its cells show; one that raises does not stop it."""
    code = {k: cell for k, cell in enumerate(notebook.cells) if cell.cell_type == "code"}
    with NotebookRun({k: cell.source for k, cell in code.items()}, host) as run:
        for k, done in run.done.items():
            code[k].outputs = [nbformat.from_dict(output) for output in done.outputs]
            code[k].execution_count = done.count


def export(course: Course, path: Path) -> Path:
    """Write all grades by nbgrader's own export."""
    from nbgrader.plugins import CsvExportPlugin

    with nbgrader_api.gradebook(course.root) as gradebook:
        CsvExportPlugin(to=str(path)).export(gradebook)
    return path


def draw(folder: Path) -> None:
    """Write the lab's figures."""
    from sheaflab import demo

    demo.save(demo.run(), folder)


def slip_page(course: Course, sample: Sample) -> str:
    """Return the address of the feedback page of the sample with a slip, at that exercise."""
    folder = course.root / "feedback" / "wrong" / course.assignment
    for spec in course.ready:
        for exercise in spec.exercises:
            if exercise.id == sample.exercise:
                return f"{(folder / spec.name).as_uri()}.html#{exercise.grade_cell}"
    return min(folder.glob("*.html")).as_uri()  # `--notebook` has left that exercise out


@dataclass(frozen=True)
class StudentResult:
    """What nbgrader's gradebook and the autograded notebooks say of one student."""

    scores: Mapping[str, float]
    reasons: Mapping[str, dict[str, Any]]
    by_hand: int

    @classmethod
    def read(cls, course: Course, student: str) -> StudentResult:
        """Points from the gradebook, reasons from the autograded notebooks."""
        scores, reasons, by_hand = {}, {}, 0
        with nbgrader_api.gradebook(course.root) as gradebook:
            for notebook in gradebook.find_submission(course.assignment, student).notebooks:
                for grade in notebook.grades:
                    scores[grade.name] = grade.auto_score
                    by_hand += bool(grade.needs_manual_grade)
        folder = course.root / "autograded" / student / course.assignment
        for path in sorted(folder.glob("*.ipynb")):
            for exercise in read_result(path).get("exercises", []):
                reasons[exercise["id"]] = exercise
        return cls(scores, reasons, by_hand)

    def points(self, exercise: str) -> float:
        """Points of one exercise, from the gradebook."""
        return float(self.scores.get(f"grade-{exercise.replace('.', '-')}") or 0.0)

    def reason(self, exercise: str) -> str:
        """Status of one exercise, with the checks that failed."""
        found = self.reasons.get(exercise)
        if found is None:
            return "no result"
        failed = [check["name"] for check in found["checks"] if check["status"] != Status.OK.name]
        label = Status[found["status"]].label
        return f"{label} ({', '.join(failed)})" if found["status"] == Status.WRONG.name else label


def table(course: Course, outcomes: Mapping[str, StudentResult]) -> str:
    """The grade table: a line per exercise with each student's points and reason."""
    exercises = [e for e in course.exercises() if any(e.id in outcome.reasons for outcome in outcomes.values())]
    rows = [["exercise", *outcomes]]
    rows += [
        [f"{e.id} ({e.points:g})", *(f"{result.points(e.id):g} {result.reason(e.id)}" for result in outcomes.values())]
        for e in exercises
    ]
    total = sum(e.points for e in exercises)
    rows.append([f"all ({total:g})", *(f"{sum(o.points(e.id) for e in exercises):g}" for o in outcomes.values())])
    if any(outcome.by_hand for outcome in outcomes.values()):
        rows.append(["by hand", *(f"{counted(outcome.by_hand, 'answer')} to grade" for outcome in outcomes.values())])
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(["", lines[0], "-" * len(lines[0]), *lines[1:], ""])


def surprises(samples: Mapping[str, Sample], outcomes: Mapping[str, StudentResult]) -> list[str]:
    """Return what differs from the grades that the samples are made for."""
    differences = []
    for student, outcome in outcomes.items():
        sample = samples[student]
        for number, result in outcome.reasons.items():
            lost = {check["name"] for check in result["checks"] if check["status"] != Status.OK.name}
            every = {check["name"] for check in result["checks"]}
            want, status = set[str](), Status.OK
            if student == "stub":
                want, status = every, Status.NOT_ATTEMPTED
            elif number == sample.exercise:
                want = set(sample.checks) or every
                status = Status.WRONG if sample.checks else Status.TIMED_OUT
            if lost != want or result["status"] != status.name or outcome.points(number) != result["earned"]:
                what = f"{result['status']}, lost {sorted(lost)}, meant {sorted(want)}"
                differences.append(f"{student}, exercise {number}: {what}")
    return differences
