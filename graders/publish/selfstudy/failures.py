"""The message of a failure on fresh problems: the call, its inputs, and the reader's own line."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graders.checking.student import Student
from graders.checking.verdict import judge
from graders.sandbox.values import Seed
from graders.status import Status, StudentError, StudentFault
from sheaflab import Integrator, Network, Sheaf
from sheaflab.checks.messages import rows
from sheaflab.checks.raised import Raised
from sheaflab.study.problem import parameters

_MOST = 60  # numbers of one input that are written out
_LONG = 300
_WIDTH = 76  # fits the narrowest page that shows it


@dataclass(frozen=True)
class Call:
    """A call of an answer.

    Attributes
    ----------
    text : str
        As the reader would type it, with names for its inputs.
    inputs : Mapping of str to object
        By these names.
    answer : object
        What was called, if it is in this process.
    """

    text: str
    inputs: Mapping[str, Any]
    answer: object = None

    def given(self) -> str:
        """Return the lines that make the inputs."""
        lines = [written(name, value) for name, value in self.inputs.items()]
        return "\n".join(_wrapped(line) for line in lines)


class Asked(Student):
    """Carries out a check's calls of an answer, and remembers the last call and its exception.

    Parameters
    ----------
    student : Student
        Who carries the calls out.
    stub : str
        The exercise's cell as it was handed out: its signature has the names of the inputs.
    """

    def __init__(self, student: Student, stub: str) -> None:
        super().__init__({})
        self._student, self._stub = student, stub
        self.next_check()

    def next_check(self) -> None:
        """Forget the calls of the check before."""
        self.last: Call | None = None
        self.raised: Exception | None = None

    def next_exercise(self) -> None:
        self._student.next_exercise()

    def source(self, exercise: str) -> str:
        return self._student.source(exercise)

    def _perform(self, request: dict[str, Any], name: str) -> Any:
        answer = getattr(self._student, "names", {}).get(name)
        self.last = Call(*_typed(request, parameters(self._stub, name)), answer)
        try:
            return self._student.ask(request)
        except Exception as error:
            self.raised = error
            raise

    def message(self, failure: Exception) -> str:
        """Return the message for what ended a check: the judgement, with the call and the inputs that it names.

        Parameters
        ----------
        failure : Exception
        """
        call, (_, message) = self.last, judge(failure)
        head = [("given", call.given()), ("call", call.text)] if call is not None else []
        if isinstance(failure, StudentFault) and failure is self.raised and call is not None:
            return _raised(failure, call, head)
        first, _, rest = message.partition("\n")
        shown = head[:1] if isinstance(failure, AssertionError) else head  # a check's own message names its call
        return "\n".join(part for part in (first, rows(shown), rest) if part)


def _typed(request: Mapping[str, Any], parameters: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the text of a call as a reader would type it, and its inputs by the names in it.

    A check may call what another exercise asks for, too: the stub has no names for those inputs, and they are numbered.
    """
    name, args, kwargs = request["name"], request["args"], request["kwargs"]
    keywords = [f"{key}={key}" for key in kwargs]
    if request["op"] == "series":  # all are calls of one kind: the last stands for them
        args = [request["objects"][place] for place in request["calls"][-1]]
    if "init" in request:
        method = request["method"]
        names = list(inspect.signature(getattr(Integrator, method)).parameters)[1 : len(args) + 1]
        made = ", ".join(f"{key}={value!r}" for key, value in request["init"].items())
        text = f"{name}({made}).{method}({', '.join([*names, *keywords])})"
    else:
        skipped = 1 if request["op"] == "draw" else 0  # the axes
        names = parameters[skipped : len(args) + skipped]
        names += [f"argument_{k + 1}" for k in range(len(names), len(args))]
        text = f"{name}({', '.join([*parameters[:skipped], *names, *keywords])})"
    return text, dict(zip([*names, *kwargs], [*args, *kwargs.values()], strict=True))


def _raised(failure: StudentFault, call: Call, head: list[tuple[str, str]]) -> str:
    if failure.__cause__ is not None:  # the exception itself, where the call was made in this process
        lines = [("raised", failure.message), *Raised.of(failure.__cause__, call.answer).rows()[1:]]
    elif isinstance(failure, StudentError):
        lines = Raised.read(failure.message, failure.traceback).rows()
    else:
        lines = []
    if isinstance(failure, StudentError) and failure.status in (Status.RAISED, Status.NOT_ATTEMPTED):
        return "your code raises an error\n" + rows([*head, *lines])
    what = failure.message or failure.status.label
    return f"{failure.status.label}\n" + rows([*head, ("what", what), *lines[1:], ("next", failure.status.remedy)])


def _wrapped(line: str) -> str:
    """Break a line at spaces, which Python lets one do inside brackets."""
    return textwrap.fill(line, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def written(name: str, value: Any) -> str:
    """Return the line of Python that makes an input, or a description if the line would be too long."""
    text = expression(value)
    if text:
        return f"{name} = {text}"
    if isinstance(value, np.ndarray):
        span = f", from {value.min():.6g} to {value.max():.6g}" if value.size and value.dtype.kind in "iuf" else ""
        return f"{name}: an array of shape {value.shape}{span}"
    if isinstance(value, (Network, Sheaf)):
        net = value if isinstance(value, Network) else value.net
        return f"{name}: a {type(value).__name__} with widths {net.widths}"
    if callable(value):
        return f"{name}: a function of the check"
    return f"{name}: a {type(value).__name__}" + (f" of length {len(value)}" if hasattr(value, "__len__") else "")


def expression(value: Any) -> str:
    """Return Python text that makes a value, every digit of it; an empty text if that would be long."""
    if isinstance(value, np.ndarray):
        return f"np.array({_listed(value)})" if value.size <= _MOST else ""
    if isinstance(value, Network):
        if sum(part.size for part in (*value.weights, *value.biases)) > _MOST:
            return ""
        weights, biases = (", ".join(map(_listed, parts)) for parts in (value.weights, value.biases))
        return f"Network([{weights}], [{biases}])"
    if isinstance(value, Sheaf):
        net = expression(value.net)
        return f"Sheaf({net}, {_listed(value.x)})" if net else ""
    if isinstance(value, Seed):
        return f"np.random.default_rng({value.value})"
    if isinstance(value, np.generic):
        return repr(value.item())
    text = repr(value)
    return text if isinstance(value, (bool, int, float, str, list, tuple)) and len(text) <= _LONG else ""


def _listed(array: Any) -> str:
    return repr(array.tolist())
