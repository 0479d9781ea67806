"""When work was handed in: by the system's record, by the instructor's word, or unknown; never by a file's time."""

from __future__ import annotations

from datetime import UTC, datetime
from time import tzset
from zoneinfo import ZoneInfo

import pytest
from traitlets.config import Config

from graders.classroom.intake.times import Zone, read_time, submitted_at
from graders.gradebook.files import configured_zone, submission_time
from graders.gradebook.timestamps import read_timestamp
from tests.graders.classroom.intake.conftest import first, notebook

BLACKBOARD = "lab09_alee_attempt_2026-11-20-10-00-00_lab09-1.ipynb"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20-10-00-00", datetime(2026, 11, 20, 10)),
        ("Nov 20, 2026 0936 PM", datetime(2026, 11, 20, 21, 36)),
        ("Friday, 20 November 2026, 10:05 AM", datetime(2026, 11, 20, 10, 5)),
        ("2026-11-20 10:00:00 +0100", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20 10:00:00 UTC", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20T10:00:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("-", None),
        ("9" * 40, None),
    ],
)
def test_times_as_systems_write_them(text, time):
    assert read_time(text) == time


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "9" * 30 + "h", "2026-13-45 10:00:00 UTC", "\x00", "1e999999", "9" * 2**20, "-1", "1e400", "\ud800",
        "10:00", "Friday", "now", "20 November 2026", "2026-11-20", "2026-11-20 25:61", "2026-11-20 10:00:00 CEST", "0001-01-01 00:00 CEST",
        "2026-11-20 10:00:00 Europe/../../etc/passwd", "2026-11-20 10:00:00 /etc/localtime", "2026-11-20 10:00:00 Europe",
        "2026-11-20 10:00:00 :UTC", "2026-11-20 10:00:00 UTC0", "2026-11-20 10:00:00 " + "A" * 3000,
        "2026-11-20 10:00:00 UTC/x\u0661", "2026-11-20 10:00:00\x00", "2026-11-20 10:00:00 3600", "2026-11-20 10:00:00 +99:99",
        "\u0662\u0660\u0662\u0666-01-01 00:00 UTC", "99999-01-01 00:00:00 UTC", "0000-01-01 00:00:00 UTC",
        "0001-01-01 00:00:00 +23:59", "9999-12-31 23:59:59 -12:00", "0001-01-01 00:00:00 Asia/Tokyo", "=1+1",
    ],
)  # fmt: skip
def test_a_timestamp_that_cannot_be_read_is_none(text):
    assert read_timestamp(text) is None


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-20 10:00:00.123456 UTC", 10),  # nbgrader's exchange
        ("2026-11-20 10:00:00.123456 CET", 9),  # the same, where a zone is configured
        ("2026-11-20 10:00:00 UTC", 10),
        ("2026-11-20 10:00:00 GMT", 10),
        ("2026-11-20 10:00:00", 10),
        ("2026-11-20 10:00", 10),
        ("2026-11-20T10:00:00Z", 10),
        ("2026-11-20T10:00+01:00", 9),
        ("2026-11-20 10:00:00 +0100\r\n", 9),
        ("2026-11-20 10:00:00 Europe/Berlin", 9),
        ("2026-11-20 10:00:00 Etc/GMT+1", 11),
        ("\ufeff2026-11-20 10:00:00 UTC", 10),
        ("2026-11-20 10:00:00.123456 -03", 13),  # the exchange again: zones without letters
        ("2026-11-20 10:00:00.123456 +04", 6),
        ("2026-11-20 10:00:00 utc", 10),
        ("2026-11-20T10:00:00z", 10),
        ("2026-11-20 10:00:00   UTC", 10),
        ("2026-11-20 10:00:00,123 UTC", 10),
    ],
)
def test_timestamps_as_nbgrader_and_people_write_them(text, hour):
    time = read_timestamp(text)
    assert time is not None
    assert time.replace(microsecond=0) == datetime(2026, 11, 20, hour, tzinfo=UTC)


@pytest.mark.parametrize(("letters", "hour"), [("CEST", 8), ("EDT", 14), ("BST", 9), ("EEST", 7)])
def test_letters_that_stand_for_one_difference_at_that_time_are_a_zone(letters, hour):
    assert read_timestamp(f"2026-07-20 10:00:00 {letters}") == datetime(2026, 7, 20, hour, tzinfo=UTC)
    assert read_timestamp(f"2026-01-20 10:00:00 {letters}") is None  # nowhere is it summer


@pytest.mark.parametrize(("text", "minute"), [("+0545", 15), ("+05:45", 15), ("-0330", 30)])
def test_a_difference_may_have_minutes(text, minute):
    time = read_timestamp(f"2026-11-20 10:00:00.123456 {text}")
    assert time is not None
    assert time.minute == minute


@pytest.mark.parametrize(
    ("zone", "text", "hour"),
    [
        ("America/Los_Angeles", "2026-01-20 10:00:00 PST", 18),
        ("Asia/Shanghai", "2026-07-20 10:00:00 CST", 2),
        ("America/Chicago", "2026-11-01 01:30:00 CDT", 6),  # the hour that comes twice
        ("America/Chicago", "2026-11-01 01:30:00 CST", 7),
        ("Europe/Dublin", "2026-07-20 10:00:00 IST", 9),
        ("Asia/Jerusalem", "2026-01-20 10:00:00 IST", 8),
        ("Asia/Kolkata", "2026-07-20 10:00:00 CEST", 8),  # not what it calls itself
        ("Asia/Kolkata", "2026-01-20 10:00:00 PST", None),  # Los Angeles or Manila
        ("Asia/Kolkata", "2026-07-20 10:00:00", 10),  # without letters it is UTC, as nbgrader has it
    ],
)
def test_the_zone_of_the_exchange_tells_what_letters_stand_for(zone, text, hour):
    time = read_timestamp(text, ZoneInfo(zone))
    assert (None if time is None else time.hour) == hour


def test_the_configuration_s_zone_is_used_for_a_submission(tmp_path):
    config = Config()
    assert configured_zone(config) is None
    config.Exchange.timezone = "No/Where"
    assert configured_zone(config) is None
    config.Exchange.timezone = "Asia/Shanghai"
    time, problem = submission_time(b"2026-07-20 10:00:00 CST", tmp_path, configured_zone(config))
    assert (time, problem) == (datetime(2026, 7, 20, 2), "")


def test_a_timestamp_may_name_the_zone_of_this_machine(monkeypatch):
    assert read_timestamp("2026-07-20 10:00:00 CST") is None  # in Chicago, or in Shanghai?
    monkeypatch.setenv("TZ", "America/Chicago")
    tzset()
    try:
        assert read_timestamp("2026-07-20 10:00:00 CST") == datetime(2026, 7, 20, 15, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        tzset()


def test_a_student_s_timestamp_in_an_exchange_stops_no_collecting(inbox):
    for student in ("alee", "bchan"):
        folder = f"{student}+lab09+2026-11-20 10:00:00 UTC+abc"
        inbox.put(f"{folder}/lab09-1.ipynb", first(student))
        inbox.put(f"{folder}/timestamp.txt", b"2026-11-20 10:00:00 Europe/../../etc/passwd")
    rows = inbox.collect()
    assert [row.status.name for row in rows].count("TAKEN") == 2
    assert inbox.time("alee") == inbox.time("bchan") == "2026-11-20 10:00:00 UTC"


@pytest.mark.parametrize("text", ["2026-11-20T10:00+01:00", "2026-11-20 10:00 Europe/Berlin", "2026-11-20T09:00Z"])
def test_the_instructors_word_needs_a_zone(text):
    assert submitted_at(text, Zone()) == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_a_time_without_a_zone_is_recorded_only_when_somebody_names_it(inbox):
    archive = inbox.zip([BLACKBOARD])
    (row,) = inbox.collect(archive)
    assert row.when == "2026-11-20 10:00, zone unknown"
    assert inbox.time("alee") is None
    inbox.collect(archive, zone="America/New_York")
    assert inbox.time("alee") == "2026-11-20 15:00:00 UTC"


def test_the_zone_that_the_course_configures_is_used_and_said(inbox, course):
    (course.root / "nbgrader_config.py").write_text("c = get_config()\nc.Exchange.timezone = 'Asia/Tokyo'\n")
    inbox.collect(inbox.zip([BLACKBOARD]))
    assert inbox.time("alee") == "2026-11-20 01:00:00 UTC"
    assert any("Asia/Tokyo (Exchange.timezone" in note for note in inbox.notes)


def test_the_instructors_word_is_for_those_without_a_record(inbox):
    archive = inbox.zip([BLACKBOARD, "Ann Lee_101_assignsubmission_file_/lab09-1.ipynb"])
    inbox.collect(archive, submitted_at="2026-11-19T12:00Z", zone="UTC")
    assert inbox.time("alee") == "2026-11-20 10:00:00 UTC"
    assert inbox.time("Ann-Lee") == "2026-11-19 12:00:00 UTC"


def test_a_mark_of_lateness_is_told_and_no_time_before_it_is_made_up(inbox):
    late = "chanbo_LATE_1002_20002_lab09-1.ipynb"
    inbox.collect(inbox.zip([late, "leeann_1001_20001_lab09-1.ipynb"]), submitted_at="2026-11-20T10:00Z")
    assert inbox.time("leeann") == "2026-11-20 10:00:00 UTC"
    assert inbox.time("chanbo") is None
    assert {row.student: row.when for row in inbox.rows}["chanbo"] == "unknown, late by Canvas"
    assert any("collect these by themselves with --submitted-at" in note for note in inbox.notes)
    inbox.collect(inbox.zip([late], "late.zip"), submitted_at="2026-11-22T10:00Z")
    assert inbox.time("chanbo") == "2026-11-22 10:00:00 UTC"


def test_nbgraders_own_timestamp_counts_beside_a_notebook_but_not_from_a_students_archive(inbox):
    inbox.put("alee/lab09/lab09-1.ipynb", first("a"))
    inbox.put("alee/lab09/timestamp.txt", b"2026-11-20 10:00:00 UTC")
    inbox.put("bchan/lab09-1.ipynb", first("b"))
    packed = inbox.zip({"timestamp.txt": "2020-01-01 00:00:00 UTC"}, "x.zip").read_bytes()
    inbox.put("bchan/work.zip", packed)
    inbox.put("Cy Diaz_101_assignsubmission_file_/timestamp.txt", b"2020-01-01 00:00:00 UTC")
    inbox.put("Cy Diaz_101_assignsubmission_file_/lab09-1.ipynb", first("c"))
    inbox.collect()
    assert [inbox.time(name) for name in ("alee", "bchan", "Cy-Diaz")] == ["2026-11-20 10:00:00 UTC", None, None]


def test_the_instructors_word_goes_before_a_timestamp_that_a_student_may_have_written(inbox):
    inbox.put("alee/lab09/lab09-1.ipynb", first("a"))
    inbox.put("alee/lab09/timestamp.txt", b"2020-01-01 00:00:00 UTC")
    inbox.collect(submitted_at="2026-12-05T10:00Z")
    assert inbox.time("alee") == "2026-12-05 10:00:00 UTC"


def test_an_unreadable_timestamp_is_reported(inbox):
    inbox.put("alee/lab09-1.ipynb", first())
    inbox.put("alee/timestamp.txt", b"9999999999999999999999999999999h")
    inbox.collect()
    assert inbox.status("alee/timestamp.txt") == "RECORD"
    assert inbox.status("lab09-1.ipynb") == "TAKEN"
    assert inbox.time("alee") is None


def test_the_last_notebook_tells_when_the_assignment_was_handed_in(inbox):
    entries = {
        "lab09_alee_attempt_2026-11-20-10-00-00_lab09-1.ipynb": first(),
        "lab09_alee_attempt_2026-11-20-12-00-00_lab09-3.ipynb": notebook("ex-3-1"),
    }
    inbox.collect(inbox.zip(entries), zone="UTC")
    assert inbox.time("alee") == "2026-11-20 12:00:00 UTC"


def test_a_later_attempt_replaces_an_earlier_one_in_whatever_order_they_come(inbox):
    later = BLACKBOARD.replace("10-00-00", "11-00-00")
    one, two = inbox.zip([BLACKBOARD], "1.zip"), inbox.zip([later], "2.zip")
    for archive, status in ((one, "TAKEN"), (two, "REPLACED"), (one, "OLDER"), (two, "UNCHANGED")):
        assert inbox.collect(archive)[0].status.name == status
    assert inbox.owners == {"alee": later}


def test_a_timestamp_that_is_no_longer_true_goes(inbox):
    inbox.collect(inbox.zip([BLACKBOARD]), zone="UTC")
    inbox.put("alee/lab09-1.ipynb", first("by mail"))
    assert inbox.collect()[0].status.name == "EXISTING"
    (row,) = inbox.collect(replace=True)
    assert "was removed: the time of this one is not known, and nbgrader counts it as on time; " in row.more
    assert "--submitted-at" in row.more
    assert inbox.time("alee") is None


def test_a_notebook_without_a_time_takes_no_time_from_the_others(inbox):
    inbox.collect(inbox.zip([BLACKBOARD]), zone="UTC")
    inbox.put("alee/lab09-3.ipynb", notebook("ex-3-1"))
    (row,) = inbox.collect()
    assert "its time is not known, and the submission keeps that of its other notebooks, 2026-11-20 10:00 UTC" in row.more
    assert inbox.time("alee") == "2026-11-20 10:00:00 UTC"
    inbox.collect(submitted_at="2026-11-21T10:00Z")
    assert inbox.time("alee") == "2026-11-21 10:00:00 UTC"


def test_nor_from_those_that_nbgrader_has_collected(inbox):
    folder = inbox.submitted / "alee" / "lab09"
    folder.mkdir(parents=True)
    (folder / "lab09-1.ipynb").write_bytes(first())
    (folder / "timestamp.txt").write_text("2026-11-20 10:00:00.123456 UTC")
    inbox.put("alee/lab09-3.ipynb", notebook("ex-3-1"))
    inbox.collect()
    assert inbox.time("alee") == "2026-11-20 10:00:00 UTC"
    inbox.collect(submitted_at="2026-11-19T10:00Z")  # it came before the other
    assert inbox.time("alee") == "2026-11-20 10:00:00 UTC"


def exchange(inbox, letters, hours=(9, 11), day="2026-01-20"):
    """Two versions of one student, as nbgrader's exchange has them."""
    for hour in hours:
        time = f"{day} {hour:02}:00:00.123456 {letters}"
        inbox.put(f"alee+lab09+{time}+abc{hour:02}/lab09-1.ipynb", first(f"version of {hour}"))
        inbox.put(f"alee+lab09+{time}+abc{hour:02}/timestamp.txt", time.encode())


@pytest.mark.parametrize("letters", ["UTC", "CET", "PST", "-03", "XYZ"])
def test_versions_of_an_exchange_have_an_order_where_nobody_knows_their_zone(inbox, letters):
    exchange(inbox, letters)
    rows = inbox.collect()
    assert {row.where.split("/")[-2][-2:]: row.status.name for row in rows if row.notebook} == {"09": "OLDER", "11": "TAKEN"}
    if letters in ("PST", "XYZ"):
        assert inbox.time("alee") is None
        assert {row.when for row in rows if row.notebook} == {f"2026-01-20 {h} {letters}, zone unknown" for h in ("09:00", "11:00")}
        assert any("name it (--zone" in note for note in inbox.notes)


def test_a_later_run_and_the_instructor_s_word_keep_that_order(inbox):
    exchange(inbox, "PST", (11,))
    assert "TAKEN" in [row.status.name for row in inbox.collect()]
    exchange(inbox, "PST", (9,))
    assert "OLDER" in [row.status.name for row in inbox.collect()]
    exchange(inbox, "PST", (13,))
    assert "REPLACED" in [row.status.name for row in inbox.collect(submitted_at="2026-01-20T23:00Z", replace=True)]
    assert inbox.time("alee") == "2026-01-20 23:00:00 UTC"


def test_times_by_different_unknown_letters_have_no_order(inbox):
    exchange(inbox, "XYZ", (9,))
    exchange(inbox, "ZYX", (11,))
    assert [row.status.name for row in inbox.collect() if row.notebook] == ["UNORDERED", "UNORDERED"]


def test_the_configured_zone_tells_what_the_letters_of_an_exchange_stand_for(inbox, course):
    (course.root / "nbgrader_config.py").write_text("c = get_config()\nc.Exchange.timezone = 'America/Los_Angeles'\n")
    exchange(inbox, "PST")
    assert "RECORD" not in [row.status.name for row in inbox.collect()]
    assert inbox.time("alee") == "2026-01-20 19:00:00 UTC"
