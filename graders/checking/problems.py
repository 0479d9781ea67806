"""Fresh problems for the hidden checks, screened by certificate where the truth would depend on the scheme."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from graders.checking import kept
from graders.checking.verdict import HiddenChecksError
from sheaflab import Euler, Exact, Network, Sheaf, Trajectory
from sheaflab.arrays import FloatArray
from sheaflab.checks.forbidden import listed
from sheaflab.checks.messages import fail, numbers

Rng = np.random.Generator
_TRIES = 2000
_REMEMBERED = 2048
P = ParamSpec("P")
T = TypeVar("T")
_known: OrderedDict[tuple[object, ...], tuple[Any, Any]] = OrderedDict()


def remembered(make: Callable[Concatenate[Rng, P], T]) -> Callable[Concatenate[Rng, P], T]:
    """Make a slow search once for each state of its generator: a class of students meets the same problems."""

    @functools.wraps(make)
    def again(rng: Rng, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (make.__module__, make.__qualname__, str(rng.bit_generator.state), repr(args), repr(kwargs))
        if key not in _known:
            with kept.searching(key):
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


@contextmanager
def own_work(student: Any, answer: str, names: Iterable[str], *, hint: str) -> Iterator[None]:
    """Fail at the end of a block if the student's code has used in it what its task forbids.

    Parameters
    ----------
    student : Student
    answer : str
        Name of the function or class that the exercise asks for.
    names : iterable of str
        What is forbidden, as `forbidden_in` of :mod:`graders.checking.visible` returns it.
    hint : str
    """
    with student.watching(*names) as used:
        yield
    if used:
        call, returned = f"{answer}, while a hidden check calls it", f"uses the library's {listed(used)}"
        fail(call=call, returned=returned, expected="a computation of your own, as the task asks", hint=hint)
