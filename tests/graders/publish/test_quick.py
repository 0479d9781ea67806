"""The quick start of a site's Python: what is unpacked, and pages of JupyterLite that are not as they were."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from graders.publish.site import quick
from graders.publish.site.pyodide import SiteError


def test_an_archive_gives_back_the_files_that_are_read(tmp_path):
    wheel = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name in ("a/__init__.py", "a/tests/test_a.py", "a/a.h", "a-1.data/data/x", "a-1.dist-info/METADATA"):
            file.writestr(name, f"in {name}")
    data = quick.archive([wheel])
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    assert files == {name: f"in {name}".encode() for name in ("a/__init__.py", "a-1.dist-info/METADATA")}
    assert data == quick.archive([wheel])


def test_what_is_large_lies_where_its_bytes_say(tmp_path):
    names = []
    for number, content in enumerate([b"one", b"one", b"two"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in quick.LASTING[:-1]:  # the last is written
            (folder / name).write_bytes(content)
        quick.write(folder, [], [])
        (lasting,) = (path for path in folder.iterdir() if path.is_dir())
        assert {path.name for path in lasting.iterdir()} == set(quick.LASTING)
        assert all(path.stat().st_mtime < 1e9 for path in lasting.iterdir())
        assert f'LASTING = "{lasting.name}/"' in (folder / "own.mjs").read_text()
        names.append(lasting.name)
    assert names[0] == names[1] != names[2]


def test_a_page_of_another_jupyterlite_is_named(tmp_path):
    kernel = {"litePluginSettings": {f"{quick.KERNEL_EXTENSION}:kernel": {}}}
    (tmp_path / "jupyter-lite.json").write_text(json.dumps({"jupyter-config-data": kernel}))
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "index.html").write_text("<html></html>")
    with pytest.raises(SiteError, match=r"index\.html of this JupyterLite must have .* once, it has it 0 times"):
        quick.begin_early(tmp_path)
