"""The text of a message: the call, what came back, what was expected, by how much it misses, one hint."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from sheaflab.arrays import FloatArray
from sheaflab.checks import cpu
from sheaflab.checks.raised import Raised

_WIDTH = 400
_LONGEST = 1000  # of a text that a check has put together; what comes after it has to be read, too
_SMALL = 12
_ALL = 16  # digits
_NOTHING = "nothing came back: is a `return` missing?"
_NEARLY = "nearly right, but too far off for rounding: use the exact formula, without small steps or rounded numbers"
_ENDLESS = "look for a loop that never ends, or for work that could be done once outside a loop"
_NEAR = 1e-6  # of the size of the numbers


class MessageOnly(Exception):
    """An error that is for the reader: in notebooks its text alone is shown, not the library's code that raised it."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython and its kernels show in the place of a traceback."""
        return str(self).split("\n")


class CheckFailed(MessageOnly, AssertionError):
    """An answer is not right yet; the text says what was called, what came back, what was expected, and a hint."""

    __module__ = "sheaflab.checks"  # where it is public: a plain Python prints this name


class NotWritten(CheckFailed):
    """There is no answer yet: the cell is as it was handed out, or still ends in its placeholder."""

    __module__ = "sheaflab.checks"


@contextlib.contextmanager
def calling(answer: object, call: str, given: str = "") -> Iterator[Callable[..., None]]:
    """Run a call of an answer; what it raises becomes a message with the call and the answer's own line.

    It is stopped after :data:`sheaflab.checks.cpu.CALL_SECONDS` of CPU time, where a call can be stopped.

    The block is given :func:`close` with this call, to judge what comes back.

    Parameters
    ----------
    answer : object
        The function or class that is called.
    call, given : str
        As in :func:`fail`.

    Raises
    ------
    CheckFailed
        If the call raises, or takes too long.
    NotWritten
        If what it raises is the placeholder's `NotImplementedError`.
    """
    try:
        with cpu.cpu_limit(cpu.CALL_SECONDS):
            yield partial(close, call=call, given=given)
    except CheckFailed:
        raise
    except cpu.CpuTimeError as stop:
        what = f"the computing time of one call ({cpu.CALL_SECONDS:g} s) is used up"
        where = Raised.of(stop, answer).rows()[1:]
        text = rows([("given", given), ("call", call), ("what", what), *where, ("next", _ENDLESS)])
        raise CheckFailed(f"timed out\n{text}") from None
    except (Exception, SystemExit) as error:
        raised = Raised.of(error, answer)
        if isinstance(error, NotImplementedError) and raised.places:
            raise NotWritten(str(error)) from None
        text = rows([("given", given), ("call", call), *raised.rows()])
        raise CheckFailed(f"your code raises an error\n{text}") from None


def show(value: object, digits: int = 0) -> str:
    """Return a short text for a value, arrays included; with so many digits, or as many as a glance takes in."""
    if isinstance(value, np.ndarray):
        text = np.array2string(value, precision=digits or 6, separator=", ", threshold=40)
        text = text if value.ndim < 2 or value.size <= 40 else f"array of shape {value.shape}"
    elif isinstance(value, (bool, np.bool_)):
        text = str(bool(value))
    elif isinstance(value, (float, np.floating)):
        text = f"{float(value):.{digits or 8}g}"
    elif isinstance(value, (list, tuple)) and all(isinstance(v, (float, np.floating)) for v in value):
        inner = ", ".join(show(v, digits) for v in value)
        text = f"[{inner}]" if isinstance(value, list) else f"({inner})"
    else:
        text = repr(value)
    return shortened(text, _WIDTH)


def shortened(text: str, most: int) -> str:
    """Return a text, or the beginning of it if it has more than `most` characters."""
    return text if len(text) <= most else text[:most] + " …"


def fail(*, call: str, returned: object, expected: object, hint: str = "", off: str = "", given: str = "") -> NoReturn:
    """Raise :class:`CheckFailed` in the form of all messages.

    Parameters
    ----------
    call : str
        What was called, as a student would type it.
    returned, expected : object
        Text is shown as it is, other values shortened; what a student returned and may be text goes through `show`.
    hint : str
        One hint. Where nothing came back it gives way to one about that.
    off : str
        By how much it misses, if that can be said.
    given : str
        The line to type before the call, if it needs one.

    Raises
    ------
    CheckFailed
        Always.
    """
    if returned is None or (isinstance(returned, str) and returned == show(None)):
        hint = _NOTHING
    parts = [("given", given), ("call", call), ("returned", returned), ("expected", expected)]
    texts = [(name, shortened(value, _LONGEST) if isinstance(value, str) else show(value)) for name, value in parts]
    raise CheckFailed("not right yet\n" + rows([*texts, ("off by", off), ("hint", hint)]))


def rows(parts: Iterable[tuple[str, str]]) -> str:
    """Return the rows of a message: a name and a text each; rows without a text are left out."""
    lines = [f"  {name + ':':<10}{text}".replace("\n", "\n" + " " * 12) for name, text in parts if text]
    return "\n".join(lines)


def read_rows(message: str) -> dict[str, str]:
    """Return the rows of a message that :func:`rows` made, by their names; of two with one name the first."""
    found = [(name, text.replace("\n" + " " * 12, "\n")) for name, text in _ROW.findall(message)]
    return dict(reversed(found))


_ROW = re.compile(r"^  (\w[\w ]*): +(.*(?:\n {12}.*)*)", re.MULTILINE)


def close(returned: object, expected: ArrayLike, *, call: str, tol: float, hint: str = "", given: str = "") -> None:
    """Compare numbers; lists and arrays, booleans and 0/1 are equally welcome.

    Parameters
    ----------
    returned : object
        The student's value.
    expected : array_like
    call : str
    tol : float
        Largest allowed difference, absolute.
    hint, given : str
        As in :func:`fail`.

    Raises
    ------
    CheckFailed
        If the value is no array of numbers, has another shape, or misses by more than `tol`.
    """
    want, got = np.asarray(expected, dtype=np.float64), numbers(returned)

    def miss(wanted: str = "", off: str = "", hint: str = hint) -> NoReturn:
        plain = _plain(expected, returned)
        told, wanted = show(returned), wanted or show(plain)
        if got is not None and show(got) == show(want):  # what differs is further behind
            told, wanted = show(returned, _ALL), show(plain, _ALL)
        fail(call=call, returned=told, expected=wanted, off=off, hint=hint, given=given)

    if got is None:
        miss(_kind(want) + ("" if returned is None else f", got a {type(returned).__name__}"))
    if got.size == want.size == 1:  # a number and an array of one number are the same answer
        got = got.reshape(want.shape)
    if got.shape != want.shape:
        miss("" if want.size <= _SMALL else _kind(want), _sizes(got.shape, want.shape))
    if not np.isfinite(got).all():
        miss()
    distance = np.abs(got - want)
    worst = float(distance.max(initial=0.0))
    if worst > tol:
        truth = np.asarray(expected).dtype == bool  # no number says how far true is from false
        near = 0 < tol < worst <= _NEAR * float(np.abs(want).max(initial=0.0))
        off = "" if truth else f"{worst:.4g}{_place(distance)}{_room(tol)}"
        miss(off=off, hint=_NEARLY if near else hint)


def _sizes(got: tuple[int, ...], want: tuple[int, ...]) -> str:
    """How another shape is told: of lists their lengths, for who has never met a shape."""
    if len(got) == len(want) == 1:
        return f"{got[0]} {'entry' if got[0] == 1 else 'entries'} instead of {want[0]}"
    return f"shape {got} instead of {want}"


def _place(distance: FloatArray) -> str:
    """Where it misses most, as a student would index it."""
    if not distance.ndim:
        return ""
    where = tuple(int(k) for k in np.unravel_index(int(np.argmax(distance)), distance.shape))
    return f" at index {where if len(where) > 1 else where[0]}"


def _room(tol: float) -> str:
    return f" (allowed: {tol:.1g})" if tol else ""


def _plain(expected: ArrayLike, returned: object) -> object:
    """What was expected as a student would write it: whole numbers without a point, a tuple where one came back."""
    array = np.asarray(expected)
    if isinstance(returned, tuple) and array.ndim == 1:
        return tuple(array.tolist())
    return array if array.ndim else array.item()


def numbers(value: object) -> FloatArray | None:
    """Return a value as an array of numbers of its own, or None if it is none.

    Parameters
    ----------
    value : object
        Anything. The parts of lists are looked at first: beside one long text, numpy would give each number its room.
    """
    if not all(isinstance(part, _NUMBER) for part in _parts(value)):
        return None
    try:
        array = np.array(value)
        if array.dtype.kind == "O":  # Python's numbers
            array = np.array(array.tolist())
    except (TypeError, ValueError):  # ragged lists
        return None
    return array.astype(np.float64, copy=False) if array.dtype.kind in "biuf" else None


_NUMBER = (bool, int, float, np.bool_, np.integer, np.floating)


def _parts(value: object) -> Iterator[object]:
    """Yield what lists in `value` hold, and nothing of other values: numpy knows best what these are."""
    left = [value] if isinstance(value, (list, tuple)) else []
    while left:
        for part in left.pop():
            if isinstance(part, (list, tuple)):
                left.append(part)
            elif not hasattr(part, "__array__"):
                yield part


def _kind(want: FloatArray) -> str:
    return f"numbers of shape {want.shape}" if want.ndim else "one number"
