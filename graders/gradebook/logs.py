"""nbgrader's log messages, made safe for a terminal: students' file names may hold control characters."""

from __future__ import annotations

import logging

from graders.lab.printing import escaped


class Plain(logging.Filter):
    """Writes control and direction characters of a message as escapes; `nbgrader_config.py` names it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its message escaped."""
        record.msg, record.args = escaped(record.getMessage(), kept="\n\t"), ()
        return True
