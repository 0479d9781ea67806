"""An exception in an answer, for its author: the error, the author's own lines, and nothing of the library."""

from __future__ import annotations

import linecache
import re
from dataclasses import dataclass

from sheaflab.checks.machine import difference

_SHOWN = 3
_WIDTH = 1000
# A frame in a printed traceback. Cells have no file: IPython, the terminal's check and Pyodide write <…>.
_FRAME = re.compile(
    r'  File "(?:<(?!frozen|__array)[^">]+>|[^"]*ipykernel[^"]*)", line (?P<line>\d+), in (?P<function>.*)\n'
    r"(?: {4}(?P<text>.*)\n)?"
)

# What Python and numpy say in their own words, and what it mostly means in an answer.
_ADVICE = (
    (r"boolean negative", "True and False have no minus: negate the numbers, or make numbers of it with astype(float)"),
    (r"values to unpack", "how many parts there are differs from call to call: loop over them with `for`"),
    (
        r"truth value of an array",
        "`if`, `and`, `or`, `not` take one truth value: use np.where, `&`, `|`, `~` or a loop",
    ),
    (
        r"not subscriptable|unsupported .*NoneType",
        "a value may be None: does a function that is called lack its `return`?",
    ),
)
_SIGNATURE = re.compile(r"^TypeError: [\w.<>]+\(\) (takes|missing|got an unexpected|got multiple)")


@dataclass(frozen=True)
class Place:
    """A line that was being executed: its number in its cell or file, its function, its text."""

    line: int
    function: str
    text: str


@dataclass(frozen=True)
class Raised:
    """An exception in an answer.

    Attributes
    ----------
    error : str
        Its type and message.
    places : tuple of Place
        Where it happened, outermost first; the answer's own code only. Empty if none of it was at work.
    """

    error: str
    places: tuple[Place, ...] = ()

    @classmethod
    def of(cls, error: BaseException, answer: object = None) -> Raised:
        """Describe an exception that has been caught.

        Parameters
        ----------
        error : BaseException
        answer : object
            The function or class that was called. Its module, ``__main__``, which a notebook's cells make up, and code
            of no module are the author's: front ends differ in the file names that they give to cells, not in this.
        """
        own = {None, "__main__"}
        if (module := getattr(answer, "__module__", None)) and module.partition(".")[0] != "sheaflab":
            own.add(module)
        places, tb = [], error.__traceback__
        while tb is not None:
            frame, code = tb.tb_frame, tb.tb_frame.f_code
            if frame.f_globals.get("__name__") in own:
                text = linecache.getline(code.co_filename, tb.tb_lineno, frame.f_globals).strip()
                places.append(Place(tb.tb_lineno, code.co_name, text))
            tb = tb.tb_next
        return cls(describe(error), tuple(places))

    @classmethod
    def read(cls, error: str, trace: str) -> Raised:
        """Describe an exception of which only the printed traceback is left."""
        frames = [(int(m["line"]), m["function"], (m["text"] or "").strip()) for m in _FRAME.finditer(trace)]
        return cls(error[:_WIDTH], tuple(Place(*parts) for parts in frames))

    def rows(self) -> list[tuple[str, str]]:
        """Return name and text of the rows that a message shows of it."""
        rows = [("raised", self.error)]
        for place in self._apart()[-_SHOWN:]:
            text = place.text or f"of {place.function}"  # a Python prompt does not keep what was typed
            other = "" if place.function in (self.places[0].function, "<module>") else f"   (in {place.function})"
            rows.append((f"line {place.line}", f"{text}{other}"))
        return [*rows, ("hint", self._advice())]

    def _apart(self) -> list[Place]:
        """The places, without a generator or a lambda in the line that is shown already."""
        kept: list[Place] = []
        for place in self.places:
            again = kept and (place.line, place.text) == (kept[-1].line, kept[-1].text)
            if not (again and place.function.startswith("<")):
                kept.append(place)
        return kept

    def _advice(self) -> str:
        if not self.places and _SIGNATURE.search(self.error):  # the call itself, not one that the answer makes
            return "keep the parameters of the line with `def` as they were handed out"
        return next((advice for sign, advice in _ADVICE if re.search(sign, self.error)), "") or difference(self.error)


def describe(error: BaseException) -> str:
    """Return type and message of an exception, bounded; its message may itself be code that fails."""
    try:
        message = str(error)
    except Exception:
        message = "(an exception without a readable text)"
    kind = type(error).__name__
    return f"{kind}: {message}"[:_WIDTH] if message else kind
