"""Bounds before work: what comes from a worker or a file is looked over before it is decoded, parsed, compared or kept."""

from __future__ import annotations

import json
import math
import socket
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from graders.classroom.similar import MAX_NODES, shape
from graders.gradebook.files import submission_time
from graders.grading import definitions
from graders.grading.reading import Unreadable, plain_cells, read
from graders.grading.skipping import names
from graders.sandbox import outputs, sources
from graders.sandbox.events import Deadline, control_pair, read_event
from graders.sandbox.inside.protocol import MAX_ELEMENTS, MAX_TUPLE_KEYS, ProtocolError, Unsendable, dump, load
from graders.sandbox.outputs import Shown, text_of
from graders.sandbox.private import keep_private, without_paths
from graders.sandbox.values import decode, figure
from graders.status import SandboxBroken
from sheaflab.checks.messages import CheckFailed, close, numbers
from tests.graders.sandbox.test_protocol import frame, reader

MEGA = 2**20


@pytest.fixture
def peak():
    """Most bytes that Python has asked for since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


# -- control messages -------------------------------------------------------------------------------------------------
FORGED = [
    {"event": "exit", "signal": "abc", "code": 0, "memory": 0},
    {"event": "exit", "signal": -1, "code": 0, "memory": 0},
    {"event": "exit", "signal": 65, "code": 0, "memory": 0},
    {"event": "exit", "signal": 1.0, "code": 0, "memory": 0},
    {"event": "exit", "signal": True, "code": 0, "memory": 0},
    {"event": "exit", "signal": 9, "code": 0, "memory": 10**30},
    {"event": "exit", "signal": 9},
    {"event": "exit", "signal": 9, "code": 0, "memory": 0, "more": 1},
    {"event": ["exit"]},
    {"event": "promoted"},
    {"event": "failed", "why": 3},
    {"event": "ready", "exact": 2},
    ["exit"],
    {},
]


@pytest.mark.parametrize("message", FORGED, ids=json.dumps)
def test_a_control_message_of_the_wrong_kind_is_a_broken_worker(message):
    mine, theirs = control_pair()
    with mine, theirs:
        theirs.send(json.dumps(message).encode())
        with pytest.raises(SandboxBroken, match="nonsense"):
            read_event(mine, Deadline(1))


@pytest.mark.parametrize("data", [b"\xff", b"[" * 4000, b"1" * 4000, b'{"event": "adopted"}' + b" " * 5000, b"NaN"])
def test_so_is_one_that_is_no_message(data):
    mine, theirs = control_pair()
    with mine, theirs:
        theirs.send(data)
        with pytest.raises(SandboxBroken):
            read_event(mine, Deadline(1))


def test_the_kernel_tells_who_has_sent_a_message_and_descriptors_are_let_go():
    mine, theirs = control_pair()
    with mine, theirs:
        socket.send_fds(theirs, [b'{"event": "adopted"}'], [0, 1, 2])
        event = read_event(mine, Deadline(1))
    assert event.kind == "adopted"
    assert event.sender == __import__("os").getpid()


# -- frames -----------------------------------------------------------------------------------------------------------
def array(shape, dtype="float64"):
    return {"$": "array", "dtype": dtype, "shape": shape}


LIES = {
    "lengths that overflow beside a 0": frame(array([0, 2**28, 2**28, 2**28, 2**28])),
    "lengths that overflow, all small": frame(array([0, *[2**22] * 7])),
    "many elements of one byte": frame(array([MAX_ELEMENTS + 1], "bool"), bytes(MAX_ELEMENTS + 1)),
    "many elements in many arrays": frame([array([MAX_ELEMENTS // 2], "bool")] * 3, bytes(3 * (MAX_ELEMENTS // 2))),
    "tuples as keys without end": frame({"$": "dict", "v": [[{"$": "tuple", "v": [k]}, 0] for k in range(MAX_TUPLE_KEYS + 1)]}),
    "many dictionaries of tuples": frame(
        [{"$": "dict", "v": [[{"$": "tuple", "v": [k]}, 0] for k in range(1025)]} for _ in range(2)]
    ),
    "a network of a million units": frame(
        {"$": "object", "t": "Network", "v": {"weights": [array([2**19, 1]), array([1, 2**19])], "biases": [array([2**19]), array([1])]}},
        bytes(8 * (3 * 2**19 + 1)),
    ),
    "an outcome that is a list": frame(
        {"$": "object", "t": "Trajectory", "v": {"times": [], "states": [], "log": [], "outcome": [1]}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_frames_beyond_a_bound_are_refused(lie, peak):
    with pytest.raises(ProtocolError):
        load(reader(LIES[lie]), decode)
    assert peak() < 64 * MEGA


def test_an_empty_array_is_welcome():
    assert load(reader(b"".join(map(bytes, dump(np.empty((0, 5))))))).shape == (0, 5)


def test_half_a_surrogate_pair_is_mended_where_it_enters():
    got = load(reader(frame(b'["\\ud800x", {"$": "dict", "v": [["\\udfff", "\\ud83d\\ude00"]]}]')))
    assert json.dumps(got, ensure_ascii=False).encode() == '["?x", {"?": "😀"}]'.encode()
    assert text_of("\ud800 \x9b31m\x7f") == "? 31m"


def test_an_array_of_too_many_elements_is_refused_by_the_sender():
    with pytest.raises(Unsendable, match="elements"):
        dump(np.ones(MAX_ELEMENTS + 1, dtype=bool))


FIGURE = {
    "lines": [{"x": np.zeros(1), "y": np.zeros(1), "label": "", "shown": True, "entry": ""}],
    "bars": [], "more_bars": [], "xscale": "linear", "yscale": "linear", "xlabel": "", "ylabel": "", "title": "",
    "rest": {"x": np.zeros(0), "y": np.zeros(0)}, "marks": {"x": np.zeros(0), "y": np.zeros(0)},
    "spots": {"x": np.zeros(0), "y": np.zeros(0)}, "misread": [], "faults": [], "texts": [], "legend": [], "further": [], "xlim": [0.0, 1.0], "ylim": [0.0, 1.0],
}  # fmt: skip


@pytest.mark.parametrize(
    "lie", [{"xlim": [0.0]}, {"ylim": "ab"}, {"legend": [1]}, {"title": "x" * 5000}, {"xlabel": None}, {"misread": [1]}, {"faults": [1]}, {"texts": [1]}, {"rest": {"x": 1.0, "y": np.zeros(1)}}, {"marks": []}, {"spots": []}], ids=str
)
def test_a_figure_is_of_the_types_that_it_says(lie):
    figure(FIGURE)
    with pytest.raises(ProtocolError):
        figure({**FIGURE, **lie})
    with pytest.raises(ProtocolError):
        figure({**FIGURE, "lines": [{**FIGURE["lines"][0], "label": [1]}]})


@pytest.mark.parametrize("value", [np.arange(3), [FIGURE], None, 1.0], ids=type)
def test_what_is_no_description_of_a_figure_is_told(value):
    with pytest.raises(ProtocolError):
        figure(value)


@pytest.mark.parametrize("lie", [{"entry": None}, {"shown": 1}], ids=str)
def test_what_a_reader_sees_of_a_line_is_of_the_types_that_it_says(lie):
    with pytest.raises(ProtocolError):
        figure({**FIGURE, "lines": [{**FIGURE["lines"][0], **lie}]})


def test_a_bar_says_whether_it_can_be_seen():
    bar = {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}
    figure({**FIGURE, "bars": [{**bar, "shown": True}]})
    with pytest.raises(ProtocolError):
        figure({**FIGURE, "bars": [{**bar, "shown": "yes"}]})


# -- comparisons ------------------------------------------------------------------------------------------------------
MIXED = {
    "a long text and short ones": ["x" * MEGA, *["y"] * 500],
    "numbers and a long text": [1.0, [2.0, "x" * MEGA], *[3.0] * 500],
    "texts deep inside": ([[["x" * MEGA]], *[[["y"]]] * 500],),
    "dictionaries": [{"a": 1}] * 500,
}


@pytest.mark.parametrize("value", MIXED.values(), ids=MIXED)
def test_texts_among_numbers_are_told_before_an_array_is_made(value, peak):
    assert numbers(value) is None
    with pytest.raises(CheckFailed):
        close(value, np.zeros(501), call="f()", tol=1.0)
    assert peak() < 64 * MEGA


@pytest.mark.parametrize(
    "value",
    [3, True, [1, 2.5], ((1, 2), [3, True]), [np.float32(1), np.int64(2)], np.arange(3), [np.zeros(2), [1, 2]]],
    ids=repr,
)
def test_numbers_of_every_kind_are_numbers(value):
    assert np.array_equal(numbers(value), np.asarray(value, dtype=float))


@pytest.mark.parametrize("value", [None, "1", [1, [2, 3]], [None], 1j, [1j], {}, np.array(["a"])], ids=repr)
def test_other_things_are_not(value):
    assert numbers(value) is None


# -- Python texts -----------------------------------------------------------------------------------------------------
DENSE = {
    "an import of forty thousand dots": "import a" + ".a" * 40_000,
    "an import over many lines": "import a" + "\\\n.a" * 20_000,
    "an import with blanks": "from a" + " . a" * 20_000 + " import b",
    "a chain of attributes": "a" + ".a" * 40_000,
    "brackets in brackets": "[" * 5000 + "]" * 5000,
    "brackets that never close": "(" * 50_000,
    "a megabyte": "a;" * (MEGA // 2),
    "signs without end": "-" * 90_000 + "1",
}


@pytest.mark.parametrize("source", DENSE.values(), ids=DENSE)
@pytest.mark.parametrize("read", [sources.parse, sources.symbols])
def test_dense_texts_are_not_parsed(source, read, peak):
    with pytest.raises(sources.TooDense):
        read(source)
    assert peak() < 32 * MEGA


def test_ordinary_texts_are_read():
    assert sources.parse("import numpy.linalg as la\nx = la.norm([[1, (2, 3)]])").body
    with pytest.raises(sources.Unparsable):
        sources.parse("%matplotlib inline")


def test_a_notebooks_code_is_read_once_and_only_so_far(monkeypatch):
    seen = []
    monkeypatch.setattr(definitions, "names", lambda source: seen.append(source) or names(source))
    found = definitions.Definitions()
    for _ in range(3):
        assert found.has("def f(): pass", "f")
        assert not found.has("def f(): pass", "g")
    assert len(seen) == 1
    for k in range(40):
        found.has(f"x = {k}\n" + "a = 1\n" * 12_000, "f")
    assert sum(map(len, seen)) < definitions.MAX_READ
    assert found.has("y = 1\n" * 12_000 + "def late(x): pass", "late")


def test_long_solutions_are_compared_by_their_beginning():
    assert len(shape("a = b + c\n" * 9000)) == MAX_NODES


# -- files ------------------------------------------------------------------------------------------------------------
FILES = {
    "empty lists in dictionaries": b'{"cells": [' + b'{"":[]},' * 1_000_000 + b"{}]}",
    "short texts": b'{"cells": [' + b'"",' * 1_100_000 + b'""]}',
    "numbers": b'{"cells": [' + b"1," * 1_100_000 + b"1]}",
    "text": json.dumps({"cells": [{"cell_type": "code", "source": "1" * MEGA}] * 9}).encode(),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_files_of_very_many_values_are_not_decoded(name, peak):
    with pytest.raises(Unreadable, match="more"):
        plain_cells(read(FILES[name]))
    assert peak() < 12 * len(FILES[name]) + 16 * MEGA


def test_brackets_and_quotes_in_texts_do_not_count():
    text = json.dumps([1, {"a": "[" * 10}]) * 10
    source = text.replace("10", '\\"') * 20_000
    raw = json.dumps(
        {"cells": [{"cell_type": "code", "source": source[: MEGA // 2], "outputs": [{"t": source[:MEGA]}]}]}
    )
    assert plain_cells(read(raw.encode()))[0]["source"] == source[: MEGA // 2]


@pytest.mark.parametrize("raw", [b"9" * 30 + b"h", b"9" * 10**6, b"\xff", b"Infinity", b"1e999"])
def test_a_time_stamp_that_is_none_is_no_time(raw):
    time, problem = submission_time(raw, Path("timestamp.txt"))
    assert time is None
    assert "is no time" in problem


def test_what_a_notebook_shows_together_has_a_bound():
    shown, text = Shown(), {"output_type": "stream", "name": "stdout", "text": "x" * outputs.MAX_TEXT}
    kept = [shown.outputs(place, [dict(text) for _ in range(64)]) for place in range(60)]
    assert sum(len(json.dumps(each)) for each in kept) < 2 * outputs.MAX_SHOWN
    assert kept[0][0]["text"].startswith("x")
    assert "left out" in kept[-1][0]["text"]
    assert shown.outputs(0, [text]) == [text]  # a cell that is run again has its own room


def test_paths_of_this_machine_are_dots(tmp_path):
    keep_private([tmp_path / "a course"])
    place = f"{tmp_path}/a course/source"
    assert without_paths(f"see {place} and {place}".replace(" course", "\\040course")).count("/source") == 2
    assert str(tmp_path) not in text_of(f"x:{place}, {tmp_path}/a course")
    assert math.isfinite(len(text_of("/usr/lib and a/b")))
    assert text_of("/usr/lib and a/b") == "/usr/lib and a/b"
