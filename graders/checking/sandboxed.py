"""A student's notebook behind the wall: how it is graded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graders.checking.student import Student, called_back, read_answer
from graders.sandbox.events import ChildEnded
from graders.sandbox.inside.protocol import Channel, ProtocolError
from graders.sandbox.notebook import NotebookRun
from graders.sandbox.session import Process
from graders.sandbox.values import Callbacks, decode
from graders.status import SandboxBroken, Status, StudentFault

MAX_DEATHS = 2


class SandboxedStudent(Student):
    """The notebook's functions, behind the wall; calls of one exercise share one child process.

    Parameters
    ----------
    run : NotebookRun
        The executed notebook.
    sources : mapping of str to str
        Text of the solution cells by exercise id.
    """

    def __init__(self, run: NotebookRun, sources: Mapping[str, str]) -> None:
        super().__init__(sources)
        self._run = run
        self._child: Process | None = None
        self._deaths = 0

    def next_exercise(self) -> None:
        """Start with a fresh copy of the notebook's state, and end the process of the exercise before."""
        self._drop()
        super().next_exercise()
        self._deaths = 0

    def _drop(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            try:
                child.kill()
            except SandboxBroken as error:
                self._recover(error)
            finally:
                child.close()

    def _recover(self, cause: SandboxBroken) -> None:
        try:
            self._run.recover(cause)
        except SandboxBroken as error:
            self._blocked = StudentFault(error.status, error.message)

    def _perform(self, request: dict[str, Any], name: str) -> Any:
        callbacks, host = Callbacks(), self._run.host
        if not host.left:
            raise self._block(Status.TIMED_OUT, host.overtime(""), name)
        try:
            fresh = self._child is None
            self._child = self._run.exercise() if self._child is None else self._child
            channel = Channel(self._child, callbacks.encode, decode)
            if fresh:
                self._run.prepare(channel, self._child)
            with host.waiting(self._child):
                channel.send({**request, "cpu": self._run.limits.call_cpu})
                answer = channel.receive()
                while isinstance(answer, dict) and "callback" in answer:
                    channel.send(called_back(callbacks, answer))
                    answer = channel.receive()
        except TimeoutError:
            self._drop()
            raise self._block(Status.TIMED_OUT, host.overtime("no answer within"), name) from None
        except ChildEnded as ended:
            assert self._child is not None
            self._child.close()
            self._child = None
            self._deaths += 1
            status, message = ended.status()
            if status is Status.TIMED_OUT or self._deaths >= MAX_DEATHS:
                raise self._block(status, message, name) from None
            raise StudentFault(status, message, f"{name}(…)") from None
        except SandboxBroken as error:
            if self._child is not None:
                self._child.close()
                self._child = None
            self._recover(error)
            raise self._block(error.status, error.message, name) from None
        except ProtocolError as error:
            self._drop()
            raise StudentFault(Status.BAD_VALUE, str(error), f"{name}(…)") from None
        return read_answer(answer, name)
