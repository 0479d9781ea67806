"""Frames: what goes in comes out; whatever else arrives is refused before it can do harm."""

from __future__ import annotations

import contextlib
import json
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graders.sandbox.inside import protocol
from graders.sandbox.inside.protocol import ChannelClosed, ProtocolError, Unsendable, dump, load
from graders.sandbox.values import Callbacks, decode
from sheaflab import Network, Sheaf


def reader(data):
    """Read from bytes as from a socket."""
    place = 0

    def read(count):
        nonlocal place
        if place + count > len(data):
            raise ChannelClosed("end")
        place += count
        return bytearray(data[place - count : place])

    return read


def through(value):
    return load(reader(b"".join(bytes(piece) for piece in dump(value, Callbacks().encode))), decode)


def frame(header, body=b""):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<IQ", len(raw), len(body)) + raw + body


numbers = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=50)
)
arrays = hnp.arrays(
    st.sampled_from([np.float64, np.int64, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
values = st.recursive(
    numbers,
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
@settings(max_examples=300)
def test_plain_values_come_back_as_they_went(value):
    assert through(value) == value


@given(arrays)
@settings(max_examples=200)
def test_arrays_come_back_as_they_went(value):
    back = through([value])[0]
    assert back.dtype == value.dtype
    assert back.shape == value.shape
    assert back.tobytes() == value.tobytes()


@pytest.mark.parametrize("size", [3, 2**14])
def test_arrays_belong_to_who_has_read_them(size):
    for array in through(["text", np.ones(size), np.arange(size)])[1:]:
        assert array.flags.writeable
        assert array.flags.aligned


def test_a_small_frame_is_sent_in_one_piece_and_read_in_two():
    (piece,) = dump([np.ones(3), np.arange(4), "text"])
    read, counts = reader(piece), []
    load(lambda count: counts.append(count) or read(count), decode)
    assert len(counts) == 2


def test_library_values_come_back_equal():
    net = Network.random([2, 4, 3, 1], seed=3)
    back = through({"sheaf": Sheaf(net, [1.0, 2.0]), "nan": float("nan"), "inf": -np.inf})
    assert np.array_equal(back["sheaf"].net.weights[1], net.weights[1])
    assert np.isnan(back["nan"])
    assert back["inf"] == -np.inf


@given(st.binary(max_size=300))
@settings(max_examples=600)
def test_noise_is_refused(data):
    with pytest.raises(ProtocolError):
        load(reader(data), decode)


headers = st.recursive(
    numbers,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$", "v", "t", "dtype", "shape", "x"]),
            inner
            | st.sampled_from(
                ["array", "tuple", "dict", "object", "float", "Network", "Sheaf", "Switch", "Trajectory", "float64"]
            ),
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(headers, st.binary(max_size=64))
@settings(max_examples=600)
def test_any_header_gives_a_value_or_a_protocol_error(header, body):
    with contextlib.suppress(ProtocolError):
        load(reader(frame(header, body)), decode)


@given(values | arrays.map(lambda a: [a]), st.data())
@settings(max_examples=500)
def test_a_damaged_frame_gives_a_value_or_a_protocol_error(value, data):
    raw = bytearray(b"".join(bytes(piece) for piece in dump(value)))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        load(reader(bytes(raw)), decode)


LIES = {
    "a header of 4 GB": struct.pack("<IQ", 2**32 - 1, 0),
    "a body of 16 EB": struct.pack("<IQ", 2, 2**64 - 1) + b"{}",
    "an array larger than the body": frame({"$": "array", "dtype": "float64", "shape": [10**9]}, b"x" * 8),
    "a shape whose product overflows": frame({"$": "array", "dtype": "float64", "shape": [2**62, 2**62]}),
    "a negative length": frame({"$": "array", "dtype": "float64", "shape": [-1]}),
    "a shape of fractions": frame({"$": "array", "dtype": "float64", "shape": [1.0]}, b"x" * 8),
    "a shape of truth values": frame({"$": "array", "dtype": "float64", "shape": [True]}, b"x" * 8),
    "a dtype of objects": frame({"$": "array", "dtype": "object", "shape": [1]}, b"x" * 8),
    "a bool of 2": frame({"$": "array", "dtype": "bool", "shape": [1]}, b"\x02"),
    "more body than told": frame([], b"x"),
    "NaN in the JSON": frame(b"NaN"),
    "Infinity in the JSON": frame(b"[Infinity]"),
    "an overflowing float": frame(b"1e999"),
    "399 digits": frame(b"1" * 399),
    "64 bits and one": frame(str(2**63).encode()),
    "depth": frame(b"[" * 100_000 + b"]" * 100_000),
    "a million parts": frame(b"[" + b"1," * (10**6) + b"1]"),
    "not UTF-8": frame(b'"\xff"'),
    "an unknown tag": frame({"$": "pickle", "v": "x"}),
    "an unknown object": frame({"$": "object", "t": "os.system", "v": {}}),
    "an unhashable key": frame({"$": "dict", "v": [[[1], 2]]}),
    "a network of nothing": frame({"$": "object", "t": "Network", "v": {"weights": [], "biases": []}}),
    "a network of text": frame({"$": "object", "t": "Network", "v": {"weights": ["a", "b"], "biases": [1, 2]}}),
    "a sheaf without a network": frame({"$": "object", "t": "Sheaf", "v": {"net": 1, "x": [1]}}),
    "a switch with strange parts": frame({"$": "object", "t": "Switch", "v": {"__class__": 1}}),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_refused_before_memory_is_given(lie):
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            load(reader(LIES[lie]), decode)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "value", [object(), 2**63, 1j, np.array([1j]), np.array(["a"]), np.array([None]), lambda: 0, b"bytes"]
)
def test_what_has_no_place_in_a_frame_is_refused_by_its_name(value):
    with pytest.raises(Unsendable):
        dump(value)


def test_deep_and_large_values_are_refused_by_the_sender():
    deep = []
    for _ in range(protocol.MAX_DEPTH + 2):
        deep = [deep]
    with pytest.raises(Unsendable, match="nested deeper"):
        dump(deep)
    with pytest.raises(Unsendable, match="characters"):
        dump("x" * (protocol.MAX_TEXT + 1))
