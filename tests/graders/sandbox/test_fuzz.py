"""A sample of ``python -m tests.fuzz``: whatever is done to a frame or to a file, nothing but a status comes of it."""

from __future__ import annotations

import pytest

from tests import fuzz


def test_mutated_frames_are_used_or_told():
    ends, failed = fuzz.fuzz_frames(500, seed=1)
    assert failed == []
    assert min(ends["used"], ends["refused"]) > 20


def test_a_frame_that_is_not_refused_in_time_is_found(monkeypatch):
    """The fuzzer sees what it looks for."""
    monkeypatch.setattr(fuzz, "ProtocolError", ZeroDivisionError)
    assert "ProtocolError" in fuzz.use_frames(0, 200, 0)[1][0][1]


@pytest.mark.slow
def test_mutated_files_end_with_a_status(mini, one_secret):
    notebooks, exercises, failed, _ = fuzz.fuzz_files(40, 1, mini)
    assert failed == []
    assert sum(notebooks.values()) == 40
    assert exercises["OK"] > 20
