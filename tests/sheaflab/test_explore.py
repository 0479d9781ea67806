"""The interactive figure: its fields where there are widgets, the same picture where there are none."""

from __future__ import annotations

import base64
import html
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from sheaflab import explore as module
from sheaflab.explore import Explorer, Scene, StaticFigure, explore

PNG = b"\x89PNG"


def test_a_scene_is_the_experiment_of_the_demo():
    from sheaflab import demo

    run = Scene(network_seed=3, start_seed=5, magnitude=1.5).trajectory
    same = demo.run(network_seed=3, start_seed=5, magnitude=1.5).trajectory
    np.testing.assert_array_equal(run.log.times, same.log.times)


@pytest.mark.parametrize("change", [{"start_seed": 5}, {"magnitude": 3.0}, {"start_seed": 7, "magnitude": 0.5}])
def test_a_start_is_changed_without_the_network(change):
    before, after = Scene().trajectory, replace(Scene(), **change).trajectory
    assert before.sheaf.net == after.sheaf.net
    assert not np.allclose(before.states[0], after.states[0])


def test_a_network_is_changed_without_the_start():
    before, after = Scene().trajectory, Scene(network_seed=1).trajectory
    assert before.sheaf.net != after.sheaf.net
    np.testing.assert_array_equal(before.states[0], after.states[0])


def test_the_magnitude_keeps_the_direction():
    near, far = (Scene(magnitude=size).trajectory.states[0] for size in (0.5, 4.0))
    np.testing.assert_allclose(far, 8 * near)


def test_the_picture_has_three_parts_and_the_words_every_switch():
    scene = Scene()
    path, *over_time = scene.figure().axes
    assert path.get_xlabel().startswith("$z^")
    assert [ax.get_ylabel() for ax in over_time] == ["Dirichlet energy $V$", r"slope $d(\log V)/dt$", "hidden neuron"]
    assert len({ax.get_xlim() for ax in over_time}) == 1
    words = scene.describe()
    assert len(words.split("\n")) == 2 + scene.trajectory.log.count
    assert scene.trajectory.log.count
    for switch in scene.trajectory.log:
        assert f"t = {switch.time:.6f}: neuron {switch.neuron} of layer {switch.layer}" in words


def test_outside_a_notebook_there_is_a_picture(tmp_path):
    shown = explore([2, 3, 2, 1], network_seed=1, start_seed=4)
    assert type(shown) is StaticFigure
    assert shown._repr_png_().startswith(PNG)
    assert shown.save(tmp_path / "figure").read_bytes().startswith(PNG)
    assert "network seed 1, start seed 4, magnitude 2:" in repr(shown)


def test_without_ipywidgets_there_is_a_picture(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert type(explore()) is StaticFigure


@pytest.mark.slow
def test_a_number_redraws(monkeypatch):
    monkeypatch.setattr(module, "_presenter", lambda: Explorer)
    shown = explore(magnitude=1.0)
    assert isinstance(shown, Explorer)
    row, picture, words = shown.widget.children
    assert row.children == (shown.network_seed, shown.start_seed, shown.magnitude)
    assert [field.description for field in row.children] == ["network seed", "start seed", "magnitude"]
    for field, number in zip(row.children, (4, 5, 0.3), strict=True):
        before = picture.value
        field.value = number
        assert picture.value != before
        found = re.fullmatch('<img alt="(.+)" src="data:image/png;base64,(.+)" style="max-width: 100%">', picture.value)
        assert base64.b64decode(found[2]).startswith(PNG)
        assert html.unescape(found[1]) == shown.scene.describe().split("\n")[0]
        assert html.escape(shown.scene.describe()) in words.value
    assert shown.scene == Scene(network_seed=4, start_seed=5, magnitude=0.3)


def test_the_fields_stand_where_they_were_asked_to(monkeypatch):
    monkeypatch.setattr(module, "_presenter", lambda: Explorer)
    shown = explore(network_seed=7, start_seed=2**31 - 1, magnitude=250.0)
    assert shown.scene == Scene(7, 2**31 - 1, 250.0)
    assert shown.magnitude.value == 250.0


def test_a_front_end_without_widgets_gets_the_words(monkeypatch):
    monkeypatch.setattr(module, "_presenter", lambda: Explorer)
    assert explore()._repr_mimebundle_()["text/plain"] == Scene().describe()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": [2, 1, 1]}, "`widths` must have at least 2 hidden neurons"),
        ({"magnitude": 0.0}, "`magnitude` must be finite and greater than 0, got 0.0"),
        ({"network_seed": -1}, "`network_seed` must be between 0 and 2147483647, got -1"),
        ({"start_seed": 2**31}, "`start_seed` must be between 0 and 2147483647, got 2147483648"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        explore(**arguments)
