"""Searches are made once for a class: what is kept of them leads to the same problems, and to nothing else."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

from graders.checking import kept, problems
from graders.checking.kept import drawn_until
from graders.checking.problems import remembered
from graders.checking.separation import separating
from graders.checking.suite import _kept
from graders.lab.manifest import SECRET, Course
from graders.proof.selfcheck import judge_here

COURSE = Course.load(Path(__file__).resolve().parents[3] / "course", "lab09")


@pytest.fixture
def checks(tmp_path):
    folder = tmp_path / "checks" / "lab"
    folder.mkdir(parents=True)
    (folder / "test_lab.py").write_text("one = 1")
    return folder


@pytest.fixture
def search(tmp_path, checks):
    """Make a search as another process would, with what is kept in the course; return what it found and its cost."""
    tried = []

    @remembered
    def three_numbers(rng, shift=0.0):
        def near(x):
            tried.append(x)
            return x if x < 1.0 + shift else 2 * x

        return separating(rng, lambda rng: (rng.normal(),), lambda x: 2 * x, {"near": near}, least=2), rng.normal()

    def run(seed=0, **more):
        tried.clear()
        problems._known.clear()
        rng = np.random.default_rng(seed)
        with kept.kept_in(tmp_path, checks):
            found, last = three_numbers(rng, **more)
        return [(case.args, case.expected) for case in found], last, rng.normal(), len(tried)

    return run


def files(tmp_path):
    return sorted((tmp_path / kept.FOLDER).rglob("*.json"))


def test_the_same_problems_come_again_without_a_near_miss_being_tried(search, tmp_path):
    *first, cost = search()
    assert cost
    assert len(files(tmp_path)) == 1
    *again, cost = search()
    assert (again, cost) == (first, 0)


def test_what_is_drawn_until_it_is_wanted_comes_again_at_once(tmp_path, checks):
    made, runs = [], []

    def rare(rng):
        made.append(rng.normal())
        return made[-1]

    def draw(rng):
        first = drawn_until(rng, rare, lambda x: x > 1.5)
        (between,) = separating(rng, lambda rng: (rng.normal(),), lambda x: x, {"none": lambda x: 0.0})  # with its own
        return first, between.expected, drawn_until(rng, rare, lambda x: x < -1.5)

    @remembered
    def search(rng):
        return separating(rng, draw, lambda *args: sum(args), {"the first": lambda x, *_: x}, least=3), rng.normal()

    for _ in range(2):
        made.clear()
        problems._known.clear()
        with kept.kept_in(tmp_path, checks):
            found, last = search(np.random.default_rng(5))
        runs.append(([(case.args, case.expected) for case in found], last, len(made)))
    (*first, cost), (*again, few) = runs
    assert again == first
    assert cost > few == 2 * len(first[0])


@pytest.mark.parametrize("change", [{"seed": 1}, {"shift": 0.5}], ids=str)
def test_another_search_is_another(search, change):
    search()
    assert search(**change)[-1]


def test_other_checks_search_anew_and_leave_nothing_old(search, checks, tmp_path):
    search()
    (checks / "test_lab.py").write_text("two = 2")
    os.utime(checks / "test_lab.py", (1, 1))
    assert search()[-1]
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("text", ["", "7", "[[]]", '[{"bit_generator": "PCG64"}, {}]', "[null]", '[{"state": 1e400}]', "\xff"])
def test_what_cannot_be_read_is_searched_for(search, tmp_path, text):
    *first, _ = search()
    (file,) = files(tmp_path)
    file.write_bytes(text.encode("latin-1"))
    *again, cost = search()
    assert again == first
    assert cost
    assert json.loads(file.read_text())


def test_only_the_owner_can_look(search, tmp_path):
    search()
    assert stat.S_IMODE((tmp_path / kept.FOLDER).stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_costs_time_only(search, tmp_path):
    (tmp_path / kept.FOLDER).write_text("in the way")
    assert search()[-1]
    assert search()[-1]


def test_only_the_course_s_own_problems_are_kept(tmp_path, checks):
    course = SimpleNamespace(root=tmp_path, checks=checks, secret=b"its own")
    for secret, made in ((b"its own", False), (b"another", False)):
        with _kept(course, secret):
            assert (kept._place.folder is not None) is made
    (tmp_path / SECRET).write_bytes(b"its own")
    for secret, made in ((b"its own", True), (b"another", False)):
        with _kept(course, secret):
            assert (kept._place.folder is not None) is made


def differing(a, b, seen, where=""):
    """Yield where two values differ; what objects compute when they are first asked for it may be there in one only."""
    if (id(a), id(b)) in seen or (callable(a) and callable(b)):
        return
    seen.add((id(a), id(b)))
    if type(a) is not type(b):
        yield where, type(a), type(b)
    elif isinstance(a, np.ndarray):
        if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            yield where, a, b
    elif isinstance(a, (list, tuple)):
        if len(a) != len(b):
            yield where, len(a), len(b)
        for k, pair in enumerate(zip(a, b, strict=False)):
            yield from differing(*pair, seen, f"{where}[{k}]")
    elif isinstance(a, dict):
        for name in a.keys() & b.keys():
            yield from differing(a[name], b[name], seen, f"{where}.{name}")
    elif type(a).__module__ == "sheaflab.engine.dense":  # all else is how far it has been asked for
        yield from differing(a._record, b._record, seen, f"{where}._record")
    elif hasattr(a, "__dict__") or hasattr(a, "__slots__"):
        for name in (*getattr(a, "__slots__", ()), *getattr(a, "__dict__", ())):
            if hasattr(b, name):
                yield from differing(getattr(a, name), getattr(b, name), seen, f"{where}.{name}")
    elif a != b and not (a != a and b != b):  # NaN
        yield where, a, b


@pytest.mark.slow
@pytest.mark.parametrize("spec", COURSE.notebooks, ids=lambda spec: spec.name)
def test_every_search_of_the_course_comes_again(spec, secret, tmp_path):
    mpl.use("Agg")
    runs = []
    for _ in range(2):
        problems._known.clear()
        with kept.kept_in(tmp_path, COURSE.checks):
            for exercise in spec.exercises:
                judge_here(COURSE, spec.name, exercise.id, "", secret)
        runs.append(dict(problems._known))
    first, again = runs
    assert first.keys() == again.keys()
    assert [found for name in first for found in differing(first[name], again[name], set(), name[1])] == []
    if spec.name != "lab09-1":
        assert files(tmp_path)
