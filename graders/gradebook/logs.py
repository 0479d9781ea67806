"""What nbgrader's commands write to a terminal: names of students' files, in which it may find no order."""

from __future__ import annotations

import logging
import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Plain(logging.Filter):
    """Writes control and direction characters of a message as escapes; `nbgrader_config.py` names it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, mended."""
        record.msg, record.args = _CONTROL.sub(_escape, record.getMessage()), ()
        return True


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
