"""The two wheels: the library that students get, and the pack of who learns alone."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import sheaflab
from graders.lab.places import OUR_COURSE, environment

ROOT = Path(__file__).resolve().parents[2]
PACK = "sheaflab_selfstudy"
_STAMP = (2026, 1, 1, 0, 0, 0)


class WheelError(RuntimeError):
    """A wheel could not be built; the text is the end of what the builder said."""


def build_wheel(out: Path, course: Path = OUR_COURSE) -> Path:
    """Build the wheel that students get, without the network, and return its path.

    Parameters
    ----------
    out : Path
        Folder for it.
    course : Path
        The course directory whose labs it has.
    """
    out.mkdir(parents=True, exist_ok=True)
    code = "import sys, hatchling.build as backend; backend.build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(out.resolve())],
        cwd=ROOT,
        env=environment(course.resolve()),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WheelError(f"the wheel of sheaflab could not be built:\n{done.stderr[-2000:]}")
    return next(out.glob("sheaflab-*.whl"))


def write_pack(out: Path, files: Mapping[str, bytes], lab: str) -> Path:
    """Write the self-study wheel and return its path.

    Parameters
    ----------
    out : Path
        Folder for it.
    files : mapping of str to bytes
        Contents by their names in the wheel.
    lab : str
        Name of the assignment.
    """
    version = sheaflab.__version__
    info = f"{PACK}-{version}.dist-info"
    summary = "Checks, keys and notebooks of the sheaflab course, for learning alone"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: sheaflab-selfstudy\nVersion: {version}\nSummary: {summary}\n"
        f"Requires-Python: >=3.11\nRequires-Dist: sheaflab=={version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: sheaflab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[sheaflab.edition]\n{lab} = graders.publish.selfstudy.pack:load\n",
    }
    everything = {**files, **{name: text.encode() for name, text in texts.items()}}
    record = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in everything.items()]
    everything[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{PACK}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in everything.items():
            archive.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED)
    return path


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
