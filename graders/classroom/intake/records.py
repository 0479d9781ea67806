"""Files that systems add to hand-ins: nbgrader's time stamps, Gradescope's list of submitters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

TIMESTAMP_FILE, METADATA_FILE = "timestamp.txt", "submission_metadata.yml"
LARGEST = 64 * 2**20  # bytes of Gradescope's list, which repeats every test of every submission


class Refused(ValueError):
    """A file is left; the text says why."""


def record_of(name: str, file: IO[bytes], size: int) -> Any:
    """Return what a system wrote: the text of a timestamp, or Gradescope's submitters by folder."""
    if name == TIMESTAMP_FILE:
        return file.read(1000).decode("utf-8-sig", errors="replace")
    if size > LARGEST:
        raise Refused(f"larger than {LARGEST // 2**20} MB")
    return dict(_submissions(file.read(LARGEST)))


def _submissions(text: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    import yaml  # PyYAML comes with jupytext; only Gradescope's record needs it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise Refused(f"no YAML ({str(error)[:100]})") from None
    for folder, said in data.items() if isinstance(data, dict) else ():
        if not isinstance(said, dict):
            continue
        people = said.get(":submitters")
        submitters = [
            {key: str(who[f":{key}"]) for key in ("name", "sid", "email") if who.get(f":{key}")}
            for who in (people if isinstance(people, list) else [])
            if isinstance(who, dict)
        ]
        yield str(folder), {"submitters": submitters, "created": str(said.get(":created_at") or "")}
