"""The inputs of a check that failed, for who wants to look at them: ``sheaflab.problem("1.2")``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sheaflab.checks.messages import read_rows
from sheaflab.network import Network
from sheaflab.sheaf import Sheaf
from sheaflab.study.catalogue import StudyError, StudyTask


class Problem(Mapping[str, Any]):
    """A call of an answer that did not come back right: its inputs, by the names of the parameters.

    Attributes
    ----------
    given, call : str
        The lines that repeat it; `given` is empty where the call needs nothing.

    Examples
    --------
    >>> import sheaflab
    >>> sheaflab.check("1.1", lambda z: (z >= 0).astype(int))
    ✗ 1.1 the activation pattern
    ...
    >>> print(sheaflab.problem("1.1"))
    1.1 the activation pattern
    to repeat the call:
        activation_pattern(np.array([0.0, -0.0, 1e-300]))
    ...
    """

    def __init__(self, title: str, given: str, call: str, inputs: dict[str, Any]) -> None:
        self.given, self.call = given, call
        self._title, self._inputs = title, inputs

    def __getitem__(self, name: str) -> Any:
        return self._inputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def __repr__(self) -> str:
        lines = [line for line in (self.given, self.call) if line]
        values = [f"{name} = {value!r}" for name, value in self._inputs.items()]
        parts = (self._title, "to repeat the call:", *_indented(lines), "its inputs:", *_indented(values))
        return "\n".join(parts)


def _indented(texts: list[str]) -> list[str]:
    return ["    " + text.replace("\n", "\n    ") for text in texts]


def problem_of(task: StudyTask, message: str, answer: object = None) -> Problem:
    """Return the problem that the message of a check speaks of.

    Parameters
    ----------
    task : StudyTask
    message : str
        As :func:`sheaflab.checks.messages.rows` makes it.
    answer : object
        The function or class that was called; a class knows the parameters of its methods.

    Raises
    ------
    StudyError
        If it names no call, or the inputs are too large to stand in a message.
    """
    told = read_rows(message)
    given, call = told.get("given", ""), told.get("call", "")
    if not call:
        raise StudyError(f"the check of {task.id} failed before it called anything; its message says why")
    names: dict[str, Any] = {"np": np, "Network": Network, "Sheaf": Sheaf}
    if "plt." in given:
        import matplotlib.pyplot as plt  # slow

        names["plt"] = plt
    try:
        exec(given, names)
        inputs = _inputs(task, call, names, answer)
    except (SyntaxError, NameError):  # in the place of a line there is a description
        raise StudyError(f"the inputs of this call of {task.id} are too large to write out:\n{given}") from None
    return Problem(f"{task.id} {task.title}", given, call, inputs)


def _inputs(task: StudyTask, text: str, names: dict[str, Any], answer: object) -> dict[str, Any]:
    call = next((node for node in ast.walk(ast.parse(text)) if _calls(node, task.function)), None)
    if call is None:
        return {}
    assert isinstance(call, ast.Call)
    method = getattr(answer, call.func.attr, None) if isinstance(call.func, ast.Attribute) else None
    places = [*inspect.signature(method).parameters][1:] if callable(method) else parameters(task.stub, task.function)
    places += [f"argument_{k}" for k in range(len(places), len(call.args))]
    values = {name: _value(node, names) for name, node in zip(places, call.args, strict=False)}
    return values | {str(word.arg): _value(word.value, names) for word in call.keywords}


def _calls(node: ast.AST, name: str) -> bool:
    """Whether a node is the call of an answer, or of a method of what the answer, a class, makes."""
    if not isinstance(node, ast.Call):
        return False
    made = node.func
    if isinstance(made, ast.Attribute) and isinstance(made.value, ast.Call):
        made = made.value.func
    return isinstance(made, ast.Name) and made.id == name


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "<call>", "eval"), names)


def parameters(stub: str, function: str) -> list[str]:
    """Names of a function's parameters, from the text that defines it; none if it defines something else."""
    for node in ast.parse(stub).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return []
