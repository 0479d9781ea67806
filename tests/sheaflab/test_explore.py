"""The interactive figure: its sliders where there are widgets, the same picture where there are none."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sheaflab import explore as module
from sheaflab.explore import Explorer, Scene, StaticFigure, explore

PNG = b"\x89PNG"


def test_a_scene_is_the_experiment_of_the_demo():
    from sheaflab import demo

    run = Scene(seed=3, magnitude=2.0).trajectory
    np.testing.assert_array_equal(run.log.times, demo.run(seed=3, magnitude=2.0).trajectory.log.times)


def test_the_picture_has_three_parts_and_the_words_every_switch():
    scene = Scene(seed=0)
    assert len(scene.figure().axes) == 3
    words = scene.describe()
    assert len(words.split("\n")) == 2 + scene.trajectory.log.count
    for switch in scene.trajectory.log:
        assert f"t = {switch.time:.6f}: neuron {switch.neuron} of layer {switch.layer}" in words


def test_outside_a_notebook_there_is_a_picture(tmp_path):
    shown = explore([2, 3, 2, 1], seed=1)
    assert type(shown) is StaticFigure
    assert shown._repr_png_().startswith(PNG)
    assert shown.save(tmp_path / "figure").read_bytes().startswith(PNG)
    assert "seed 1" in repr(shown)


def test_without_ipywidgets_there_is_a_picture(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert type(explore()) is StaticFigure


def test_a_slider_let_go_redraws(monkeypatch):
    monkeypatch.setattr(module, "_presenter", lambda: Explorer)
    shown = explore(magnitude=1.0)
    assert isinstance(shown, Explorer)
    row, picture, words = shown.widget.children
    first = bytes(picture.value)
    assert first.startswith(PNG)
    shown.seed.value = 5
    assert bytes(picture.value) != first
    assert shown.scene == Scene(seed=5, magnitude=1.0)
    assert "seed 5" in words.value
    assert row.children == (shown.magnitude, shown.seed)


def test_a_front_end_without_widgets_gets_the_words(monkeypatch):
    monkeypatch.setattr(module, "_presenter", lambda: Explorer)
    assert explore()._repr_mimebundle_()["text/plain"] == Scene().describe()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": [2, 1, 1]}, "`widths` must have at least 2 hidden neurons"),
        ({"magnitude": 0.0}, "`magnitude` must be finite and greater than 0, got 0.0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        explore(**arguments)
