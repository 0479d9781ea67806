from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sheaflab import demo
from sheaflab.cli import main
from tests.draws import on_path

ROOT = Path(__file__).resolve().parents[2]


def test_demo_prints_what_it_found_and_writes_the_figures(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "figures")]) == 0
    said = capsys.readouterr().out
    assert "SwitchLog(2 crossings, 1 slide, t ≤ 60.0)" in said
    assert "λ* = 0.277131 (closed form for one hidden layer)" in said
    assert "Euler chatters" in said
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {"trajectory.png", "energy.png", "chatter.png", "switches.csv"}
    with (tmp_path / "figures" / "switches.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 4


def test_demo_of_a_deep_network_with_an_odd_input_width(tmp_path, capsys):
    options = "--widths 3,5,4,2 --network-seed 2 --start-seed 3 --t-end 30"
    assert main(["demo", "--out", str(tmp_path), *options.split()]) == 0
    assert "all 512 activation patterns enumerated" in capsys.readouterr().out


def test_a_terminal_without_the_signs_has_marks_in_letters(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab09-1.ipynb").write_text('{"cells": []}')
    state = {"solved": {"1.1": "now"}, "tried": {"1.1": "now", "1.2": "now"}}
    (tmp_path / "sheaflab-progress.json").write_text(json.dumps(state))
    said = []
    for command in ("list", "progress"):
        narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr("sys.stdout", narrow)
        assert main([command]) == 0
        narrow.flush()
        said.append(narrow.buffer.getvalue().decode())
    listing, progress = said
    for line in ("  ok 1.1  the activation pattern, 3 min", "  ~~ 1.2  the restricted", "  .. 1.3  the Dirichlet"):
        assert line in listing
    assert "ok solved   ~~ tried   .. not yet   -- read by a person" in listing
    assert progress.startswith(
        "lab09-1  ok ~~ ..     1 of 3  Build the sheaf\nlab09-2  .. .. .. ..  0 of 4  The heat equation"
    )


def test_demo_with_a_single_hidden_neuron(tmp_path, capsys):
    assert main(["demo", "--widths", "2,1,1", "--t-end", "5", "--out", str(tmp_path)]) == 0
    assert "No trajectory.png: it is drawn in the plane of two hidden neurons" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"energy.png", "chatter.png", "switches.csv"}


@pytest.mark.slow
def test_each_seed_of_the_demo_changes_what_it_names(tmp_path, capsys):
    said = []
    for number, options in enumerate(([], ["--start-seed", "2"], ["--network-seed", "1"])):
        assert main(["demo", "--out", str(tmp_path / str(number)), "--t-end", "5", *options]) == 0
        said.append(capsys.readouterr().out)
    rates = [re.search(r"λ\* = (\S+)", text)[1] for text in said]
    switches = [(tmp_path / str(number) / "switches.csv").read_text() for number in range(3)]
    assert rates[0] == rates[1] != rates[2]
    assert len(set(switches)) == 3


def test_notebooks_of_a_folder_above_are_read_and_said_and_never_reset_from_below(monkeypatch, tmp_path, capsys):
    notebook = tmp_path / "lab09-1.ipynb"
    notebook.write_text('{"cells": []}')
    (tmp_path / "Downloads").mkdir()
    monkeypatch.chdir(tmp_path / "Downloads")
    assert main(["list"]) == 0
    assert f"with the notebooks in {tmp_path}" in capsys.readouterr().err
    assert main(["reset", "1.1"]) == 2
    assert f"go to {tmp_path}" in capsys.readouterr().err
    assert notebook.read_text() == '{"cells": []}'
    assert list(tmp_path.glob("*before-reset*")) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--widths", "2,x,1"], "must be integers with commas, like 2,4,1, got '2,x,1'"),
        (["demo", "--widths", "2,1"], "`widths` must be at least 3 positive integers"),
        (["demo", "--network-seed", "-1"], "argument --network-seed: must be a whole number from 0 on, got '-1'"),
        (["demo", "--t-end", "0"], "`t_end` must be greater than 0, got 0.0"),
        (["demo", "--out", "taken/deeper"], "must be a folder, and taken is a file; name another"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_arguments_end_with_one_line_and_status_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sheaflab.demo.run", None if "taken/deeper" in arguments else demo.run)  # said before the work
    (tmp_path / "taken").write_text("mine")
    try:
        status = main(arguments)
    except SystemExit as stop:  # argparse's own way
        status = stop.code
    assert status == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["nosuch", "module://nowhere.backend"])
def test_as_a_module_and_with_any_window_system(tmp_path, backend):
    """The command by the interpreter alone; `MPLBACKEND` is often that of a notebook or of another machine."""
    env = {**os.environ, "PYTHONPATH": on_path(ROOT), "MPLBACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-m", "sheaflab", "demo", "--widths", "2,1,1", "--t-end", "5"],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "sheaflab-demo" / "energy.png").is_file()
