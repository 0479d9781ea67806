"""What hidden checks are written with.

A hidden check is a pytest function in ``checks/<lab>/test_<notebook>.py`` of a course: one class an exercise
(``TestExercise_1_2``), one method a check (``test_mask`` ↔ the manifest's check ``mask``). Checks run in the trusted
process; the student's functions run in the sandbox and are reached through the fixture `student`::

    class TestExercise_1_2:
        def test_mask(self, student, instances):
            rng = instances.rng("mask")                        # fresh problem from the course secret
            w2, pattern = rng.standard_normal((1, 4)), rng.random(4) < 0.5
            got = student.call("restricted_coboundary", w2, pattern)
            close(got, truth(w2, pattern), call="restricted_coboundary(w2, pattern)", tol=1e-12, hint="…")

- `student.call(name, *args, **kwargs)`, `student.run(cls, {"dt": 0.01}, *args, method="run")`,
  `student.draw(name, *args)` → :class:`~graders.sandbox.values.FigureData`,
  `student.source("1.2")`, `student.has(name)`.
- Arguments: None, bool, int, float, str, list, tuple, dict, arrays, Network, Sheaf, :class:`Seed` (a generator on the
  other side), plain functions (they run here; the student gets a stand-in). Results: the same kinds of data, and
  trajectories and logs as :class:`~graders.sandbox.values.TrajectoryData`. The result can be *anything* of these types.
- A check fails by raising AssertionError: use `close` and `fail`. What a call raises (:class:`StudentFault`) passes.
- `instances.rng(label)`, `instances.integer(label)`: decided by secret, notebook, exercise, check and label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graders.sandbox.events import ChildEnded, Deadline
from graders.sandbox.inside.protocol import Channel, ProtocolError
from graders.sandbox.notebook import NotebookRun
from graders.sandbox.outputs import text_of
from graders.sandbox.process import Process
from graders.sandbox.values import Callbacks, FigureData, Instances, Seed, decode, figure
from graders.status import SandboxBroken, Status, StudentError, StudentFault
from sheaflab.checks.messages import CheckFailed, close, fail

__all__ = ["CheckFailed", "Instances", "Seed", "Student", "StudentError", "StudentFault", "close", "fail"]

MAX_DEATHS = 2


class Student:
    """The notebook's functions, behind the wall; calls of one exercise share one child process.

    Parameters
    ----------
    run : NotebookRun
        The executed notebook.
    sources : mapping of str to str
        Text of the solution cells by exercise id.
    """

    def __init__(self, run: NotebookRun, sources: Mapping[str, str]) -> None:
        self._run, self._sources = run, sources
        self._child: Process | None = None
        self._blocked: StudentFault | None = None
        self._deaths = 0

    def next_exercise(self) -> None:
        """Start with a fresh copy of the notebook's state."""
        self._drop()
        self._blocked, self._deaths = None, 0

    def _drop(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            try:
                child.kill()
            except SandboxBroken as error:
                self._recover(error)
            finally:
                child.close()

    def _recover(self, cause: SandboxBroken) -> None:
        try:
            self._run.recover(cause)
        except SandboxBroken as error:
            self._blocked = StudentFault(error.status, error.message)

    # -- for check authors ----------------------------------------------------------------------------------------
    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return what the student's function `name` returns; raises StudentFault if it does not."""
        return self._request(name, {"op": "call", "args": list(args), "kwargs": kwargs})

    def run(self, name: str, init: Mapping[str, Any], *args: Any, method: str = "run", **kwargs: Any) -> Any:
        """Instantiate the student's class with `init` and return what one of its methods returns."""
        request = {"op": "run", "init": dict(init), "method": method, "args": list(args), "kwargs": kwargs}
        return self._request(name, request)

    def draw(self, name: str, *args: Any, **kwargs: Any) -> FigureData:
        """Call the student's plot function with fresh axes as first argument; return what the axes then hold."""
        return figure(self._request(name, {"op": "draw", "args": list(args), "kwargs": kwargs}))

    def has(self, name: str) -> bool:
        """Tell whether the notebook defines a function or class `name`."""
        return self._request(name, {"op": "has", "args": [], "kwargs": {}}) is True

    def source(self, exercise: str) -> str:
        """Return the text of an exercise's solution cell, empty if it is missing."""
        return self._sources.get(exercise, "")

    # -- the wire ---------------------------------------------------------------------------------------------------
    def _request(self, name: str, request: dict[str, Any]) -> Any:
        if self._blocked is not None:
            raise StudentFault(self._blocked.status, self._blocked.message, f"{name}(…)")
        callbacks = Callbacks()
        try:
            if self._child is None:
                self._child = self._run.fork()
            self._child.deadline = Deadline(self._run.limits.wall)
            channel = Channel(self._child, callbacks.encode, decode)
            channel.send({**request, "name": name, "cpu": self._run.limits.call_cpu})
            answer = channel.receive()
            while isinstance(answer, dict) and "callback" in answer:
                channel.send(_called_back(callbacks, answer))
                answer = channel.receive()
        except TimeoutError:
            self._drop()
            raise self._block(Status.TIMED_OUT, f"no answer within {self._run.limits.wall:.0f} s", name) from None
        except ChildEnded as ended:
            assert self._child is not None
            self._child.close()
            self._child = None
            self._deaths += 1
            status, message = ended.status()
            if status is Status.TIMED_OUT or self._deaths >= MAX_DEATHS:
                raise self._block(status, message, name) from None
            raise StudentFault(status, message, f"{name}(…)") from None
        except SandboxBroken as error:
            if self._child is not None:
                self._child.close()
                self._child = None
            self._recover(error)
            raise self._block(error.status, error.message, name) from None
        except ProtocolError as error:
            self._drop()
            raise StudentFault(Status.BAD_VALUE, str(error), f"{name}(…)") from None
        return _read_answer(answer, name)

    def _block(self, status: Status, message: str, name: str) -> StudentFault:
        """Later calls of this exercise fail in the same way at once, so that it costs its time only once."""
        fault = StudentFault(status, message, f"{name}(…)")
        self._blocked = self._blocked or fault
        return fault


def _called_back(callbacks: Callbacks, request: dict[str, Any]) -> dict[str, Any]:
    number, args = request["callback"], request.get("args")
    if type(number) is not int or not 0 <= number < len(callbacks.functions) or not isinstance(args, list):
        raise ProtocolError("a broken call back")
    try:
        return {"value": callbacks.functions[number](*args)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def _read_answer(answer: Any, name: str) -> Any:
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
    raise StudentFault(Status.BAD_VALUE, "an answer that cannot be read", call)
