"""Run a notebook's cells in a worker, whatever they do, and keep what they show."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from graders.sandbox.events import ChildEnded, Deadline
from graders.sandbox.inside.protocol import Channel, ProtocolError
from graders.sandbox.isolation import Isolation, Limits
from graders.sandbox.libraries import View
from graders.sandbox.outputs import CellRun, Shown, broken_cell, read_cell
from graders.sandbox.private import keep_private
from graders.sandbox.process import Worker
from graders.sandbox.session import Process, Session
from graders.sandbox.values import Callbacks, decode
from graders.status import SandboxBroken, Status

MAX_RESTARTS = 3
PIECE = 3 * 2**17  # bytes of a file, or characters of a cell, that go into one frame
MAX_TOGETHER = 5.0  # seconds of work that are done again when a cell breaks its child
FATAL = (Status.TIMED_OUT, Status.KILLED, Status.OUT_OF_MEMORY)


class Host:
    """Provides a ready worker, and a new one after one is broken; one submission's notebooks can share it.

    Parameters
    ----------
    limits : Limits
    level : Isolation
    view : View, optional
        What of the course student code sees, and what not.
    beside : mapping of str to bytes, optional
        Files that lie beside the notebooks when these are run, by path.
    """

    def __init__(
        self, limits: Limits, level: Isolation, view: View | None = None, beside: Mapping[str, bytes] | None = None
    ) -> None:
        self.limits, self.level, self.view = limits, level, view or View()
        self.beside, self._laid_out = beside or {}, False
        keep_private(self.view.hidden)
        self.left = limits.total_wall
        """Seconds that are left to the submission, all its notebooks together."""
        self._worker: Worker | None = None

    def worker(self) -> Worker:
        """Return the worker, started if need be."""
        if self._worker is None:
            self._worker = Worker(self.limits, self.level, self.view)
            self._worker.wait_ready()
            self._laid_out = False
        return self._worker

    def lay_out(self, channel: Channel) -> None:
        """Put the files beside the notebooks into a worker that has not got them yet."""
        for path, content in {} if self._laid_out else self.beside.items():
            for start in range(0, max(len(content), 1), PIECE):
                piece = base64.b64encode(content[start : start + PIECE]).decode()
                channel.send({"op": "file", "path": path, "content": piece})
                channel.receive()
        self._laid_out = True

    @contextlib.contextmanager
    def waiting(self, process: Process) -> Iterator[None]:
        """Give `process` its time for one cell or call; what it takes is taken from the submission's."""
        start = time.monotonic()
        process.deadline = Deadline(min(self.limits.wall, self.left))
        try:
            yield
        finally:
            self.left = max(self.left - (time.monotonic() - start), 0.0)

    def overtime(self, what: str) -> str:
        """Say which limit of wall-clock time it was that `what` has met."""
        if not self.left:
            return f"the submission as a whole took more than {self.limits.total_wall:.0f} s"
        return f"{what} {self.limits.wall:.0f} s"

    def discard(self) -> None:
        """Kill the worker with all that runs in it, and wait until it is gone."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.close()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()


class NotebookRun:
    """A notebook in a worker: its cells are run at once, its functions can be called afterwards.

    What a cell leaves is handed on by a fork. A fork is without its parent's threads and children: from the first cell
    that has made some, cells are run anew for whoever needs what they have left.

    Parameters
    ----------
    cells : mapping of int to str
        Sources of the code cells by their place in the notebook.
    host : Host
        Provides its worker.
    stubs : mapping of int to str, optional
        Cells that are placeholders, and the name that each defines: they are left out if it has been defined before.
    after_error : mapping of int to str, optional
        What is run after a cell that ends with an error, and in the place of one that breaks its process.
    """

    def __init__(
        self,
        cells: Mapping[int, str],
        host: Host,
        stubs: Mapping[int, str] | None = None,
        after_error: Mapping[int, str] | None = None,
    ) -> None:
        self.after_error = dict(after_error or {})
        self.host, self.cells, self.limits, self.stubs = host, dict(cells), host.limits, stubs or {}
        self.done: dict[int, CellRun] = {}
        self._at: int | None = None
        self._again: list[int] = []
        """Cells whose threads or children no fork inherits, and all after them."""
        self.session: Session | None = None
        self.restarts, self.memory = 0, 0
        self.shown = Shown()
        self._start()

    def _start(self) -> None:
        """Start a worker and run all cells that have not been found fatal."""
        while True:
            self.session, self._again = Session(self.host.worker()), []
            try:
                self._run([k for k in self.cells if self._can_run(k)])
                return
            except SandboxBroken as error:
                self._broken(broken_cell(error.status, error.message))
                self._restarted(error)

    def _can_run(self, place: int) -> bool:
        return place not in self.done or self._is_replaced(place) or self.done[place].status not in FATAL

    def _is_replaced(self, place: int) -> bool:
        """Whether a cell has broken its process, and what is to be run after an error is run in its place."""
        tried = self.done[place].status if place in self.done and place in self.after_error else Status.OK
        return tried not in (Status.OK, Status.RAISED)

    def _broken(self, end: CellRun) -> None:
        """Note how the cell at hand has broken its process; what replaces it is given up if it was that."""
        assert self._at is not None
        if self._is_replaced(self._at):
            del self.after_error[self._at]
        else:
            self.done[self._at] = end

    def _run(self, left: list[int]) -> None:
        """Run cells in one child, since a fork costs more than most cells; once one breaks it, each in its own."""
        together = True
        while left:
            if not self.host.left:
                self.done |= {k: broken_cell(Status.TIMED_OUT, self.host.overtime("")) for k in left}
                return
            count = self._child(left if together or self._again else left[:1])
            if count:
                left = left[count:]
            else:  # the state before this child's first cell is what remains
                together = False
                left = [k for k in left if k != self._at or self._is_replaced(k)]
                self._again = [k for k in self._again if k != self._at or self._is_replaced(k)]

    def _restarted(self, cause: SandboxBroken) -> None:
        """Count a restart; give up on a notebook that breaks its worker again and again."""
        self.end()
        self.host.discard()
        self.restarts += 1
        if self.restarts > MAX_RESTARTS:
            told = f"the notebook has broken its worker again and again ({cause.message})"
            raise SandboxBroken(Status.KILLED, told)

    def recover(self, cause: SandboxBroken) -> None:
        """After a SandboxBroken during calls: a new worker with the same cells."""
        self._restarted(cause)
        self._start()

    def exercise(self) -> Process:
        """Fork a child that can answer calls to what the cells have defined; what ran beside them is ended first."""
        session = self._opened()
        session.end_strays()
        return session.fork()

    def prepare(self, channel: Channel, process: Process) -> None:
        """Run in a child of :meth:`exercise` what it could not inherit."""
        for place in self._again:
            self._cell(place, channel, process)

    def _opened(self) -> Session:
        if self.session is None:
            raise SandboxBroken(Status.KILLED, "the notebook has broken its worker again and again")
        return self.session

    def _cell(self, place: int, channel: Channel, process: Process) -> Any:
        """Run a cell in a child and return the answer; what is to be run after its error is run too."""
        if self._is_replaced(place):
            return self._source(self.after_error[place], place, channel, process)
        answer = self._source(self.cells[place], place, channel, process)
        if place in self.after_error and read_cell(answer).status is Status.RAISED:
            after = self._source(self.after_error[place], place, channel, process)
            if after.get("alone") is False:
                answer["alone"] = False
        return answer

    def _source(self, source: str, place: int, channel: Channel, process: Process) -> Any:
        with self.host.waiting(process):
            while len(source) > PIECE:
                channel.send({"op": "text", "piece": source[:PIECE]})
                source = source[PIECE:]
                channel.receive()
            order = {"op": "cell", "source": source, "unless": self.stubs.get(place, "")}
            channel.send({**order, "cpu": self.limits.cpu})
            return channel.receive()

    def _child(self, places: list[int]) -> int:
        """Run cells in a new child, and let it take over; return how many were run, 0 if one has broken it."""
        process, since, count, alone = self._opened().fork(), time.monotonic(), 0, not self._again
        channel = Channel(process, Callbacks().encode, decode)
        try:
            self.host.lay_out(channel)
            for place in [*self._again, *places]:
                self._at = place
                answer = self._cell(place, channel, process)
                if not self._is_replaced(place):
                    self.done[place] = self.shown.bounded(place, read_cell(answer))
                alone = alone and answer.get("alone") is not False
                count += place not in self._again
                if not self.host.left or (alone and time.monotonic() - since > MAX_TOGETHER):
                    break
            if not alone:
                self._again += places[:count]
                process.kill()
                return count
            process.commit()
            channel.send({"op": "adopt"})
            process.adopted()
            return count
        except TimeoutError:
            process.kill()
            broken = broken_cell(Status.TIMED_OUT, self.host.overtime("the cell took more than"))
        except ChildEnded as ended:
            broken = broken_cell(*ended.status())
        except ProtocolError as error:
            process.kill()
            broken = broken_cell(Status.BAD_VALUE, str(error))
        finally:
            process.close()
        self._broken(broken)
        return 0

    def end(self) -> None:
        """Let go of the session; a worker in which something has gone wrong is not used again."""
        if self.session is not None:
            self.memory = max(self.memory, self.session.memory)
            self.session.close()
            self.session = None
        if any(run.status not in (Status.OK, Status.RAISED) for run in self.done.values()):
            self.host.discard()

    def __enter__(self) -> NotebookRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
