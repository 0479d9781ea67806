"""Pyodide's lock file: which wheels a distribution holds, what each provides and needs, and their hashes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.parser import Parser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = "pyodide-lock.json"

# The markers of a wheel's requirements are read for the interpreter in the browser, not for this one.
_BROWSER = {
    "python_version": "3.14",
    "python_full_version": "3.14.0",
    "sys_platform": "emscripten",
    "platform_system": "Emscripten",
    "platform_machine": "wasm32",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}


def sha256(path: Path) -> str:
    """Return the file's SHA-256 digest in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Entry:
    """One package of a lock file.

    Attributes
    ----------
    name, version : str
        `name` is the canonical one.
    file : str
        A file name beside the lock file, or an absolute address.
    sha256 : str
    imports : tuple of str
        The top-level modules that an `import` may name.
    depends : tuple of str
        Canonical names.
    rest : mapping
        What else the lock file says, kept as it is.
    """

    name: str
    version: str
    file: str
    sha256: str
    imports: tuple[str, ...]
    depends: tuple[str, ...]
    rest: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_wheel(cls, wheel: Path) -> Entry:
        """Read a pure wheel's entry from the wheel itself.

        Raises
        ------
        ValueError
            If the file is no wheel.
        """
        try:
            with zipfile.ZipFile(wheel) as archive:
                names = archive.namelist()
                metadata = next(n for n in names if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
                header = Parser().parsestr(archive.read(metadata).decode())
        except (zipfile.BadZipFile, StopIteration) as error:
            raise ValueError(f"`wheel` must be a wheel with a METADATA file, got {wheel}") from error
        needs = [Requirement(line) for line in header.get_all("Requires-Dist", [])]
        tops = {n.split("/")[0].removesuffix(".py") for n in names if n.endswith(".py") and ".d" not in n.split("/")[0]}
        return cls(
            name=canonicalize_name(header["Name"]),
            version=header["Version"],
            file=wheel.name,
            sha256=sha256(wheel),
            imports=tuple(sorted(tops)),
            depends=tuple(
                sorted({canonicalize_name(r.name) for r in needs if not r.marker or r.marker.evaluate(_BROWSER)})
            ),
            rest={"install_dir": "site", "package_type": "package", "unvendored_tests": False},
        )

    @classmethod
    def of_lock(cls, data: Mapping[str, Any]) -> Entry:
        """Read an entry of a lock file."""
        known = {"name", "version", "file_name", "sha256", "imports", "depends"}
        return cls(
            name=canonicalize_name(data["name"]),
            version=data["version"],
            file=data["file_name"],
            sha256=data["sha256"],
            imports=tuple(data["imports"]),
            depends=tuple(canonicalize_name(name) for name in data["depends"]),
            rest={key: value for key, value in data.items() if key not in known},
        )

    def without(self, *names: str) -> Entry:
        """Return the entry without some of the packages that it depends on: they are not loaded together with it."""
        return replace(self, depends=tuple(need for need in self.depends if need not in names))

    def as_lock(self) -> dict[str, Any]:
        """Return the entry as a lock file writes it."""
        own = {"name": self.name, "version": self.version, "file_name": self.file, "sha256": self.sha256}
        return {**own, "imports": list(self.imports), "depends": list(self.depends), **self.rest}


@dataclass(frozen=True)
class Lock:
    """A lock file: what it says of the platform, and its packages by canonical name."""

    info: Mapping[str, Any]
    packages: Mapping[str, Entry]

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Read a `pyodide-lock.json`."""
        data = json.loads(path.read_text(encoding="utf-8"))
        entries = (Entry.of_lock(entry) for entry in data["packages"].values())
        return cls(data["info"], {entry.name: entry for entry in entries})

    def write(self, path: Path) -> None:
        """Write a `pyodide-lock.json`, packages in the order of their names."""
        packages = {name: entry.as_lock() for name, entry in sorted(self.packages.items())}
        path.write_text(json.dumps({"info": self.info, "packages": packages}, indent=1) + "\n", encoding="utf-8")

    def with_entries(self, entries: Iterable[Entry]) -> Lock:
        """Return the lock with `entries` added; they replace entries of the same names."""
        return replace(self, packages={**self.packages, **{entry.name: entry for entry in entries}})

    def without(self, names: Iterable[str]) -> Lock:
        """Return the lock without some packages, which are there already; no other depends on them any more."""
        gone = tuple(names)
        kept = (entry.without(*gone) for entry in self.packages.values() if entry.name not in gone)
        return replace(self, packages={entry.name: entry for entry in kept})

    def closure(self, roots: Iterable[str]) -> Lock:
        """Return the lock of `roots` and all they need, and of nothing else.

        Pyodide fetches all that its lock file names, and stops at a missing file.

        Raises
        ------
        ValueError
            If a package is needed that the lock does not have.
        """
        wanted: list[tuple[str, str]] = [(canonicalize_name(root), "asked for") for root in roots]
        entries: dict[str, Entry] = {}
        while wanted:
            name, why = wanted.pop()
            if name in entries:
                continue
            if name not in self.packages:
                raise ValueError(f"the lock must have {name!r} ({why}); add its pure wheel to wheels.txt")
            entries[name] = self.packages[name]
            wanted += [(need, f"needed by {name}") for need in entries[name].depends]
        return replace(self, packages=entries)
