"""What the product draws in a test, in the place of random secrets: in the test's process and in those that it starts."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def on_path(*folders: Path | str) -> str:
    """Return a PYTHONPATH of these folders, with which a Python that is started draws as the test does."""
    return os.pathsep.join(map(str, (*folders, FOLDER)))
