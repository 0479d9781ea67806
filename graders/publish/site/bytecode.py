"""Run in Pyodide by `run.mjs`: copy archives of Python modules, each module joined by its compiled form.

Compiling in the browser costs half of the start-up time. The compiled files carry their source's hash and are marked as
not to be checked against it, so that neither the archive's dates nor the clock matter.

Arguments: the folder read, the folder written, then the file names.
"""

import importlib.util
import os
import sys
import sysconfig
import warnings
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc  # type: ignore[attr-defined]


def compiled(source: bytes, name: str) -> bytes:
    code = compile(source, name, "exec", dont_inherit=True)
    return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), checked=False))


def place(module: str, *, in_zip: bool) -> str:
    """Where Python looks for a module's compiled form: beside it if it is imported from within an archive."""
    if in_zip:
        return module + "c"
    head, tail = os.path.split(module)
    return os.path.join(head, "__pycache__", f"{tail[:-3]}.{sys.implementation.cache_tag}.pyc")


def convert(source: str, target: str) -> None:
    in_zip = source.endswith(".zip")
    base = (
        f"/lib/python{sys.version_info.major}{sys.version_info.minor}.zip" if in_zip else sysconfig.get_path("purelib")
    )
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info, data, zipfile.ZIP_DEFLATED)
            if info.filename.endswith(".py") and ".data/" not in info.filename:
                try:
                    code = compiled(data, f"{base}/{info.filename}")
                except (SyntaxError, ValueError):
                    continue  # a package's templates and test data
                new.writestr(
                    zipfile.ZipInfo(place(info.filename, in_zip=in_zip), info.date_time), code, zipfile.ZIP_DEFLATED
                )


warnings.simplefilter("ignore")  # of other people's sources
read, write, *names = sys.argv[1:]
for name in names:
    convert(f"{read}/{name}", f"{write}/{name}")
