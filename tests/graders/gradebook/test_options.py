"""What a course's configuration says wrongly about grading is refused at both doors, with the option and its file."""

from __future__ import annotations

import pytest

from graders.gradebook import nbgrader_api
from graders.gradebook.settings import Settings
from graders.publish.release import copy_course
from tests.graders.conftest import autograde, grade_class, hand_in

CASES = {
    "c.TrustedGrader.require_isolatoin = 'BUBBLEWRAP'": r"c\.TrustedGrader has no option require_isolatoin; did you mean "
    "require_isolation",
    "c.TrustedGrader.cpu_second = 30.0": "no option cpu_second; did you mean cpu_seconds",
    "c.TrustedGrader.cpu_seconds = 'long'": "'cpu_seconds' trait .*'long'",
    "c.TrustedGrader.require_isolation = 'BUBLEWRAP'": "'require_isolation' trait .*'BUBLEWRAP'",
    "c.AssignLatePenalties.plugin_clas = 'late.Late'": "AssignLatePenalties has no option plugin_clas; did you mean plugin_class",
    "c.AssignLatePenalty.plugin_class = 'late.Late'": r"there is no c\.AssignLatePenalty; did you mean c\.AssignLatePenalties",
    "c.TrustedGarder.cpu_seconds = 30.0": r"there is no c\.TrustedGarder; did you mean c\.TrustedGrader",
}


@pytest.mark.parametrize("file", ["nbgrader_config.py", "nbgrader_config_local.py"])
@pytest.mark.parametrize("line", CASES)
def test_a_wrong_option_names_itself_what_is_meant_and_its_file(mini, tmp_path, line, file):
    course = copy_course(mini, tmp_path / "course")
    with (course.root / file).open("a") as config:
        config.write(f"\nc = get_config()\n{line}\n")
    with pytest.raises(ValueError, match=CASES[line]) as error:
        Settings.load(course.root)
    assert str(error.value).startswith(f"{course.root / file}: ")


def test_right_options_and_other_classes_are_read(mini, tmp_path):
    course = copy_course(mini, tmp_path / "course")
    (course.root / "nbgrader_config_local.py").write_text(
        "c = get_config()\nc.TrustedGrader.cpu_seconds = 3.0\nc.TrustedNotebook.x = 1\nc.Grader.y = 2\n"
    )
    assert Settings.load(course.root).limits.cpu == 3.0


RULE = """
from nbgrader.plugins import BasePlugin, LateSubmissionPlugin
c = get_config()
class Rule({base}):
    def {method}(self, student_id, score, total_seconds_late):
        return 1.0
c.AssignLatePenalties.plugin_class = {chosen}
"""


def late_rule(course, base="LateSubmissionPlugin", method="late_submission_penalty", chosen="Rule", more=""):
    text = RULE.format(base=base, method=method, chosen=chosen) + more
    (course.root / "nbgrader_config_local.py").write_text(text)


@pytest.mark.parametrize("base", ["LateSubmissionPlugin", "BasePlugin"])
def test_a_late_plugin_without_the_method_that_is_called_is_refused(mini, tmp_path, base):
    course = copy_course(mini, tmp_path / "course")
    late_rule(course, base, "late_submision_penalty")
    told = r"the late plugin Rule must define late_submission_penalty\(.*did you mean it by late_submision_penalty\?$"
    with pytest.raises(ValueError, match=told) as error:
        Settings.load(course.root)
    assert str(error.value).startswith(f"{course.root / 'nbgrader_config_local.py'}: ")
    late_rule(course, base)
    Settings.load(course.root)


@pytest.mark.parametrize("more", ["", "c.LateSubmissionPlugin.penalty_method = 'zero'\n"])
def test_nbgraders_own_late_plugin_needs_no_method(mini, tmp_path, more):
    course = copy_course(mini, tmp_path / "course")
    late_rule(course, chosen="LateSubmissionPlugin", more=more)
    Settings.load(course.root)
    late_rule(course, method="other", more="c.Rule.penalty_method = 'zero'\n")
    Settings.load(course.root)


@pytest.mark.slow
def test_no_door_grades_with_a_late_plugin_that_nobody_asks(course, submit, capsys):
    hand_in(course, "ann", submit())
    late_rule(course, method="penalty")
    assert grade_class(course) == 2
    assert "the late plugin Rule must define late_submission_penalty" in capsys.readouterr().err
    with pytest.raises(nbgrader_api.NbGraderError, match="the late plugin Rule must define late_submission_penalty"):
        autograde(course, "ann")
    assert not (course.root / "autograded").exists()


@pytest.mark.slow
def test_no_door_grades_with_a_mistyped_option(course, submit, capsys):
    hand_in(course, "ann", submit())
    (course.root / "nbgrader_config_local.py").write_text(
        "c = get_config()\nc.TrustedGrader.require_isolatoin = 'BUBBLEWRAP'\n"
    )
    assert grade_class(course) == 2
    assert "nbgrader_config_local.py: c.TrustedGrader has no option require_isolatoin" in capsys.readouterr().err
    with pytest.raises(nbgrader_api.NbGraderError, match="has no option require_isolatoin; did you mean require_isolation"):
        autograde(course, "ann")
    assert not (course.root / "autograded").exists()
