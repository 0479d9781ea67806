"""Feedback pages that show what the gradebook says: ``nbgrader generate_feedback`` makes an outdated page anew.

nbgrader alone keeps every page that there is, unless the student has handed in again: pages made before points were
given by hand, before an extension or before an answer, would be released.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateFeedback

from graders.gradebook import extensions, look_again
from graders.gradebook.feedback_page import ReadableExporter
from graders.gradebook.marker import MARKER, fingerprint
from graders.gradebook.nbgrader_api import course_of, quiet


class FreshPages(GenerateFeedback):  # type: ignore[misc]
    """nbgrader's feedback, which notes beside a submission's pages a digest of what they show."""

    force: bool
    fingerprints: dict[str, str]
    """Of course and graders, by assignment."""
    digest: str
    """Of the submission that is being worked on, taken before its pages are made."""

    def convert_notebooks(self) -> None:
        """Keep promised extensions, if the class's due date has moved; then do as nbgrader does."""
        extensions.keep_and_log(self)
        super().convert_notebooks()

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Decide as nbgrader does, but as with --force where the pages do not show what they would show now."""
        forced, mark = self.force, Path(self._format_dest(assignment_id, student_id), MARKER)
        self.digest = self._digest(assignment_id, student_id)
        fresh = mark.is_file() and mark.read_text(encoding="utf-8") == self.digest
        self.force = forced or not fresh
        try:
            return bool(super().init_destination(assignment_id, student_id))
        finally:
            self.force = forced

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        """Note the digest once all pages are made, then do as nbgrader does."""
        if self.coursedir.notebook_id == "*":
            mark = Path(self._format_dest(assignment_id, student_id), MARKER)
            mark.write_text(self.digest, encoding="utf-8")
        super().set_permissions(assignment_id, student_id)

    def _digest(self, assignment_id: str, student_id: str) -> str:
        """Return a digest of all that the pages show: autograded files, the gradebook's entries, course and graders."""
        if assignment_id not in self.fingerprints:
            course = course_of(self.exporter.course, {"nbgrader": {"assignment": assignment_id}})
            self.fingerprints[assignment_id] = fingerprint(course)
        digest = hashlib.sha256(self.fingerprints[assignment_id].encode())
        folder = Path(self._format_source(assignment_id, student_id))
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
            digest.update(os.fsencode(path.relative_to(folder)) + b"\0" + content)
        with quiet(), Gradebook(self.coursedir.db_url, self.coursedir.course_id) as book:
            try:
                submission = book.find_submission(assignment_id, student_id)
            except MissingEntry:
                return digest.hexdigest()
            values = [repr((submission.timestamp, submission.duedate, submission.extension))]
            for notebook in submission.notebooks:
                values.append(repr((notebook.name, notebook.late_submission_penalty)))
                values += [repr((grade.name, grade.score, grade.max_score)) for grade in notebook.grades]
                values += [repr((comment.name, comment.comment)) for comment in notebook.comments]
            found = look_again.answers(book, assignment_id, student_id)
            values += [repr((one.exercise, one.answered, one.answer)) for one in found]
        digest.update("\n".join(sorted(values)).encode())
        return digest.hexdigest()


_find_notebooks = GenerateFeedback.init_notebooks


def begin(converter: GenerateFeedback) -> None:
    """Find the notebooks as nbgrader does; a converter with our exporter becomes a :class:`FreshPages` before."""
    if issubclass(converter.exporter_class, ReadableExporter):
        converter.__class__, converter.fingerprints = FreshPages, {}
    _find_notebooks(converter)
