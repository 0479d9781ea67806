"""The course checks itself: manifest and notebooks say the same, keys pass the visible checks, stubs fail them."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import re
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from graders.checking.visible import forbidden_in
from graders.lab.agreement import check_manifest
from graders.lab.bank import answers, solved
from graders.lab.manifest import Course
from graders.lab.percent import BEGIN, convert, grade_id, template
from graders.lab.places import show_visible_checks
from graders.proof.selfcheck import namespace, stubs
from graders.publish.key_pages import page, with_notes
from sheaflab import Exact
from sheaflab.checks import CheckFailed, check, exercises
from sheaflab.checks.messages import read_rows, show
from sheaflab.study.catalogue import catalogue
from sheaflab.study.problem import problem_of

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course.load(ROOT / "course", "lab09")
GOLDEN = Path(__file__).with_name("golden_messages.json")
EVERY = [(spec, exercise) for spec in COURSE.notebooks for exercise in spec.exercises]
every_exercise = pytest.mark.parametrize(("spec", "exercise"), EVERY, ids=[e.id for _, e in EVERY])


@pytest.fixture(autouse=True)
def our_lab():
    """A test that ran before in this process may have shown the checks of another course."""
    show_visible_checks(COURSE)


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("Agg")


def message_of(spec, source_of):
    """What the visible check of an exercise says to a source, empty if it is quiet."""
    key = solved(COURSE, spec)
    (exercise,) = source_of
    function = next(e.function for e in spec.exercises if e.id == exercise)
    names = namespace(key, source_of)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a wrong answer may divide by zero
            check(exercise, names[function])
    except CheckFailed as failure:
        return str(failure)
    return ""


def test_seven_notebooks_of_three_to_four_hours():
    assert [spec.name for spec in COURSE.notebooks] == [f"lab09-{k}" for k in range(1, 8)]
    assert 180 <= sum(spec.minutes for spec in COURSE.notebooks) <= 240
    for spec in COURSE.notebooks:
        assert sum(exercise.minutes for exercise in spec.exercises) <= spec.minutes
        head = convert(COURSE, spec).cells[0].source
        assert f"about {spec.minutes} minutes" in head
        for promise in ("You will be able to", "Why it matters", "Time:"):
            assert promise in head


def test_hidden_checks_are_those_of_the_manifest():
    assert check_manifest(COURSE) == []
    assert set(exercises()) == {exercise.id for _, exercise in EVERY}


@every_exercise
def test_cells_of_an_exercise(spec, exercise):
    cells = {grade_id(cell): cell for cell in convert(COURSE, spec).cells}
    order = list(cells)
    names = [f"task-{exercise.slug}", exercise.solution_cell, f"check-{exercise.slug}", exercise.grade_cell]
    start = order.index(names[0])
    assert order[start : start + 4] == names
    task, solution, visible, grade = (cells[name] for name in names)
    assert exercise.id in task.source
    assert solution.source.count(BEGIN) == 1
    assert '"""' in solution.source.partition(BEGIN)[0]
    assert visible.source == f'check("{exercise.id}", {exercise.function})'
    assert grade.metadata["nbgrader"]["points"] == exercise.points
    for hidden in exercise.checks:
        assert f"{hidden.name} ({hidden.points:g}): {hidden.title}" in grade.source
    assert len(exercise.hints) == 3
    assert all(len(hint) > 20 for hint in exercise.hints)
    known = [e.id for _, e in EVERY]
    assert all(known.index(needed) < known.index(exercise.id) for needed in exercise.requires)


@pytest.mark.parametrize("spec", COURSE.notebooks, ids=lambda spec: spec.name)
def test_written_answers_have_a_rubric_that_adds_up(spec):
    assert any(spec.written for spec in COURSE.notebooks)
    cells = {grade_id(cell): cell for cell in convert(COURSE, spec).cells}
    assert [name for name in cells if name.startswith("written-")] == [written.cell for written in spec.written]
    for written in spec.written:
        cell = cells[written.cell]
        assert cell.metadata["nbgrader"]["points"] == written.points
        assert "**Rubric.**" in cell.source
        assert cell.source.count("\n* 1 point: ") == written.points


@every_exercise
def test_the_library_s_catalogue_has_what_students_get(spec, exercise):
    """It is read from the course without jupytext, which does not have to be where a wheel is built."""
    known = catalogue().find(exercise.id)
    released = {grade_id(cell): cell.source for cell in template(COURSE, spec).cells}
    assert known.stub == released[exercise.solution_cell]
    assert known.checks == tuple((check.name, check.title) for check in exercise.checks)
    assert (known.title, known.function, known.minutes) == (exercise.title, exercise.function, exercise.minutes)
    assert (known.requires, known.hints, known.notebook) == (exercise.requires, exercise.hints, spec.name)


@every_exercise
def test_key_is_quiet_and_stub_is_told(spec, exercise):
    assert message_of(spec, {exercise.id: solved(COURSE, spec).keys[exercise.id]}) == ""
    stub = next(s for s in stubs(COURSE, solved(COURSE, spec)) if s.exercise == exercise.id)
    released = {grade_id(cell): cell.source for cell in template(COURSE, spec).cells}
    assert released[exercise.solution_cell].rstrip() == stub.source.rstrip()
    assert message_of(spec, {exercise.id: stub.source}) == (
        f"Exercise {exercise.id}: not written yet, or the line `raise NotImplementedError(…)` is still there\n"
        "  next:     replace this line by your answer, run that cell, then this one again"
    )


@every_exercise
def test_a_task_names_what_it_forbids(spec, exercise):
    task = next(c.source for c in template(COURSE, spec).cells if grade_id(c) == f"task-{exercise.id.replace('.', '-')}")
    words = set(re.findall(r"\w+", task))
    for name in forbidden_in("lab09", exercise.id):
        home, _, last = name.partition(":")[2].rpartition(".")
        if not (last.startswith("_") or home.startswith(("schemes", "engine"))):  # these no task can name
            assert last in words or (last == "ActivationRegion" and "region" in words), name


@pytest.mark.slow
@every_exercise
def test_right_answers_in_other_styles_pass_the_visible_check(spec, exercise):
    right = [a for a in answers(COURSE, spec) if (a.exercise, a.kind) == (exercise.id, "right")]
    assert {a.label: told for a in right if (told := message_of(spec, {exercise.id: a.source}))} == {}


def messages(spec, exercise, misconception=None):
    """What the visible check says to a wrong answer of the bank, by default to the first that it catches."""
    for answer in answers(COURSE, spec):
        if misconception not in (None, answer.label):
            continue
        if answer.exercise == exercise.id and answer.kind == "wrong" and "np.random.st" not in answer.source:
            with contextlib.suppress(Exception):
                if text := message_of(spec, {exercise.id: answer.source}):
                    return {"misconception": answer.label, "message": text.split("\n")}
    raise AssertionError(f"no wrong answer to {exercise.id} is caught by its visible check")


@every_exercise
def test_message_of_a_visible_check(spec, exercise):
    """The words themselves are the product: `python -m tests.course.test_course` writes them again."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found = messages(spec, exercise, golden[exercise.id]["misconception"])
    assert found == golden[exercise.id]
    words = "\n".join(found["message"])
    for part in ("call:", "returned:", "expected:", "hint:"):
        assert part in words


@every_exercise
def test_the_call_in_a_message_can_be_typed(spec, exercise):
    """A student repeats it below the answer: the line `given`, if there is one, then the call; the same comes back."""
    told = json.loads(GOLDEN.read_text(encoding="utf-8"))[exercise.id]
    rows = dict(re.findall(r"^  (\w[\w ]*): +(.*(?:\n {12}.*)*)", "\n".join(told["message"]), re.MULTILINE))
    wrong = next(a for a in answers(COURSE, spec) if (a.exercise, a.label) == (exercise.id, told["misconception"]))
    names = namespace(solved(COURSE, spec), {exercise.id: wrong.source})
    exec(rows.get("given", ""), names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = eval(rows["call"], names)
    if "ax" not in rows.get("given", ""):  # what a figure shows is told in words
        assert show(value) == rows["returned"].replace("\n" + " " * 12, "\n")


@every_exercise
def test_the_problem_of_a_message_makes_the_call_again(spec, exercise):
    """`sheaflab.problem` gives the inputs by their names: with them the same comes back."""
    told = json.loads(GOLDEN.read_text(encoding="utf-8"))[exercise.id]
    wrong = next(a for a in answers(COURSE, spec) if (a.exercise, a.label) == (exercise.id, told["misconception"]))
    answer = namespace(solved(COURSE, spec), {exercise.id: wrong.source})[exercise.function]
    problem = problem_of(catalogue().task(exercise.id), "\n".join(told["message"]), answer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if inspect.isclass(answer):
            value = answer(dt=0.1).run(**problem)
            value = value.states[-1] if exercise.id == "2.2" else value.log.times
        else:
            value = answer(**problem)
    if "ax" not in problem:
        place = re.search(r"\[(\d)\]$", problem.call)
        assert show(value[int(place[1])] if place else value) == read_rows("\n".join(told["message"]))["returned"]


@pytest.mark.parametrize("spec", COURSE.notebooks, ids=lambda spec: spec.name)
def test_pages_of_keys_say_why(spec):
    notebook = with_notes(COURSE, spec, convert(COURSE, spec))
    notes = {cell.id: cell.source for cell in notebook.cells}
    for exercise in spec.exercises:
        told = notes[f"notes-{exercise.slug}"]
        heads = [
            told.index(head) for head in ("**Why**", "**Hints, from nudge to nearly there**", "**Common mistakes**")
        ]
        assert heads == sorted(heads)
        assert all(hint in told for hint in exercise.hints)
        assert told.count("(caught by `") >= 10


def test_a_star_in_a_text_is_no_emphasis():
    spec = COURSE.notebook("lab09-2")
    notebook = with_notes(COURSE, spec, convert(COURSE, spec))
    notebook.cells = [cell for cell in notebook.cells if cell.id == "notes-2-4"]
    assert "V(0)·exp(−2λ*t) is one" in page(notebook, "the key")


RUN = "LabEuler(dt=0.1).run(SHEAF, c0=[1, -1, 2, 0.5, 1], t_end=0.1).states"
NEXT = "the next state, an array of shape (5,)"
EULER = "class LabEuler(Integrator):\n    def advance(self, region, c, h):\n        "
FIRST = "activation_pattern(np.array([0.5, -1.0, 2.0]))"
PASSES = ""


def lines(*rows):
    return "\n".join(f"  {name + ':':<10}{text}" for name, text in rows)


@pytest.mark.parametrize(
    ("exercise", "source", "told"),
    [
        ("2.2", EULER + "c + h * region.velocity(c)", f"`LabEuler.advance` must return {NEXT}, got None: is a `return` missing?"),
        ("2.2", EULER + "return list(c + h * region.velocity(c))", PASSES),
        ("2.2", EULER + "return np.append(c, 0)", f"`LabEuler.advance` must return {NEXT}, got shape (6,)"),
        ("2.2", EULER.replace("(Integrator)", "") + "return c", lines(
            ("found", "the class `LabEuler` does not inherit from `Integrator`"),
            ("next", "begin it with `class LabEuler(Integrator):`"))),
        ("2.2", "def LabEuler(region, c, h):\n    return c + h * region.velocity(c)", lines(
            ("found", "`LabEuler` is a function, not a class"),
            ("next", "begin the cell with `class LabEuler(Integrator):`"))),
        ("2.2", EULER.replace("advance", "step") + "return c", lines(
            ("found", "the class `LabEuler` has no method `advance`, but `step`"),
            ("next", "write `def advance(…)`, with exactly this name, inside the class"))),
        ("1.1", "def activation_pattern(z):\n    z > 0", lines(
            ("call", FIRST), ("returned", "None"), ("expected", "numbers of shape (3,)"),
            ("hint", "nothing came back: is a `return` missing?"))),
        ("1.1", "def activation_pattern():\n    return 1", "\n  hint:     keep the parameters of the line with `def` as they were handed out"),
        ("1.1", "def activation_pattern(z):\n    return (z > 0)[:2]", "\n  off by:   2 entries instead of 3\n"),
        ("1.2", "def restricted_coboundary(w2, pattern):\n    return np.zeros((3, 3))", "identities"),
        ("1.2", "def restricted_coboundary(w2, pattern):\n    return -w2 * pattern", "a matrix of 3 rows and columns"),
        ("1.2", "def restricted_coboundary(w2, pattern):\n    d = np.eye(3)\n    d[:2, 2:] = -(w2 * pattern).T\n    return d", "transposed"),
        ("1.2", "def restricted_coboundary(w2, pattern):\n    return -np.diag(pattern) @ w2", "True and False have no minus"),
        ("1.3", "def dirichlet_energy(net, x, c):\n    w1, w2 = net.weights\n    b1, b2 = net.biases\n    z, o = c[:4], c[4:]\n"
                "    r, s = z - w1 @ x - b1, o - w2 @ np.maximum(z, 0) - b2\n    return 0.5 * (r @ r + s @ s)", "loop over them with `for`"),
        ("2.4", "def plot_energy_decay(ax, times, energies, rate):\n    ax.scatter(times, energies)", "`scatter` draws no line"),
        ("2.4", "def plot_energy_decay(ax, times, energies, rate):\n    ax.plot(times, energies, 'o')", "markers without a line"),
        ("2.4", "def plot_energy_decay(ax, times, energies, rate):\n    pass", "is it drawn into another figure"),
        ("4.2", "def exact_slopes(sheaf, c, neuron):\n    found = []\n    for z in (-1e-9, 1e-9):\n        d = c.copy()\n        d[neuron] = z\n"
                "        v = sheaf.velocity(d)\n        found.append(-(v @ v) / sheaf.energy(d))\n    return found", "nearly right, but too far off for rounding"),
        ("4.2", "def exact_slopes(sheaf, c, neuron):\n    return -0.828125 / 0.53125, -0.6875 / 0.53125", "the other way round"),
        (
            "4.3",
            "def kink_census(sheaf, starts):\n    steeper = flatter = 0\n    for c0 in starts:\n"
            "        run = Exact().run(sheaf, c0, 20.0)\n        for s in run.log:\n"
            "            off, on = exact_slopes(sheaf, run.at(s.time), s.neuron)\n"
            "            before, after = (off, on) if s.after == 'active' else (on, off)\n"
            "            steeper += after < before\n            flatter += after > before\n"
            "    return steeper, flatter",
            "both slopes are equal: neither",
        ),
        ("7.1", "def wall_verdict(f_minus, f_plus):\n    'slides'", "is a `return` missing?"),
        ("7.2", "def sliding_velocity(sheaf, c, neuron):\n    pass", "is a `return` missing?"),
        ("7.3", "def chattering_neurons(times, neurons, dt, least=5):\n    return []", "0 entries instead of 1"),
        ("7.4", "def sliding_euler(sheaf, c0, dt, t_end):\n    pass", "is a `return` missing?"),
    ],
)  # fmt: skip
def test_an_answer_of_another_form_is_told_what_is_missing(exercise, source, told):
    spec = next(spec for spec in COURSE.notebooks if any(e.id == exercise for e in spec.exercises))
    said = message_of(spec, {exercise: source})
    assert told in said, said
    assert bool(said) == bool(told), said


@pytest.mark.parametrize(("number", "spec"), list(enumerate(COURSE.notebooks, 1)))
def test_the_first_cell_names_the_commands(number, spec):
    head = convert(COURSE, spec).cells[0].source
    for command in (f"sheaflab hint {number}.1", f"sheaflab check {number}.1", "sheaflab progress"):
        assert f"`{command}`" in head
    assert f'`sheaflab.hint("{number}.1")`' in head


@pytest.mark.parametrize("spec", COURSE.notebooks[1:], ids=lambda spec: spec.name)
def test_an_experiment_is_predicted_before_it_is_run_and_told_after(spec):
    cells = template(COURSE, spec).cells
    (question,) = (k for k, cell in enumerate(cells) if "**Predict before you run the cell.**" in cell.source)
    (answer,) = (k for k, cell in enumerate(cells) if "<details><summary>Open when you have looked at" in cell.source)
    assert [cell.cell_type for cell in cells[question : answer + 1]] == ["markdown", *["code"] * (answer - question - 1), "markdown"]
    assert 1 <= answer - question - 1 <= 2
    assert "?" in cells[question].source.partition("**Predict")[2]
    assert cells[answer].source.rstrip().endswith("</details>")


def printed(spec):
    """What the solved notebook prints, and its names."""
    names, out = {"__name__": "__main__"}, io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no window for a figure
        for cell in convert(COURSE, spec).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, spec.name, "exec"), names)
    names["plt"].close("all")
    return out.getvalue(), names


def test_notebook_4_predicts_what_it_measures():
    spec = COURSE.notebook("lab09-4")
    said, names = printed(spec)
    pairs = re.findall(r"measured (\S+) → (\S+)   predicted (\S+) → (\S+)", said)
    assert len(pairs) == len(names["traj"].log) == 4
    for row in pairs:
        measured, predicted = np.array(row, dtype=float).reshape(2, 2)
        assert measured == pytest.approx(predicted, rel=0.02)
    assert "steeper, flatter: (223, 161)" in said
    (cell,) = (cell.source for cell in convert(COURSE, spec).cells if "predicted" in cell.source and "for s in" in cell.source)
    names["traj"] = next(
        run for run in (Exact().run(names["sheaf"], c0, 20.0) for c0 in names["starts"]) if run.log.slides
    )
    with pytest.raises(KeyError, match="sliding"):  # not silently wrong on a run that slides
        exec(cell, names)


def test_notebook_7_counts_a_slide_as_two_switches():
    said, names = printed(COURSE.notebook("lab09-7"))
    assert "exact: SwitchLog(2 crossings, 1 slide" in said
    assert "exact: 4 switches, 2 by crossings and 2 by slides that begin or end" in said
    changes = [len(names["runs"][dt].log) for dt in (0.01, 0.002)]
    assert changes[1] / changes[0] == pytest.approx(5, rel=0.05)  # as the text above the figure says


def test_a_result_in_the_place_of_a_function():
    with pytest.raises(
        CheckFailed, match=r"takes the function itself, and was given a ndarray\n  next: .*not `f\(z\)` but `f`"
    ):
        check("1.1", np.array([True]))


def test_a_line_is_shown_once_though_a_generator_in_it_was_at_work():
    spec = COURSE.notebook("lab09-1")
    said = message_of(spec, {"1.1": "def activation_pattern(z):\n    return list(v.q for v in z)"})
    assert said.count("line 2") == 1, said


def test_unknown_exercise():
    with pytest.raises(ValueError, match=r"`exercise` must be the id of an exercise, such as '1\.1', got '9\.9'"):
        check("9.9", abs)


if __name__ == "__main__":
    mpl.use("Agg")
    found = {exercise.id: messages(spec, exercise) for spec, exercise in EVERY}
    GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
