"""The course's rule for late work, applied once per submission; nbgrader applies it once per notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config

from graders.gradebook.options import configured, place_of

STEP = 1024
"""Shares are multiples of 1/STEP points: floats hold these exactly, so that the shares of 2 points sum to 2."""
_METHOD = LateSubmissionPlugin.late_submission_penalty.__name__


def require_rule(config: Config, root: Path) -> None:
    """Refuse a rule for late work that nobody would ask: its class does not have the method that nbgrader calls.

    Raises
    ------
    ValueError
        If it is so, or the options of AssignLatePenalties are wrong.
    """
    step = configured(AssignLatePenalties, config, root)
    kind = step.plugin_class
    method = getattr(kind, _METHOD, None)
    if kind is LateSubmissionPlugin or method not in (None, LateSubmissionPlugin.late_submission_penalty):
        return
    if method is not None:
        step.init_plugin()
        if step.plugin_inst.penalty_method != "none":  # nbgrader's own rule, chosen by the class or for it
            return
    own = [name for name, value in vars(kind).items() if callable(value)]
    near = get_close_matches(_METHOD, own, 1, cutoff=0.5)
    meant = f"; did you mean it by {near[0]}?" if near else ""
    raise ValueError(
        f"{place_of(root, 'plugin_class')}: the late plugin {kind.__name__} must define "
        f"{_METHOD}(self, student_id, score, total_seconds_late): nbgrader calls it; else nothing is taken off{meant}"
    )


class SubmissionPenalty(AssignLatePenalties):  # type: ignore[misc]
    """Replaces nbgrader's AssignLatePenalties: the same configuration and plugin, other arguments of the plugin.

    The plugin is asked once, with the score of the whole submission. Its penalty, at least 0 and at most that score, is
    spread over the notebooks in proportion to their scores. For a rule that takes a part of the score, such as
    nbgrader's own 'zero', this is what nbgrader does.
    """

    def assign(self, submission: Any) -> bool:
        """Set the penalties of a submission's notebooks; tell whether any has changed. The caller commits.

        Raises
        ------
        ValueError
            If the plugin fails, or returns no number.
        """
        notebooks = sorted(submission.notebooks, key=lambda notebook: str(notebook.name))
        before = [notebook.late_submission_penalty for notebook in notebooks]
        late, scores = submission.total_seconds_late, [max(float(notebook.score), 0.0) for notebook in notebooks]
        penalty = self._ask(submission.student.id, math.fsum(scores), late) if late > 0 else None
        after = [None] * len(scores) if penalty is None else spread(penalty, scores)
        for notebook, share in zip(notebooks, after, strict=True):
            notebook.late_submission_penalty = share
        return before != after

    def _ask(self, student: str, score: float, late: float) -> float | None:
        """Return the plugin's penalty, clipped to between 0 and the score."""
        self.init_plugin()
        name = self.plugin_class.__name__
        try:
            penalty = self.plugin_inst.late_submission_penalty(student, score, late)
            points = None if penalty is None else float(penalty)
        except Exception as error:
            raise ValueError(f"the late plugin {name} failed for {student}, {late:g} s late: {error!r}") from error
        if points is not None and not math.isfinite(points):
            raise ValueError(f"the late plugin {name} must return a finite number or None, got {points} for {student}")
        return None if points is None else min(max(points, 0.0), score)


def spread(penalty: float, scores: Sequence[float]) -> list[float]:
    """Spread a penalty over notebooks in proportion to their scores.

    Parameters
    ----------
    penalty : float
        Points, between 0 and the sum of `scores`.
    scores : sequence of float
        Points of each notebook, at least 0.

    Returns
    -------
    list of float
        Points off each notebook, between 0 and its score; they sum to `penalty`.
    """
    total = math.fsum(scores)
    if total <= 0:
        return [0.0] * len(scores)
    shares = [min(math.floor(penalty * (score / total) * STEP) / STEP, score) for score in scores]
    left = penalty - math.fsum(shares)
    for k, score in enumerate(scores):  # add what rounding down has left over
        more = min(left, score - shares[k])
        shares[k] += more
        left -= more
    return shares
