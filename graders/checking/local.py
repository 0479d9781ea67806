"""A notebook's functions in this very process, without sandbox: for answers that are our own, and for them only.

The grading chain starts a worker for each submission, which is right for strangers and slow for the same key under two
hundred secrets; and a browser has no processes. Here the same checks meet the same answers through the same requests,
values and messages as behind the wall. What this process cannot do is survive an answer that ends it.
"""

from __future__ import annotations

import contextlib
import functools
import io
import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from graders.checking.student import Student, called_back, read_answer
from graders.checking.verdict import CheckResult, HiddenChecksError, settle
from graders.lab.manifest import Check
from graders.sandbox.inside.calls import perform
from graders.sandbox.inside.library import decoder
from graders.sandbox.inside.library import encode as encode_answer
from graders.sandbox.inside.protocol import Decoder, Encoder, Unsendable, dump, load
from graders.sandbox.inside.shell import Sink, describe_error
from graders.sandbox.isolation import Limits
from graders.sandbox.values import Callbacks, Instances, decode
from graders.status import OUT_OF_TIME, Status
from sheaflab.checks.cpu import CpuTimeError, cpu_limit


class LocalStudent(Student):
    """The student's side of a check, by direct calls.

    Parameters
    ----------
    namespace : dict of str to object
        What the notebook has defined.
    sources : mapping of str to str
        Text of the solution cells by exercise id.
    """

    def __init__(self, namespace: dict[str, Any], sources: Mapping[str, str]) -> None:
        super().__init__(sources)
        self.names = namespace

    def _perform(self, request: dict[str, Any], name: str) -> Any:
        callbacks = Callbacks()

        def call_back(number: int, args: tuple[Any, ...]) -> Any:
            sent = _copied(list(args), encode_answer, decode)
            answer = _copied(called_back(callbacks, {"callback": number, "args": sent}), callbacks.encode, decoding)
            if "error" in answer:
                raise ValueError(answer["error"])
            return answer["value"]

        decoding = decoder(call_back)
        received = _copied(request, callbacks.encode, decoding)
        cause: BaseException | None = None
        sinks = Sink("stdout", []), Sink("stderr", [])
        try:
            bound = cpu_limit(Limits().call_cpu)  # as in the sandbox: a wrong answer may enumerate 2⁶⁴ patterns
            with (
                contextlib.redirect_stdout(sinks[0]),
                contextlib.redirect_stderr(sinks[1]),
                warnings.catch_warnings(action="ignore"),  # in a worker no warning is an error, whatever it is here
                bound,
            ):
                answer = perform(self.names, received)
        except KeyboardInterrupt:
            raise  # a reader stops an endless loop by hand
        except CpuTimeError as error:
            raise self._block(Status.TIMED_OUT, OUT_OF_TIME, name) from error
        except BaseException as error:
            cause, answer = error, {"raised": describe_error(error, [str(Path(__file__).parent)])}
        try:
            answer = _copied(answer, encode_answer, decode)
        except Unsendable as error:
            answer = {"unsendable": str(error)[:400]}
        try:
            return read_answer(answer, name)
        except Exception as fault:
            raise fault from cause


def _copied(value: Any, encode: Encoder, decode: Decoder) -> Any:
    """Return a value as it arrives on the other side of the wall."""
    stream = io.BytesIO(b"".join(dump(value, encode)))
    return load(lambda count: bytearray(stream.read(count)), decode)


@functools.cache
def load_checks(path: Path) -> ModuleType:
    """Import a file of hidden checks, which belongs to a course and to no package."""
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"`path` must be a Python file of hidden checks, got {path}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def failures(
    student: Student,
    path: Path,
    notebook: str,
    exercise: str,
    checks: Iterable[Check],
    secret: bytes,
    place: int | None = None,
) -> Iterator[tuple[Check, Exception | None]]:
    """Hold an answer against the hidden checks of one exercise; yield each check with what it has raised.

    Parameters
    ----------
    student : Student
    path : Path
        File of the notebook's hidden checks.
    notebook, exercise : str
        Such as ``"lab10-1"`` and ``"1.2"``.
    checks : iterable of Check
    secret : bytes
        Decides the fresh problems.
    place : int, optional
        Which of the sets of problems that a class shares.

    Raises
    ------
    HiddenChecksError
        If a check has no test, or finds no problem to pose.
    """
    suite = getattr(load_checks(path), "TestExercise_" + exercise.replace(".", "_"), object)
    student.next_exercise()
    for check in checks:
        test = getattr(suite(), f"test_{check.name}", None)
        if test is None:
            raise HiddenChecksError.no_test(check.name, exercise, path)
        failure: Exception | None = None
        try:
            test(student, Instances(secret, notebook, exercise, check.name, place=place))
        except HiddenChecksError as error:
            raise error.of(check.name, exercise) from error
        except Exception as error:  # whatever a wrong answer provokes is a failed check
            failure = error
        yield check, failure


def run_checks(
    student: Student, path: Path, notebook: str, exercise: str, checks: Iterable[Check], secret: bytes
) -> list[CheckResult]:
    """Return a result for each of the checks; see :func:`failures`."""
    return settle(
        [CheckResult.of(*pair, exercise) for pair in failures(student, path, notebook, exercise, checks, secret)]
    )
