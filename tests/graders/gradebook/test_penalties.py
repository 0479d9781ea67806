"""The rule for late work: once per submission, and its points over the notebooks."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nbgrader.plugins import LateSubmissionPlugin

from graders.gradebook.penalties import SubmissionPenalty, spread

POINTS = st.floats(0, 100) | st.integers(0, 200).map(lambda k: k / 2)


@given(st.lists(POINTS, min_size=1, max_size=9), st.floats(0, 1) | st.just(1.0))
@example([0.1, 0.2, 0.3], 1.0)
@example([0.0, 0.0], 1.0)
def test_shares_sum_to_the_penalty_and_no_notebook_goes_below_0(scores, part):
    total = math.fsum(scores)
    shares = spread(part * total, scores)
    assert all(0 <= share <= score for share, score in zip(shares, scores, strict=True))
    assert math.fsum(shares) == pytest.approx(part * total, rel=1e-12, abs=1e-12)


@given(st.lists(st.integers(0, 40).map(lambda k: k / 4), min_size=1, max_size=9), st.integers(0, 20))
def test_whole_points_are_spread_exactly_in_whatever_order_they_are_summed(scores, points):
    penalty = min(float(points), sum(scores))
    shares = spread(penalty, scores)
    assert sum(shares) == sum(reversed(shares)) == penalty


def test_shares_are_in_proportion():
    assert spread(2.0, [2.0, 4.0, 10.0]) == [0.25, 0.5, 1.25]
    assert spread(1.0, [1.0, 1.0, 1.0]) == pytest.approx([1 / 3] * 3, abs=3 / 1024)


class Submission:
    """As much of nbgrader's as the step looks at."""

    def __init__(self, *scores, late=7200.0):
        self.total_seconds_late, self.student = late, type("", (), {"id": "ada"})
        self.notebooks = [
            type("", (), {"name": f"lab-{k}", "score": score, "late_submission_penalty": None})
            for k, score in enumerate(scores)
        ]


def step(answer):
    class Rule(LateSubmissionPlugin):
        def late_submission_penalty(self, student_id, score, total_seconds_late):
            return answer(score)

    made = SubmissionPenalty()
    made.plugin_class = Rule
    return made


@pytest.mark.parametrize(
    ("answer", "shares"),
    [
        (lambda score: score / 4, [1.0, 0.5]),
        (lambda score: -3, [0.0, 0.0]),
        (lambda score: 99, [4.0, 2.0]),
        (lambda score: None, [None, None]),
    ],
)
def test_the_rule_sees_the_whole_score_and_is_kept_in_bounds(answer, shares):
    submission = Submission(4.0, 2.0)
    assert step(answer).assign(submission) is (shares != [None, None])
    assert [notebook.late_submission_penalty for notebook in submission.notebooks] == shares


def test_on_time_there_is_no_penalty():
    submission = Submission(4.0, late=0)
    submission.notebooks[0].late_submission_penalty = 1.0
    assert step(lambda score: 1).assign(submission)
    assert submission.notebooks[0].late_submission_penalty is None


@pytest.mark.parametrize("answer", [lambda score: score / 0, lambda score: math.nan, lambda score: "two"])
def test_a_rule_that_fails_names_itself_and_the_student(answer):
    with pytest.raises(ValueError, match=r"late plugin Rule .*ada"):
        step(answer).assign(Submission(4.0))
