"""Fresh problems for the hidden checks, screened by certificate where the truth would depend on the scheme."""

from __future__ import annotations

import ast
import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from graders.checking.verdict import HiddenChecksError
from graders.sandbox.sources import TooDense, Unparsable, parse
from sheaflab import Euler, Exact, Network, Sheaf, Trajectory
from sheaflab.arrays import FloatArray
from sheaflab.checks.messages import fail, numbers

Rng = np.random.Generator
_TRIES = 2000
_REMEMBERED = 512
P = ParamSpec("P")
T = TypeVar("T")
_known: OrderedDict[tuple[object, ...], tuple[Any, Any]] = OrderedDict()


def remembered(make: Callable[Concatenate[Rng, P], T]) -> Callable[Concatenate[Rng, P], T]:
    """Make a slow search once for each state of its generator: a class of students meets the same problems."""

    @functools.wraps(make)
    def again(rng: Rng, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (make.__module__, make.__qualname__, str(rng.bit_generator.state), repr(args), repr(kwargs))
        if key not in _known:
            made = make(rng, *args, **kwargs)
            _known[key] = made, rng.bit_generator.state
            while len(_known) > _REMEMBERED:
                _known.popitem(last=False)
        value, rng.bit_generator.state = _known[key]
        return value  # type: ignore[no-any-return]

    return again


def sheaf(rng: Rng, widths: list[int] | None = None, bias_scale: float = 0.5) -> Sheaf:
    """Draw a random network with a random pinned input; biases are large enough to be missed when forgotten."""
    shape = [2, 4, 1] if widths is None else widths
    return Sheaf(Network.random(shape, rng, bias_scale=bias_scale), rng.standard_normal(shape[0]))


def cochain(rng: Rng, of: Sheaf, magnitude: float = 1.5) -> FloatArray:
    """Draw a free cochain with no coordinate close to a wall."""
    c = magnitude * rng.standard_normal(of.n)
    return np.asarray(c + 0.05 * np.sign(c))


def mixed(rng: Rng, of: Sheaf, magnitude: float = 1.5) -> FloatArray:
    """Draw a free cochain with active and inactive neurons in each hidden layer of two neurons or more."""
    c = np.abs(cochain(rng, of, magnitude))
    start = 0
    for width in of.net.widths[1:-1]:
        if width > 1:
            off = rng.permutation(width)[: rng.integers(1, width)]
            c[start + off] *= -1
        start += width
    c[of.h :] *= rng.choice([-1.0, 1.0], of.n - of.h)
    return c


def matrix(value: object) -> FloatArray:
    """Return what came back as an array to cut blocks from; what is no array of numbers has shape (0,)."""
    array = numbers(value)
    return np.empty(0) if array is None else array


def rounding(*sizes: float) -> float:
    """Allowed difference for a formula of a few hundred operations on numbers of these sizes."""
    return 1e-10 * max(1.0, *(abs(s) for s in sizes))


def gap(log_times: FloatArray) -> float:
    """Shortest time between two switches (and from the start to the first)."""
    return float(np.diff(np.concatenate([[0.0], log_times])).min()) if len(log_times) else float("inf")


def certain_runs(
    rng: Rng,
    widths: list[int] | None = None,
    *,
    magnitude: float = 2.0,
    t_end: float = 20.0,
    switches: int = 1,
    separation: float = 0.0,
    dt: float | None = None,
) -> Iterator[tuple[Sheaf, FloatArray, Trajectory]]:
    """Yield runs of which the truth does not depend on the scheme: certified by Exact to be free of sliding.

    Parameters
    ----------
    switches : int
        At least so many.
    separation : float
        Least time between two of them.
    dt : float, optional
        Also require that Euler with this step and with half of it counts what Exact counts: neither grazes.
    """
    for _ in range(_TRIES):
        problem = sheaf(rng, widths, bias_scale=0.1)
        c0 = cochain(rng, problem, magnitude)
        exact = Exact().run(problem, c0, t_end)
        if exact.log.slides or exact.log.count < switches or gap(exact.log.times) < separation:
            continue
        if dt is not None and any(Euler(d).run(problem, c0, t_end).log.count != exact.log.count for d in (dt, dt / 2)):
            continue
        yield problem, c0, exact
    raise HiddenChecksError(f"no certain run with {switches} switches in {_TRIES} draws")


def _answering(tree: ast.Module, answer: str) -> list[ast.stmt]:
    """The statements that an answer needs: what defines it, what defines the names it reads, and so on.

    A test of the student's below the answer, or an import that nothing uses, is no part of it.
    """
    needed, todo = list[ast.stmt](), [answer]
    while todo:
        name = todo.pop()
        for statement in tree.body:
            if statement in needed or name not in _bound(statement):
                continue
            needed.append(statement)
            todo += [n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return needed


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement of the cell gives a value."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    nodes = list(ast.walk(statement))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return stored | {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))}


def refuse(student: Any, exercise: str, answer: str, names: set[str], *, hint: str) -> None:
    """Fail if an answer, or what it needs of its cell, calls, imports or inherits what its task forbids.

    Parameters
    ----------
    student : Student
    exercise : str
    answer : str
        Name of the function or class that the exercise asks for.
    names : set of str
        Names as attributes (``sheaf.energy``) or on their own (``Euler``).
    hint : str
    """
    try:
        tree = parse(student.source(exercise))
    except TooDense as error:
        told = f"your answer to exercise {exercise}"
        fail(call=told, returned=f"cannot be read: {error}", expected="code that a person could read, too", hint=hint)
    except Unparsable:
        return  # the other checks say so
    tree = ast.Module(_answering(tree, answer), type_ignores=[])
    own = {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    methods = {n.name for c in classes for n in c.body if isinstance(n, ast.FunctionDef)}
    for node in ast.walk(tree):
        used: list[str] = []
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            used = [] if node.attr in methods else [node.attr]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own:
            used = [node.id] if node.id[:1].isupper() else []
        elif isinstance(node, ast.ImportFrom):
            used = [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
            used = [node.value]  # getattr(sheaf, "energy")
        for name in used:
            if name in names:
                fail(
                    call=f"your answer to exercise {exercise}, line {getattr(node, 'lineno', 0)} of its cell",
                    returned=f"uses the library's finished `{name}`",
                    expected="your own computation",
                    hint=hint,
                )
