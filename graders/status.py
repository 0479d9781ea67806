"""What can become of an exercise, a check or a whole notebook; each outcome carries its remedy."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """Outcome and remedy. The name goes into reports, the value is shown to the student."""

    OK = "ok"
    WRONG = "wrong: see the check's message below"
    NOT_ATTEMPTED = "not attempted: replace the line that raises NotImplementedError by your solution"
    RAISED = "raised an error: run the cell and the check below it from a fresh kernel"
    UNDEFINED = "not defined: the notebook defines no function of this name when it is run from top to bottom"
    CELL_MISSING = (
        "cell missing: its cell is not in the notebook; download the assignment again and copy your work over"
    )
    TIMED_OUT = "timed out: look for a loop that never ends, or for work that could be done once outside a loop"
    OUT_OF_MEMORY = "out of memory: look for an array or list that grows without bound"
    KILLED = "killed: the code ended its own process or crashed the interpreter"
    TOO_MUCH_OUTPUT = "too much output: remove the print from the loop"
    BAD_VALUE = (
        "returned something that the grader cannot read: return numbers, NumPy arrays, lists or the type asked for"
    )
    UNREADABLE = (
        "unreadable file: it is not a Jupyter notebook; save it again in Jupyter (File, Save) and hand that file in"
    )
    FOREIGN = "of another assignment: hand in the notebook of this one, and that one where it belongs"
    MISSING = "not handed in: there is no file of this name"
    GRADER = "grader error: not your fault, the staff has been told"

    @property
    def label(self) -> str:
        """The outcome without its remedy."""
        return self.value.partition(":")[0]

    @property
    def remedy(self) -> str:
        """What to do about it; empty for OK."""
        return self.value.partition(":")[2].strip()

    @property
    def waits(self) -> bool:
        """Whether a person must say what the work is worth, because no machine has seen it."""
        return self in (Status.GRADER, Status.UNREADABLE)

    @property
    def without_work(self) -> bool:
        """Whether nothing of the student's is there."""
        return self in (Status.NOT_ATTEMPTED, Status.CELL_MISSING, Status.MISSING)


OUT_OF_TIME = "the computing time allowed for one cell or call is used up"


class StudentFault(Exception):
    """A call into student code did not end in a value. Carries the status and a message safe to show.

    Parameters
    ----------
    status : Status
    message : str
        What happened, in plain text.
    call : str
        The call, as a student would write it.
    """

    def __init__(self, status: Status, message: str = "", call: str = "") -> None:
        super().__init__(message or status.value)
        self.status, self.message, self.call = status, message, call


class StudentError(StudentFault):
    """Student code raised an exception."""

    def __init__(self, status: Status, kind: str, message: str, traceback: str, call: str = "") -> None:
        super().__init__(status, f"{kind}: {message}" if message else kind, call)
        self.kind, self.traceback = kind, traceback


class SandboxBroken(Exception):
    """The worker as a whole is gone or no longer does what it is told; a new one is needed."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
