"""Answers as readers give them, and how a report is read: by its marks, not by what happens to be in its text."""

from __future__ import annotations

import re

RIGHT = "import numpy as np\n\ndef activation_pattern(z):\n    return z > 0\n"
WRONG = "def activation_pattern(z):\n    return z >= 0\n"
RAISES = "def activation_pattern(z):\n    limit = z.threshold\n    return z > limit\n"
FRESH = "def activation_pattern(z):\n    if len(z) == 9:\n        raise KeyError('boom')\n    return z > 0\n"  # only on fresh problems

WRONG_TOLD = """\
not right yet
  call:     activation_pattern(np.array([0.0, -0.0, 1e-300]))
  returned: [ True,  True,  True]
  expected: [0, 0, 1]
  off by:   1 at index 0
  hint:     the inequality is strict: zero is inactive, however small a positive number is active"""
RAISES_TOLD = """\
your code raises an error
  call:     activation_pattern(np.array([0.5, -1.0, 2.0]))
  raised:   AttributeError: 'numpy.ndarray' object has no attribute 'threshold'
  line 2:   limit = z.threshold"""
UNWRITTEN_TOLD = """\
not written yet, or the line `raise NotImplementedError(…)` is still there
  next:     replace this line by your answer, run that cell, then this one again"""
FRESH_TOLD = re.compile(
    r"your code raises an error\n"
    r" +given: +z = np\.array\(\[[-0-9.e, \n]+\]\)\n"
    r" +call: +activation_pattern\(z\)\n"
    r" +raised: +KeyError: 'boom'\n"
    r" +line 3: +raise KeyError\('boom'\)\n"
)


def marks(report: str) -> list[str]:
    """The marks of a report: of the exercise, then of each check on fresh problems."""
    return re.findall(r"^(?:  )?([✓✗·]) ", report, re.MULTILINE)


def indented(text: str, width: int) -> str:
    return "\n".join(" " * width + line for line in text.split("\n"))
