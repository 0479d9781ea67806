"""What a failure on fresh problems tells: the call, the inputs that it names, and the reader's own line."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graders.checking.local import OutOfTimeError
from graders.sandbox.values import Seed
from graders.status import Status, StudentError, StudentFault
from sheaflab import Integrator, Network, Sheaf
from sheaflab.checks.messages import rows
from sheaflab.checks.raised import Raised, describe

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


class Asked:
    """A student's side of the checks that remembers the last call, and what it raised.

    Parameters
    ----------
    student : Student or LocalStudent
    stub : str
        The exercise's cell as it was handed out: its signature has the names of the inputs.
    """

    def __init__(self, student: Any, stub: str) -> None:
        self._student, self._stub = student, stub
        self.next_check()

    def next_check(self) -> None:
        """Forget the calls of the check before."""
        self.last: Call | None = None
        self.raised: Exception | None = None

    def has(self, name: str) -> bool:
        """As the student's."""
        return bool(self._student.has(name))

    def source(self, exercise: str) -> str:
        """As the student's."""
        return str(self._student.source(exercise))

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """As the student's."""
        names = [*_parameters(self._stub, name)[: len(args)], *kwargs]
        typed = ", ".join([*names[: len(args)], *(f"{key}={key}" for key in kwargs)])
        values = dict(zip(names, (*args, *kwargs.values()), strict=True))
        return self._ask(Call(f"{name}({typed})", values, self._answer(name)), "call", name, *args, **kwargs)

    def run(self, name: str, init: Mapping[str, Any], *args: Any, method: str = "run") -> Any:
        """As the student's."""
        names = list(inspect.signature(getattr(Integrator, method)).parameters)[1 : len(args) + 1]
        made = ", ".join(f"{key}={value!r}" for key, value in init.items())
        text, values = f"{name}({made}).{method}({', '.join(names)})", dict(zip(names, args, strict=True))
        call = Call(text, values, self._answer(name))
        return self._ask(call, "run", name, init, *args, method=method)

    def draw(self, name: str, *args: Any) -> Any:
        """As the student's."""
        names = _parameters(self._stub, name)[: len(args) + 1]
        values = dict(zip(names[1:], args, strict=True))
        return self._ask(Call(f"{name}({', '.join(names)})", values, self._answer(name)), "draw", name, *args)

    def _answer(self, name: str) -> object:
        return getattr(self._student, "names", {}).get(name)

    def _ask(self, call: Call, way: str, *args: Any, **kwargs: Any) -> Any:
        self.last = call
        try:
            return getattr(self._student, way)(*args, **kwargs)
        except Exception as error:
            self.raised = error
            raise

    def tell(self, failure: Exception) -> str:
        """Return the message for what ended a check.

        Parameters
        ----------
        failure : Exception
        """
        call = self.last
        head = [("given", call.given()), ("call", call.text)] if call is not None else []
        if failure is self.raised and call is not None:
            return _raised(failure, call, head)
        if isinstance(failure, AssertionError):
            told, _, rest = (str(failure) or "the check failed").partition("\n")
            return "\n".join(part for part in (told, rows(head[:1]), rest) if part)
        head += [("raised", describe(failure))]
        return "the check could not use what your code returned\n" + rows(head)


def _raised(failure: Exception, call: Call, head: list[tuple[str, str]]) -> str:
    if isinstance(failure, StudentError) and failure.status in (Status.RAISED, Status.NOT_ATTEMPTED):
        return "your code raises an error\n" + rows([*head, *Raised.read(failure.message, failure.traceback).rows()])
    if isinstance(failure, StudentFault):
        told = failure.message or failure.status.label
        return f"{failure.status.label}\n" + rows([*head, ("what", told), ("next", failure.status.remedy)])
    found = Raised.of(failure, call.answer).rows()
    if isinstance(failure, OutOfTimeError):
        where = [("stopped", str(failure)), *found[1:], ("next", Status.TIMED_OUT.remedy)]
        return f"{Status.TIMED_OUT.label}\n" + rows([*head, *where])
    return "your code raises an error\n" + rows([*head, *found])


def _wrapped(line: str) -> str:
    """Break a line at spaces, which Python lets one do inside brackets."""
    return textwrap.fill(line, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _parameters(stub: str, function: str) -> list[str]:
    """Names of a function's parameters, from the text that defines it."""
    for node in ast.parse(stub).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return []


def written(name: str, value: Any) -> str:
    """Return the line that makes an input; one that is too long to be typed is described."""
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
