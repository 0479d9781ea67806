"""Frames between the trusted grader and the sandboxed worker: typed JSON and raw arrays, never pickle.

This file runs on both sides and imports nothing of `graders`: it is handed to the worker's file system alone.
A frame is ``<u32 header length> <u64 body length> <header> <body>``. The header is UTF-8 JSON; the body holds the
arrays, one after the other, little-endian and C-ordered. Whoever reads a frame checks every length, depth, count, type
and shape *before* it allocates, because the other side may lie.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any, Protocol, cast

import numpy as np

MAX_HEADER = 4 * 2**20
MAX_BODY = 32 * 2**20
SMALL_BODY = 2**16  # goes with the header in one piece, and is read with it
MAX_ELEMENTS = 2**22
MAX_DEPTH = 32
MAX_NODES = 200_000
MAX_ARRAYS = 4096
MAX_DIMS = 8
MAX_TEXT = 2**20
MAX_TUPLE_KEYS = 2048
MAX_INT_DIGITS = 19
DTYPES = {"float64": "<f8", "int64": "<i8", "bool": "|b1"}

_LENGTHS = struct.Struct("<IQ")
_TAG = "$"


class ProtocolError(Exception):
    """The other side sent something that is not allowed; the text says what."""


class ChannelClosed(ProtocolError):
    """The other side is gone."""


class Unsendable(TypeError):
    """A value that has no place in a frame; the text says which type."""


class Stream(Protocol):
    """What a channel needs of a socket."""

    def recv_into(self, buffer: Any, nbytes: int = ..., /) -> int: ...
    def sendall(self, data: Any, /) -> None: ...


Encoder = Callable[[Any], "tuple[str, dict[str, Any]] | None"]
"""Turns a value of a type that this file does not know into a tag and named parts, or returns None."""
Decoder = Callable[[str, "dict[str, Any]"], Any]
"""Builds the value of a tag from its (already decoded) parts; raises ProtocolError for a tag it does not know."""


def encodable(text: str) -> str:
    """Return `text` with a question mark for each half of a surrogate pair, which no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _no_decoder(tag: str, parts: dict[str, Any]) -> Any:
    raise ProtocolError(f"a frame holds a value of unknown type {tag[:40]!r}")


class _Packer:
    """Walks a value once, collecting its arrays."""

    def __init__(self, extra: Encoder) -> None:
        self.extra, self.arrays, self.nodes, self.elements = extra, list[Any](), 0, 0

    def pack(self, value: Any, depth: int = 0) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise Unsendable(f"the value is nested deeper than {MAX_DEPTH} or holds more than {MAX_NODES} parts")
        if (kind := type(value)) is float and math.isfinite(value):  # most values are plain: known by their type
            return value
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                raise Unsendable(f"a text of more than {MAX_TEXT} characters")
            return encodable(value)
        if isinstance(value, (list, tuple)):
            items = [self.pack(item, depth + 1) for item in value]
            return items if isinstance(value, list) else {_TAG: "tuple", "v": items}
        if value is None or kind is bool or isinstance(value, np.bool_):
            return None if value is None else bool(value)
        if kind is int or isinstance(value, (int, np.integer)):
            if not -(2**63) <= (number := int(value)) < 2**63:
                raise Unsendable("an integer of more than 64 bits")
            return number
        if isinstance(value, (float, np.floating)):
            return real if math.isfinite(real := float(value)) else {_TAG: "float", "v": repr(real)}
        if isinstance(value, np.ndarray) and value.dtype.kind != "O":
            return self._array(value)
        if isinstance(value, dict):
            return {_TAG: "dict", "v": [[self.pack(k, depth + 1), self.pack(v, depth + 1)] for k, v in value.items()]}
        if isinstance(value, (range, set, frozenset)):
            return self.pack(list(value) if isinstance(value, range) else sorted(value, key=repr), depth + 1)
        if (found := self.extra(value)) is not None:
            tag, parts = found
            return {_TAG: "object", "t": tag, "v": {k: self.pack(v, depth + 1) for k, v in parts.items()}}
        ragged = isinstance(value, np.ndarray)
        raise Unsendable("an array of Python objects (is it ragged?)" if ragged else f"a value of type {kind.__name__}")

    def _array(self, value: Any) -> dict[str, Any]:
        value = np.asarray(value)
        name = {"b": "bool", "i": "int64", "u": "int64", "f": "float64"}.get(value.dtype.kind)
        if name is None or (value.dtype == np.uint64 and value.max(initial=0) >= 2**63):
            raise Unsendable(f"an array of dtype {value.dtype}")
        if value.ndim > MAX_DIMS or len(self.arrays) >= MAX_ARRAYS:
            raise Unsendable(f"more than {MAX_DIMS} dimensions or {MAX_ARRAYS} arrays")
        self.elements += math.prod(value.shape)
        if self.elements > MAX_ELEMENTS:
            raise Unsendable(f"arrays with more than {MAX_ELEMENTS} elements together")
        self.arrays.append(np.ascontiguousarray(value, dtype=DTYPES[name]))
        return {_TAG: "array", "dtype": name, "shape": list(value.shape)}


def dump(message: Any, extra: Encoder = lambda value: None) -> list[bytes | memoryview]:
    """Return the frame of `message` as pieces to send one after the other.

    Raises
    ------
    Unsendable
        If a value has no place in a frame or is too large.
    """
    header = _ENCODER.encode((packer := _Packer(extra)).pack(message)).encode()
    body = sum(array.nbytes for array in packer.arrays)
    if len(header) > MAX_HEADER or body > MAX_BODY:
        raise Unsendable(f"{len(header) + body} bytes, more than the {MAX_BODY} allowed")
    pieces: list[bytes | memoryview] = [_LENGTHS.pack(len(header), body) + header]
    pieces += [memoryview(array.reshape(-1).view(np.uint8)) for array in packer.arrays if array.nbytes]
    return [b"".join(pieces)] if body <= SMALL_BODY else pieces  # a piece wakes the other side


def _parse_int(text: str) -> int:
    if len(text.lstrip("-")) > MAX_INT_DIGITS:
        raise ProtocolError("a frame holds an integer of more than 64 bits")
    return int(text)


def _refuse_constant(text: str) -> Any:
    raise ProtocolError(f"a frame holds the JSON constant {text}")


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_int=_parse_int, parse_constant=_refuse_constant)


class _Unpacker:
    """Walks a header once; checks all of it against the body's length before the body is read."""

    def __init__(self, body: int, extra: Decoder) -> None:
        self.left, self.extra, self.nodes, self.elements, self.tuple_keys = body, extra, 0, 0, 0
        self.layout: list[tuple[str, tuple[int, ...]]] = []

    def survey(self, node: Any, depth: int = 0) -> None:
        """Check `node` and collect the arrays it announces, in order."""
        self.nodes += 1
        if depth > 2 * MAX_DEPTH + 2 or self.nodes > 4 * MAX_NODES:
            raise ProtocolError("a frame is nested too deep or holds too many parts")
        if (parsed := type(node)) is list:  # by JSON: there are no subclasses
            for item in node:
                self.survey(item, depth + 1)
        elif parsed is dict:
            kind, value = node.get(_TAG), node.get("v")
            if kind == "array":
                self._announce(node)
            elif kind == "tuple" and isinstance(value, list):
                self.survey(value, depth + 1)
            elif kind == "dict" and isinstance(value, list):
                for pair in value:
                    if not isinstance(pair, list) or len(pair) != 2:
                        raise ProtocolError("a frame holds a broken dictionary")
                    self.survey(pair, depth + 1)
            elif kind == "object" and isinstance(value, dict) and isinstance(node.get("t"), str):
                for item in value.values():
                    self.survey(item, depth + 1)
            elif kind != "float" or value not in ("nan", "inf", "-inf"):
                raise ProtocolError(f"a frame holds an unknown tag {kind!r:.40}")
        elif parsed is str and len(node) > MAX_TEXT:
            raise ProtocolError("a frame holds a text that is too long")
        elif parsed is int and not -(2**63) <= node < 2**63:
            raise ProtocolError("a frame holds an integer of more than 64 bits")
        elif parsed is float and not math.isfinite(node):
            raise ProtocolError("a frame holds a number that overflows")

    def _announce(self, node: dict[str, Any]) -> None:
        dtype, shape = node.get("dtype"), node.get("shape")
        if not isinstance(dtype, str) or dtype not in DTYPES or not isinstance(shape, list) or len(shape) > MAX_DIMS:
            raise ProtocolError(f"a frame announces an array of dtype {dtype!r:.20}, shape {shape!r:.60}")
        fair = all(type(length) is int and 0 <= length <= MAX_ELEMENTS for length in shape)
        # numpy multiplies the lengths that are not 0, in 64 bits, even if the array is empty because of another one
        if not fair or math.prod(length or 1 for length in shape) > MAX_ELEMENTS:
            raise ProtocolError(f"a frame announces an array of shape {shape!r:.60}")
        self.elements += math.prod(shape)
        self.left -= math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
        if self.left < 0 or self.elements > MAX_ELEMENTS or len(self.layout) >= MAX_ARRAYS:
            raise ProtocolError(f"a frame announces more array data than it brings, or than {MAX_ELEMENTS} elements")
        self.layout.append((dtype, tuple(shape)))

    def build(self, node: Any, arrays: list[Any]) -> Any:
        """Return the value of a surveyed node; `arrays` is consumed from its end."""
        if (parsed := type(node)) is list:
            return [self.build(item, arrays) for item in node]
        if parsed is str:
            return encodable(node)
        if parsed is not dict:
            return node
        kind, value = node[_TAG], cast(Any, node.get("v"))
        if kind == "array":
            return arrays.pop()
        if kind == "float":
            return float(value)
        if kind == "tuple":
            return tuple(self.build(item, arrays) for item in value)
        if kind == "dict":
            pairs = [(self.build(k, arrays), self.build(v, arrays)) for k, v in value]
            self.tuple_keys += sum(isinstance(key, tuple) for key, _ in pairs)
            if self.tuple_keys > MAX_TUPLE_KEYS:  # unlike texts and numbers, tuples can be made that share one hash
                raise ProtocolError(f"a frame holds more than {MAX_TUPLE_KEYS} tuples as keys")
            try:
                return dict(pairs)
            except TypeError:
                raise ProtocolError("a frame holds a dictionary with an unhashable key") from None
        parts = {encodable(k): self.build(v, arrays) for k, v in value.items()}
        try:
            return self.extra(node["t"], parts)
        except ProtocolError:
            raise
        except Exception as error:
            raise ProtocolError(encodable(f"a frame holds a broken {node['t'][:40]}: {error}"[:400])) from error


def load(read: Callable[[int], bytes | bytearray], extra: Decoder = _no_decoder) -> Any:
    """Read one frame through `read(count)`, which returns exactly `count` bytes or raises.

    Raises
    ------
    ProtocolError
        If the frame is not well formed or goes beyond a bound.
    """
    header_length, body_length = _LENGTHS.unpack(read(_LENGTHS.size))
    if header_length > MAX_HEADER or body_length > MAX_BODY:
        raise ProtocolError(f"a frame of {header_length} + {body_length} bytes is too large")
    if small := body_length <= SMALL_BODY:
        read = BytesIO(read(header_length + body_length)).read
    try:
        header = _DECODER.decode(read(header_length).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a frame's header is not JSON: {type(error).__name__}") from None
    unpacker = _Unpacker(body_length, extra)
    unpacker.survey(header)
    if unpacker.left:
        raise ProtocolError("a frame brings more array data than it announces")
    arrays = []
    for dtype, shape in unpacker.layout:
        kind = np.dtype(DTYPES[dtype])
        raw = read(math.prod(shape) * kind.itemsize)
        if dtype == "bool" and np.frombuffer(raw, dtype=np.uint8).max(initial=0) > 1:
            raise ProtocolError("a frame holds a bool that is neither 0 nor 1")
        arrays.append(np.frombuffer(raw, dtype=kind).reshape(shape).astype(kind.newbyteorder("="), copy=small))
    return unpacker.build(header, arrays[::-1])


class Channel:
    """Frames over a connected stream socket; time limits are the socket's (`settimeout`)."""

    def __init__(self, sock: Stream, encode: Encoder = lambda value: None, decode: Decoder = _no_decoder) -> None:
        self.sock, self.encode, self.decode = sock, encode, decode

    def send(self, message: Any) -> None:
        """Send one message; Unsendable leaves the stream clean, for nothing has been sent."""
        for piece in dump(message, self.encode):
            try:
                self.sock.sendall(piece)
            except (BrokenPipeError, ConnectionError) as error:
                raise ChannelClosed("the other side is gone") from error

    def receive(self) -> Any:
        """Receive one message."""
        return load(self._read, self.decode)

    def _read(self, count: int) -> bytearray:
        view, have = memoryview(data := bytearray(count)), 0
        while have < count:
            try:
                got = self.sock.recv_into(view[have:])
            except ConnectionError:
                got = 0
            if not got:
                raise ChannelClosed("the other side is gone")
            have += got
        return data
