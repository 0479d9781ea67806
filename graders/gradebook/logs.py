"""What nbgrader's commands write to a terminal: names of students' files, in which it may find no order."""

from __future__ import annotations

import logging

from graders.lab.printing import escaped


class Plain(logging.Filter):
    """Writes control and direction characters of a message as escapes; `nbgrader_config.py` names it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its message escaped."""
        record.msg, record.args = escaped(record.getMessage(), kept="\n\t"), ()
        return True
