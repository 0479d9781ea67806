"""Mutated frames and mutated files, as many as wanted: ``python -m tests.fuzz``. Nothing but a status may come of them.

Frames are what a worker sends, decoded and used as checks use them; files are hand-ins, graded through the whole chain
in its limited process. Everything follows from `--seed`; what goes wrong is written to a file and named.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import math
import random
import resource
import struct
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import nbformat
import numpy as np

from graders.checking.student import read_answer
from graders.gradebook.apart import Job, grade_apart
from graders.grading.canary import best_isolation
from graders.grading.domain import Domain, DomainEnded, close_here
from graders.grading.grade import answered
from graders.lab.manifest import Course
from graders.lab.percent import solutions
from graders.publish.release import copy_course
from graders.sandbox.inside.library import encode
from graders.sandbox.inside.protocol import ChannelClosed, ProtocolError, dump, load
from graders.sandbox.isolation import Limits
from graders.sandbox.outputs import read_cell
from graders.sandbox.values import decode, figure
from graders.status import Status, StudentFault
from sheaflab import Euler, Network, Sheaf
from sheaflab.checks.figures import blank, read
from sheaflab.checks.messages import CheckFailed, close, numbers

FRAMES, FILES, BATCH = 10_000, 2_000, 250
LIMITS = Limits(cpu=1.0, wall=10.0, total_wall=60.0)
JUNK = [
    None, True, -1, 2**63, 2**64, 10**400, 1e308, "", "\ud800", "x" * 5000, [], {}, [[]], {"$": "array"}, {"$": "dict", "v": [[[], 1]]},
    {"$": "tuple", "v": []}, {"$": "float", "v": "nan"}, {"$": "array", "dtype": "float64", "shape": [0, 2**28, 2**28]}, "float64",
    {"$": "object", "t": "Network", "v": {}}, "\x1b[31m", "../../etc/passwd", float("nan"), [1] * 3000, {"k": {"k": {"k": {}}}},
]  # fmt: skip


# -- mutations --------------------------------------------------------------------------------------------------------
def mutated_data(chance, data):
    """Return JSON data with a few of its nodes replaced, removed, doubled, exchanged or wrapped, wherever they are."""
    data = {"top": copy.deepcopy(data)}
    for _ in range(chance.randint(1, 4)):
        places = list(containers(data))
        place = chance.choice(places)
        if not place:
            continue
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
        kind = chance.choice(["junk", "remove", "double", "wrap", "other", "number"])
        if kind == "junk":
            place[key] = copy.deepcopy(chance.choice(JUNK))
        elif kind == "remove" and place is not data:
            del place[key]
        elif kind == "double" and isinstance(place, list):
            place[key:key] = copy.deepcopy(place[key : key + 1]) * chance.randint(1, 50)
        elif kind == "wrap":
            for _ in range(chance.choice([1, 3, 40, 80])):
                place[key] = [place[key]]
        elif kind == "other":
            other = chance.choice(places)
            place[key] = copy.deepcopy(other) if size(other) < 2000 else None
        elif kind == "number":
            place[key] = chance.choice([0, 1, -1, 2**31, 2**53 + 1, 1e-300, chance.random()])
    return data.get("top")


def containers(data):
    """Yield every list and dictionary in JSON data."""
    left = [data]
    while left:
        node = left.pop()
        if isinstance(node, (list, dict)):
            yield node
            left += node.values() if isinstance(node, dict) else node


def size(data):
    """Number of lists and dictionaries in JSON data."""
    return sum(1 for _ in containers(data))


def mutated_bytes(chance, raw):
    """Return bytes with a few of them changed, cut out, doubled, or exchanged for special ones."""
    data = bytearray(raw)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at = chance.randrange(len(data) + 1)
        kind = chance.choice(["flip", "cut", "insert", "repeat", "end"])
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == "cut":
            del data[at : at + chance.choice([1, 4, 100])]
        elif kind == "insert":
            data[at:at] = chance.choice(
                [b"\xff", b"\x00", b'"', b"\\ud800", b"]", b"}", b"[" * 200, b"1e999", b"9" * 500, b","]
            )
        elif kind == "repeat":
            data[at:at] = data[at : at + 64] * chance.choice([1, 20])
        elif kind == "end":
            del data[at:]
    return bytes(data)


# -- frames -----------------------------------------------------------------------------------------------------------
def answers():
    """What workers send: values of every kind, figures, outputs, errors."""
    net = Network.random([2, 3, 1], seed=0)
    sheaf = Sheaf(net, x=[1.0, -1.0])
    run = Euler().run(sheaf, [0.5] * sheaf.n, 1.0)
    ax = blank()
    ax.plot([0.0, 1.0], [1.0, 2.0], label="V")
    ax.bar([1.0], [2.0])
    ax.legend()
    values = [
        2.0, [1, 2.5, None, True], (1, "two", float("nan")), {"a": [1.0], ("b", 1): "c"}, np.arange(12.0).reshape(3, 4), np.ones((2, 0)),
        [np.zeros(2, dtype=bool), np.arange(3)], net, sheaf, run, run.log, asdict(read(ax)),
    ]  # fmt: skip
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "hello\n"},
        {"output_type": "execute_result", "data": {"text/plain": "3", "image/png": "aGVsbG8="}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a", "b"]},
    ]
    error = {"type": "ValueError", "message": "m", "traceback": "t"}
    return [
        *({"value": value} for value in values),
        {"outputs": outputs, "truncated": False, "count": 3},
        {"raised": error},
        {"missing": "float"},
        {"unsendable": "object"},
        {"callback": 0, "args": [1.0]},
    ]


def seeds():
    """Frames of :func:`answers`: header and body."""
    frames = []
    for answer in answers():
        raw = b"".join(map(bytes, dump(answer, encode)))
        (length, _) = struct.unpack_from("<IQ", raw)
        frames.append((json.loads(raw[12 : 12 + length]), raw[12 + length :]))
    return frames


def mutated_frame(number, seed, known):
    """Return the frame of this number."""
    chance = random.Random(f"{seed} frame {number}")
    header, body = chance.choice(known)
    if chance.random() < 0.7:
        header = mutated_data(chance, header)
    text = json.dumps(header).encode()
    if chance.random() < 0.3:
        text = mutated_bytes(chance, text)
    if chance.random() < 0.2:
        body = mutated_bytes(chance, body)
    lengths = struct.pack("<IQ", len(text), len(body))
    if chance.random() < 0.1:
        lengths = mutated_bytes(chance, lengths)
    return lengths + text + body


def use(raw):
    """Decode a frame and use what it holds as the trusted side does; return how it ended, in a word."""
    place = 0

    def receive(count):
        nonlocal place
        if place + count > len(raw):
            raise ChannelClosed("end")
        place += count
        return bytearray(raw[place - count : place])

    try:
        answer = load(receive, decode)
    except ProtocolError:
        return "refused"
    ends = []
    for reader in (read_cell, partial(read_answer, name="f"), figure, numbers, compared):
        try:
            found = reader(answer)
            if reader is read_cell:
                json.dumps(found.outputs, ensure_ascii=False).encode()
            elif reader not in (numbers, compared, figure):
                for inner in (figure, numbers, compared):
                    with contextlib.suppress(ProtocolError, CheckFailed):
                        inner(found)
            ends.append("used")
        except (ProtocolError, StudentFault, CheckFailed):
            ends.append("told")
    return "used" if "used" in ends[:2] else "told"


def compared(value):
    """What most checks do with a value."""
    close(value, np.arange(12.0).reshape(3, 4), call="f()", tol=1e-9)


def use_frames(start, stop, seed):
    """Use the frames of these numbers; return the counts of their ends, and numbers and faults of what failed."""
    known, ends, faults = seeds(), Counter(), []
    for number in range(start, stop):
        raw = mutated_frame(number, seed, known)
        try:
            ends[use(raw)] += 1
        except Exception as error:
            faults.append((number, f"{type(error).__name__}: {error}"[:300]))
    return ends, faults


def fuzz_frames(count, seed):
    """Use `count` frames in a limited process; return the counts of their ends and what failed."""
    ends, failed = Counter(), []
    with Domain() as domain:
        for start in range(0, count, BATCH):
            stop = min(start + BATCH, count)
            try:
                found, faults = domain.call(use_frames, start, stop, seed)
                ends += found
                failed += faults
            except DomainEnded as end:
                failed.append((start, f"in frames {start} to {stop}: {end}"))
    return ends, failed


# -- files ------------------------------------------------------------------------------------------------------------
def mutated_file(number, seed, data):
    """Return the hand-in of this number."""
    chance = random.Random(f"{seed} file {number}")
    raw = json.dumps(mutated_data(chance, data) if chance.random() < 0.8 else data).encode()
    if chance.random() < 0.25:
        raw = mutated_bytes(chance, raw)
    if chance.random() < 0.1:
        text = raw.decode("utf-8", "replace")
        raw = chance.choice(
            [text.encode("utf-16"), text.encode("utf-8-sig"), text.encode("latin-1", "replace"), text.encode("utf-32")]
        )
    return raw


def grade_file(raw, course, level):
    """Grade a hand-in; return the statuses of its notebook and exercises, and what is wrong with its result."""
    job = Job.of(course, "eve", {"mini-1.ipynb": raw}, "", LIMITS, level)
    graded = grade_apart(job).notebooks["mini-1"]
    graded.text.encode()
    most = {exercise.grade_cell: exercise.points for exercise in course.notebooks[0].exercises}
    wrong = [
        f"{name}: {graded.rows.scores.get(name)}" for name in most if not fair(graded.rows.scores.get(name), most[name])
    ]
    if graded.result.status is Status.UNREADABLE:  # a person gives the points
        wrong = [name for name in most if graded.rows.scores[name] is not None]
    elif any(exercise.undecided for exercise in graded.result.exercises):
        wrong.append(next(exercise.message for exercise in graded.result.exercises if exercise.undecided))
    return graded.result.status, [exercise.status for exercise in graded.result.exercises], wrong


def fair(score, most):
    return score is not None and math.isfinite(score) and 0 <= score <= most


def fuzz_files(count, seed, original, workers=2):
    """Grade `count` hand-ins; return how notebooks and exercises ended, what failed, and the longest time of one."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        return _fuzz_files(count, seed, copy_course(original, Path(folder) / "course"), workers)


def _fuzz_files(count, seed, course, workers):
    spec = course.notebooks[0]
    data = json.loads(nbformat.writes(answered(course, spec, solutions(course, spec))))
    level, notebooks, exercises, failed, longest = best_isolation(limits=LIMITS), Counter(), Counter(), [], 0.0

    def one(number):
        start = time.monotonic()
        try:
            status, statuses, wrong = grade_file(mutated_file(number, seed, data), course, level)
        except Exception as error:
            return number, Status.GRADER, [], [f"{type(error).__name__}: {error}"], time.monotonic() - start
        return number, status, statuses, wrong, time.monotonic() - start

    with ThreadPoolExecutor(workers) as pool:
        for number, status, statuses, wrong, seconds in pool.map(one, range(count)):
            notebooks[status.name] += 1
            exercises.update(found.name for found in statuses)
            failed += [(number, text) for text in wrong]
            longest = max(longest, seconds)
        beside = pool.submit(grade_file, json.dumps(data).encode(), course, level).result()
        list(pool.map(lambda _: close_here(), range(workers)))
    if set(beside[1]) != {Status.OK}:
        failed.append((count, f"the honest one beside them: {[found.name for found in beside[1]]}"))
    return notebooks, exercises, failed, longest


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=FRAMES, help="%(default)s")
    parser.add_argument("--files", type=int, default=FILES, help="%(default)s")
    parser.add_argument("--seed", type=int, default=0, help="%(default)s")
    parser.add_argument("--workers", type=int, default=2, help="%(default)s")
    options = parser.parse_args()
    start = time.monotonic()
    ends, failed = fuzz_frames(options.frames, options.seed)
    print(f"{options.frames} frames, {time.monotonic() - start:.0f} s: {dict(ends)}; {len(failed)} failed", flush=True)
    start = time.monotonic()
    course = Course.load(Path(__file__).parent / "graders" / "course")
    notebooks, exercises, wrong, longest = fuzz_files(options.files, options.seed, course, options.workers)
    took = time.monotonic() - start
    print(f"{options.files} files, {took:.0f} s, the longest {longest:.1f} s: {dict(notebooks)}; {len(wrong)} failed")
    print(f"their exercises: {dict(exercises.most_common())}")
    print(f"most memory of one process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")
    for number, why in [*failed, *wrong]:
        print(f"{number}: {why}", file=sys.stderr)
    if wrong:
        spec = course.notebooks[0]
        data = json.loads(nbformat.writes(answered(course, spec, solutions(course, spec))))
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        for number, _ in wrong:
            (folder / f"{number}.ipynb").write_bytes(mutated_file(number, options.seed, data))
        print(f"the files are in {folder}", file=sys.stderr)
    return 1 if failed or wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
