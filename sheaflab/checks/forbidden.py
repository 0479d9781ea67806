"""What a task forbids: the library's functions that would leave nothing to do, and who uses them nevertheless."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import Any

Check = Callable[[Any], None]


def forbids(*names: str) -> Callable[[Check], Check]:
    """Mark the visible check of an exercise whose task forbids functions and classes of the library.

    Parameters
    ----------
    *names : str
        Such as ``"Sheaf.energy"``, ``"Euler"``.
    """

    def mark(check: Check) -> Check:
        check.forbids = tuple(f"sheaflab:{name}" for name in names)  # type: ignore[attr-defined]
        return check

    return mark


def forbidden(check: object) -> tuple[str, ...]:
    """Return what the task of a visible check forbids, such as ``("sheaflab:Sheaf.energy",)``."""
    names: tuple[str, ...] = getattr(check, "forbids", ())
    return names


def unknown(check: object) -> tuple[str, ...]:
    """Return those of the forbidden names that the library does not have: nobody could use them."""
    return tuple(name for name in forbidden(check) if not _is_there(name))


def _is_there(name: str) -> bool:
    try:
        resolve_name(name)
    except (AttributeError, ImportError, ValueError):
        return False
    return True


def listed(used: Iterable[str]) -> str:
    """Return some of these names as a sentence has them."""
    return ", ".join(f"`{name.partition(':')[2]}`" for name in sorted(used))


def _codes(thing: Any) -> set[Any]:
    """The code of a function, a property, or of all that a class defines itself."""
    if isinstance(thing, type):
        return set().union(*(_codes(part) for part in vars(thing).values() if not isinstance(part, type)))
    for name in ("fget", "func", "__func__"):
        thing = getattr(thing, name, None) or thing
    code = getattr(thing, "__code__", None)
    return {code} if code is not None else set()


def _in_library(module: str) -> bool:
    return module.partition(".")[0] == "sheaflab"


def _of_library(kind: type) -> bool:
    """Tell whether a class stands in the library, whatever it says of itself: a copy has the name of its original."""
    home = sys.modules.get(str(kind.__module__))
    return _in_library(str(kind.__module__)) and getattr(home, kind.__name__, None) is kind


@contextmanager
def watching(answer: object, names: Iterable[str]) -> Iterator[set[str]]:
    """Note which of the library's functions and classes code outside the library uses, however it came by them.

    This runs in the process of what it watches: advice, and no proof.

    Parameters
    ----------
    answer : object
        The function or class that is called in the block. Of a class, what it inherits or borrows counts too.
    names : iterable of str
        Such as ``"sheaflab:Sheaf.energy"``.

    Yields
    ------
    set of str
        Those of the names that were used, when the block has ended.
    """
    used, functions, classes = set[str](), dict[Any, str](), dict[type, tuple[str, set[Any]]]()
    for name in names:
        thing = resolve_name(name)
        if isinstance(thing, type):
            classes[thing] = name, _codes(thing)
        else:
            functions.update(dict.fromkeys(_codes(thing), name))
    of_classes = {code for kind in classes for base in kind.__mro__[:-1] for code in _codes(base)}
    called = {code.co_name for code in (*functions, *of_classes)}  # known at once, where a code is not

    def by_the_library(code: Any, frame: Any) -> bool:
        """Tell whether the library itself calls this, and is not the way on which something it was given does."""
        while frame is not None and frame.f_globals.get("__name__") == "functools":
            frame = frame.f_back  # a cached property is asked through it
        while frame is not None and _in_library(str(frame.f_globals.get("__name__", ""))):
            if code.co_name in frame.f_code.co_names or code.co_name.startswith("__"):
                return True
            frame = frame.f_back  # it calls what it was handed: who has handed it?
        return False

    def note(frame: Any, event: str, _argument: Any) -> None:
        if event != "call" or (code := frame.f_code).co_name not in called or (caller := frame.f_back) is None:
            return
        if code not in functions and code not in of_classes:
            return
        if by_the_library(code, caller):
            return
        if code in functions:
            used.add(functions[code])
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        for kind, (name, own) in classes.items():  # a subclass made for the purpose is no way around it
            if isinstance(first, kind) or code in own:
                used.add(name)

    if not functions and not classes:  # nothing to note: every call of the block would be looked at all the same
        yield used
        return
    before, of_threads = sys.getprofile(), threading.getprofile()
    sys.setprofile(note)
    threading.setprofile(note)  # of threads that the block starts
    try:
        yield used
    finally:
        sys.setprofile(before)
        threading.setprofile(of_threads)
    if isinstance(answer, type):
        mine = [base for base in answer.__mro__ if not _of_library(base)]
        parts = set().union(*(_codes(base) for base in mine))
        used |= {name for kind, (name, own) in classes.items() if kind in answer.__mro__ or own & parts}
