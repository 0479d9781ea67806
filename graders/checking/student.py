"""What hidden checks are written with.

A hidden check is a pytest function in ``checks/<lab>/test_<notebook>.py`` of a course: one class per exercise
(``TestExercise_1_2``), one method per check (``test_mask`` ↔ the manifest's check ``mask``). Checks run in the trusted
process; the student's functions run in the sandbox and are reached through the fixture `student`::

    class TestExercise_1_2:
        def test_mask(self, student, instances):
            rng = instances.rng("mask")                        # fresh problem from the course secret
            w2, pattern = rng.standard_normal((1, 4)), rng.random(4) < 0.5
            got = student.call("restricted_coboundary", w2, pattern)
            close(got, truth(w2, pattern), call="restricted_coboundary(w2, pattern)", tol=1e-12, hint="…")

- `with student.watching("sheaflab:Sheaf.energy") as used:` notes what the library's names are used in the block.
- `student.call(name, *args, **kwargs)`, `student.run(cls, {"dt": 0.01}, *args, method="run")`,
  `student.series(name, args, args)` (calls that share objects; fails if an argument is changed; with
  `init={"dt": 0.01}`, runs of one object of a class),
  `student.draw(name, *args)` → :class:`~sheaflab.checks.figures.FigureData`, `student.source("1.2")`.
- Arguments: None, bool, int, float, str, list, tuple, dict, arrays, Network, Sheaf, :class:`Seed` (a generator on the
  other side), plain functions (they run here; the student gets a stand-in). Results: the same kinds of data, and
  trajectories and logs as :class:`~graders.sandbox.values.TrajectoryData`. The result can be *anything* of these types.
- A check fails by raising AssertionError: use `close` and `fail`. What a call raises (:class:`StudentFault`) passes.
- Self-study and browser have no pytest: a check uses the two arguments `student` and `instances`, and no other fixture.
- `instances.rng(label)`, `instances.integer(label)`: for this submission alone, decided by secret, notebook, exercise,
  check, submission and label; `instances.of_exercise(label)`: the same for all checks of an exercise.
  `instances.pooled(label)`: for problems that are slow to find, one of a few for a class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np

from graders.checking.series import described, lasting, numbered, unchanged
from graders.sandbox.inside.protocol import ProtocolError
from graders.sandbox.outputs import text_of
from graders.sandbox.values import Callbacks, Instances, Seed, figure
from graders.status import Status, StudentError, StudentFault
from sheaflab.checks.figures import FigureData
from sheaflab.checks.messages import CheckFailed, close, fail

T = TypeVar("T")
__all__ = ["CheckFailed", "Instances", "Seed", "Student", "StudentError", "StudentFault", "close", "fail"]


class Student(ABC):
    """The functions of a student's notebook, wherever they run.

    Parameters
    ----------
    sources : mapping of str to str
        Text of the solution cells by exercise id.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._instead: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        self._watched: tuple[list[str], set[str]] | None = None
        self._blocked: StudentFault | None = None

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return what the student's function `name` returns; raises StudentFault if it does not."""
        return self.ask({"op": "call", "name": name, "args": list(args), "kwargs": kwargs})

    def run(self, name: str, init: Mapping[str, Any], *args: Any, method: str = "run", **kwargs: Any) -> Any:
        """Instantiate the student's class with `init` and return what one of its methods returns."""
        made = {"init": dict(init), "method": method}
        return self.ask({"op": "run", "name": name, **made, "args": list(args), "kwargs": kwargs})

    def draw(self, name: str, *args: Any, seen: bool = True, **kwargs: Any) -> FigureData:
        """Call the student's plot function with fresh axes as first argument; return what the axes then hold.

        With `seen` the figure is drawn, to tell what of it can be seen: a tenth of a second; see
        :func:`sheaflab.checks.figures.read`.

        Raises
        ------
        CheckFailed
            If an array or a list that was passed is another one afterwards.
        StudentFault
            If the call does not end in a figure.
        """
        found = self.ask({"op": "draw", "name": name, "args": list(args), "kwargs": kwargs, "seen": seen})
        drawn = read_result(found, "figure", args, name)
        unchanged(name, args, drawn.after)
        return figure(drawn.value)

    def series(
        self, name: str, *calls: Sequence[Any], init: Mapping[str, Any] | None = None, method: str = "run"
    ) -> list[Any]:
        """Return what several calls return; an argument that calls share is one object for the student, too.

        With `init`, `name` is a class: it is instantiated once, and the calls are of one of its methods.

        Raises
        ------
        CheckFailed
            If an array or a list that was passed is another one afterwards, or a result after a later call.
        StudentFault
            If a call does not end in a value.
        """
        objects, places = numbered(calls)
        made = {} if init is None else {"init": dict(init), "method": method}
        request = {"op": "series", "name": name, "objects": objects, "calls": places, "args": [], "kwargs": {}}
        found = self.ask({**request, **made})
        result = read_result(found, "values", objects, name)
        if not isinstance(result.value, list) or len(result.value) != len(calls):
            raise unreadable(name)
        unchanged(name, objects, result.after)
        lasting(name, found.get("changed"), len(calls))
        return result.value

    def remembered(self, name: str, ask: Callable[[], T]) -> T:
        """Return what `ask` has said about `name` when it was asked first: the notebook stays what it is."""
        if name not in self._known:
            self._known[name] = ask()
        found: T = self._known[name]
        return found

    @contextmanager
    def instead(self, name: str, stand_in: str | Callable[..., Any]) -> Iterator[None]:
        """Put something in the place of a name of the notebook, for the calls of this block.

        Parameters
        ----------
        name : str
        stand_in : str or callable
            A name of the library, such as ``"sheaflab:EventEuler"``; or a function, which runs here.
        """
        self._instead = {name: stand_in}
        try:
            yield
        finally:
            self._instead = {}

    @contextmanager
    def watching(self, *names: str) -> Iterator[set[str]]:
        """Note which of the library's functions and classes the student's code uses in the calls of this block.

        Parameters
        ----------
        *names : str
            Such as ``"sheaflab:Sheaf.energy"``, ``"sheaflab:Euler"``. A class is used by who calls what it defines,
            makes one of it, inherits from it or borrows from it.

        Yields
        ------
        set of str
            Those of the names that were used, when the block has ended. The student's own process says so: advice
            that can be bypassed, and nothing to rest more than a point on.
        """
        used = set[str]()
        self._watched = list(names), used
        try:
            yield used
        finally:
            self._watched = None

    def source(self, exercise: str) -> str:
        """Return the text of an exercise's solution cell, empty if it is missing."""
        return self._sources.get(exercise, "")

    def next_exercise(self) -> None:
        """Start with a fresh copy of the notebook's state, if there can be one, and let go of the last."""
        self._blocked = None

    def ask(self, request: dict[str, Any]) -> Any:
        """Return the value that a request ends in.

        Raises
        ------
        StudentFault
            If it ends in none.
        """
        name = str(request["name"])
        if self._blocked is not None:
            told = f"{self._blocked.message} (in an earlier call of this exercise: after that it is not called again)"
            raise StudentFault(self._blocked.status, told, f"{name}(…)")
        if self._instead:
            request = {**request, "instead": self._instead}
        if self._watched is None:
            return self._performed(request, name)
        names, used = self._watched
        answer = self._performed({**request, "watch": names}, name)
        if (
            not isinstance(answer, dict)
            or not {"value", "used"} <= answer.keys()
            or not isinstance(answer["used"], list)
        ):
            raise unreadable(name)
        used.update(known for known in names if known in answer["used"])
        return answer["value"]

    def _performed(self, request: dict[str, Any], name: str) -> Any:
        """Carry out a request; what student code raises is told with the call as a student would type it."""
        try:
            return self._perform(request, name)
        except StudentError as error:
            error.call = described(request)
            raise

    @abstractmethod
    def _perform(self, request: dict[str, Any], name: str) -> Any:
        """Carry out a request."""

    def _block(self, status: Status, message: str, name: str) -> StudentFault:
        """Later calls of this exercise fail in the same way at once, so that it costs its time only once."""
        fault = StudentFault(status, message, f"{name}(…)")
        self._blocked = self._blocked or fault
        return fault


class Result(NamedTuple):
    """What a request has ended in, and what the arrays and lists that it was given are by then."""

    value: Any
    after: list[tuple[int, Any]]


def read_result(found: Any, key: str, objects: Sequence[Any], name: str) -> Result:
    """Return what an answer says under `key`, and of the arrays and lists among `objects`; StudentFault if nothing."""
    try:
        result = Result(found[key], [(int(place), value) for place, value in found["after"]])
    except (TypeError, KeyError, ValueError):
        raise unreadable(name) from None
    if [place for place, _ in result.after] != [k for k, v in enumerate(objects) if isinstance(v, (np.ndarray, list))]:
        raise unreadable(name)
    return result


def unreadable(name: str) -> StudentFault:
    """What is raised where an answer is none of those that a worker gives."""
    return StudentFault(Status.BAD_VALUE, "an answer that cannot be read", f"{name}(…)")


def called_back(callbacks: Callbacks, request: dict[str, Any]) -> dict[str, Any]:
    """Call one of the check's own functions, as student code has asked; its value or its error, for the answer."""
    number, args = request["callback"], request.get("args")
    if type(number) is not int or not 0 <= number < len(callbacks.functions) or not isinstance(args, list):
        raise ProtocolError("a broken call back")
    try:
        return {"value": callbacks.functions[number](*args)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def read_answer(answer: Any, name: str) -> Any:
    """Return the value in an answer to a request; what is no value is raised as StudentFault."""
    call = f"{name}(…)"
    if isinstance(answer, dict):
        if "value" in answer:
            return answer["value"]
        if "missing" in answer:
            kind = answer["missing"]
            what = (
                f"`{name}` is a {kind}, not a function" if isinstance(kind, str) and kind else f"there is no `{name}`"
            )
            raise StudentFault(Status.UNDEFINED, text_of(what)[:200], call)
        if "unsendable" in answer:
            raise StudentFault(Status.BAD_VALUE, f"returned {text_of(answer['unsendable'])[:400]}", call)
        if isinstance(error := answer.get("raised"), dict):
            kind, message, trace = (text_of(error.get(key)) for key in ("type", "message", "traceback"))
            special = {
                "NotImplementedError": Status.NOT_ATTEMPTED,
                "MemoryError": Status.OUT_OF_MEMORY,
                "_ArrayMemoryError": Status.OUT_OF_MEMORY,
                "TooMuchOutput": Status.TOO_MUCH_OUTPUT,
            }
            raise StudentError(special.get(kind, Status.RAISED), kind[:80], message[:1000], trace[:6000], call)
    raise unreadable(name)
