"""Python's quick start in a site: its packages are in one file, of which the browser unpacks what Python opens.

The worker begins with the page, beside JupyterLab, and not after it. Pyodide can write Python's memory, too, and begin
from there; that is undocumented, not possible once a package's compiled code is loaded, and a browser that lacks what
the builder's Node.js has may fail after it: not used here.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from graders.publish.site.pyodide import KERNEL_EXTENSION, SiteError, extension

HERE = Path(__file__).with_name("quickstart")
PACKAGES = "python.packages"
_COPIED = ("begin.mjs", "unpacked.mjs", "rehearsal.mjs")
MODULES = (*_COPIED, "own.mjs", "worker.mjs")
FILES = (*MODULES, PACKAGES)
"""What :func:`write` puts beside Pyodide."""
LASTING = ("pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", PACKAGES)
"""What is large and seldom new: it lies in a folder that is named after its bytes, and has an old date."""
_OLD = 499_162_500  # 1985: npm's date for every file, which the files of JupyterLite have
_NEVER_READ = (".h", ".a", ".pxd")
_CONFIGURATION = '<script id="jupyter-config-data"'
# JupyterLite's service worker answers for the network even where it keeps nothing; then browsers keep no compiled code.
_PASSED_ON = ("shouldDrop(t,a)||(n=maybeFromCache(e))", "shouldDrop(t,a)||!enableCache||(n=maybeFromCache(e))")
# A browser that knows static routes fetches these without asking the service worker, for which a page would wait.
_DIRECT = ("./", "*.html", "build/*", "extensions/*", "files/*", "lab/*", "static/*")
_INSTALLED = "self.skipWaiting(),"


def write(folder: Path, wheels: Iterable[Path], own: Iterable[str]) -> None:
    """Write the quick start beside Pyodide.

    Parameters
    ----------
    folder : Path
        It has Pyodide and its lock file; what is large of it goes into a folder of its own there.
    wheels : iterable of Path
        They need not stay: the site does without.
    own : iterable of str
        Wheels beside Pyodide that every start reads, too: of the course itself, small and often new.
    """
    (folder / PACKAGES).write_bytes(archive(wheels))
    lasting = _settle(folder)
    for name in _COPIED:
        shutil.copyfile(HERE / name, folder / name)
    (worker,) = (extension(KERNEL_EXTENSION) / "static").glob("comlink.worker.*.js")
    kernel = f"../../extensions/{KERNEL_EXTENSION}/static/{worker.name}"
    first = json.dumps((HERE / "first.py").read_text(encoding="utf-8"))
    exports = {"OWN": json.dumps(list(own)), "LASTING": json.dumps(f"{lasting}/"), "FIRST": first}
    text = "".join(f"export const {name} = {value};\n" for name, value in exports.items())
    (folder / "own.mjs").write_text(text, encoding="utf-8")
    (folder / "worker.mjs").write_text(f'import "./begin.mjs";\nimport "{kernel}";\n', encoding="utf-8")


def _settle(folder: Path) -> str:
    """Move what is large and seldom new into a folder named after its bytes, with an old date; return that name.

    Where a server does not say how long a file lasts, browsers trust it for a tenth of its age, then ask again. Of a
    site that was opened seconds after it was built, Chromium compiled Python anew at every start.
    """
    digests = "".join(hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in LASTING)
    lasting = folder / hashlib.sha256(digests.encode()).hexdigest()[:12]
    lasting.mkdir()
    for name in LASTING:
        moved = (folder / name).rename(lasting / name)
        os.utime(moved, (_OLD, _OLD))
    return lasting.name


def archive(wheels: Iterable[Path]) -> bytes:
    """Return the files of wheels that are read, as one ZIP file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in (each for wheel in wheels for each in _files(wheel)):
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # without a date: the bytes stay the same
    return packed.getvalue()


def _files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as file:
        for info in file.infolist():
            top, *rest = info.filename.split("/")
            never = top.endswith(".data") or {"tests", "sample_data"} & set(rest) or info.filename.endswith(_NEVER_READ)
            if not info.is_dir() and not never:
                yield info.filename, file.read(info)


def begin_early(site: Path) -> None:
    """Change a finished site so that its notebooks' pages use the quick start."""
    settings = site / "jupyter-lite.json"
    data = json.loads(settings.read_text(encoding="utf-8"))
    kernel = data["jupyter-config-data"]["litePluginSettings"][f"{KERNEL_EXTENSION}:kernel"]
    kernel["pyodideUrl"] = "./static/pyodide/begin.mjs"
    settings.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    early = (HERE / "early.html").read_text(encoding="utf-8").rstrip(" ")
    _replace(site / "lab" / "index.html", _CONFIGURATION, early + "    " + _CONFIGURATION)
    _replace(site / "service-worker.js", *_PASSED_ON)
    routes = [{"condition": {"urlPattern": path}, "source": "network"} for path in _DIRECT]
    _replace(site / "service-worker.js", _INSTALLED, f"{_INSTALLED}e.addRoutes?.({json.dumps(routes)}),")


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise SiteError(f"{file.name} of this JupyterLite must have {old!r} once, it has it {text.count(old)} times")
    file.write_text(text.replace(old, new), encoding="utf-8")
