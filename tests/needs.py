"""What a test needs of its machine. The only way to leave a test out: by a name of the table in `graders.sandbox.machine`.

``@pytest.mark.needs("chromium")`` on a test, `needs("postgresql")` in a fixture, `needs_level(level)` for a level of
isolation. Where it is missing the test is left out, and the run ends with one line that says how many, for what, and
how to get it. With the environment variable ``CI`` set that is a failure instead, unless the run was told which lack it
plays: ``GRADERS_LACKS=chromium,bwrap pytest``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

import pytest

from graders.grading.canary import refusal
from graders.sandbox.isolation import Isolation, lacks
from graders.sandbox.machine import BY_NAME, advice, needed_for

LEFT_OUT = "left out, it needs "


def needs(*names: str) -> None:
    """Leave the running test out if this machine lacks one of `names`; in CI fail."""
    for name in names:
        if why := BY_NAME[name].missing():
            if os.environ.get("CI") and not lacks(name):
                pytest.fail(f"CI must have {name}, or be told to do without: {why}; {advice([name])}", pytrace=False)
            pytest.skip(f"{LEFT_OUT}{name}")


def needs_level(level: Isolation) -> None:
    """Leave the running test out if this machine cannot have `level`; a level that it should have must grade."""
    needs(*needed_for(level))
    assert not (why := refusal(level)), f"this machine has all that {level.name} needs: {why}"


def summary(reasons: Iterable[str]) -> str:
    """Return the closing line of a run from the reasons of its skipped tests; empty if none was left out."""
    names = Counter(reason.partition(LEFT_OUT)[2] for reason in reasons if LEFT_OUT in reason)
    if not names:
        return ""
    each = ", ".join(f"{count} for {name}" for name, count in names.most_common())
    return f"{names.total()} tests left out: {each}. To have all of them: {advice(names)}"
