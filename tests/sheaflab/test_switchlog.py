from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaflab import Switch, SwitchLog
from sheaflab.modes import MODES

finite = st.floats(allow_nan=False, allow_infinity=False)
switches = st.builds(
    Switch,
    time=st.floats(0, 60),
    layer=st.integers(1, 20),
    neuron=st.integers(0, 999),
    before=st.sampled_from(MODES),
    after=st.sampled_from(MODES),
    energy=st.floats(0, math.inf),
    slope_before=finite | st.just(math.nan),
    slope_after=finite | st.sampled_from([math.nan, math.inf, -math.inf]),
)
logs = st.builds(
    lambda items, certified: SwitchLog(sorted(items, key=lambda s: s.time), 60.0, certified=certified),
    st.lists(switches, max_size=5),
    st.booleans(),
)


@given(logs)
def test_files_give_the_log_back_to_the_last_digit(log):
    assert SwitchLog.from_json(log.to_json()) == log
    assert SwitchLog.from_csv(log.to_csv(), log.t_end, certified=log.certified) == log


A = Switch(1.0, 1, 0, "inactive", "active", 2.0, -1.0, -1.5)
B = Switch(2.0, 1, 3, "active", "sliding", 1.0, -1.5, -1.0)
C = Switch(3.0, 2, 1, "sliding", "inactive", 0.5, -1.0, -1.0)


def test_counts_and_views():
    log = SwitchLog([A, B, C], 60.0, certified=True)
    assert (log.count, log.crossings, log.slides) == (3, 1, 1)
    assert log.times.tolist() == [1.0, 2.0, 3.0]
    assert log.kinks().tolist() == [-0.5, 0.5, 0.0]
    assert log[1] is B
    assert log[-2:] == (B, C)
    assert repr(log) == "SwitchLog(1 crossing, 1 slide, t ≤ 60.0)"


def test_a_scheme_log_says_how_it_came_about():
    assert repr(SwitchLog([A], 60.0, certified=False)) == "SwitchLog(1 sign change seen between time steps, t ≤ 60.0)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SwitchLog([B, A], 60.0, certified=True), "`switches` must be in the order of time"),
        (lambda: Switch(1.0, 1, 0, "on", "off", 2.0, 0.0, 0.0), "`before` must be one of inactive, active, sliding, got 'on'"),
        (lambda: SwitchLog.from_json("{}"), "must be a log written by to_json"),
        (lambda: SwitchLog.from_json("["), "must be a log written by to_json"),
        (lambda: SwitchLog.from_csv("a,b\n1,2\n", 60.0, certified=True), "must start with the header time,layer"),
        (lambda: SwitchLog.from_csv(SwitchLog([A], 9, certified=True).to_csv().replace("1.5", "x"), 9, certified=True), "line 2"),
    ],
)  # fmt: skip
def test_bad_logs_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
