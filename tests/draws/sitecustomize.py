"""Each Python that a test starts imports this, by its name; the test's own process does it in tests/conftest.py."""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
import sys

NUMBER = "SHEAFLAB_TEST_SECRET"
"""Environment variable with the number of the secret from which the running test draws, if it has asked for one."""


class Draws:
    """Texts in the place of random ones: each is another one, and the same in each run."""

    def __init__(self) -> None:
        self.random, self.count = secrets.token_hex, itertools.count()

    def token_hex(self, size: int | None = None) -> str:
        """Draw what the product asks for by the test's secret, and leave other programs their own random numbers."""
        if sys._getframe(1).f_globals["__name__"].partition(".")[0] not in ("graders", "sheaflab"):
            return self.random(size)
        if (number := os.environ.get(NUMBER)) is None:
            raise AssertionError("this test draws a secret: it must ask for the fixture `secret`, or for `one_secret` (tests/conftest.py)")
        return hashlib.sha256(f"secret {number}, draw {next(self.count)}".encode()).hexdigest()[: 2 * (size or 32)]


# As in graders/__init__.py, for nbgrader and nbconvert where they are started by themselves: half of such a start is the
# making of that package's grammars.
sys.modules.setdefault("rfc3987_syntax", None)

if __name__ == "sitecustomize":
    secrets.token_hex = Draws().token_hex
