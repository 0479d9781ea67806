"""Run in Pyodide by `run.mjs`: sheaflab's own tests, by the pytest inside. Arguments are pytest's."""

import sys
from pathlib import Path

import pytest

# Long corpora, run in full outside: every so manieth case is run here, where arithmetic takes several times as long.
# The 80-bit references are left out: WebAssembly has no such numbers, only a slow imitation. So is what needs python-flint,
# and `sheaflab watch`, which is tried as a process of its own.
THINNED = {"test_certificate.py": 8, "test_exact.py": 5, "test_pinned.py": 5}
LEFT_OUT = {
    "test_exact_reference.py", "test_pinned_reference.py", "test_reference_256.py", "test_rigorous.py", "test_watch.py"
}  # fmt: skip
# A browser has neither threads nor processes nor timers; no call of a student's needs them. The last one is an 80-bit
# reference, too.
HOST_ONLY = ("executor", "process_pool", "endless_loop", "loop_that_catches", "advice_comes", "window_system", "two_limits")
HOST_ONLY += ("a_stretch_ends_within", "several_processes")
TOO_LONG = ("flat_late_switches_are_certified[sixty]",)  # two minutes; its twenty layers are run


class Corpora:
    """Thins out what would take minutes."""

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if collection_path.name in LEFT_OUT else None

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        seen: dict[str, int] = {}
        kept, dropped = [], []
        for item in items:
            name = item.path.name
            seen[name] = seen.get(name, -1) + 1
            left_out = seen[name] % THINNED.get(name, 1) or any(word in item.name for word in HOST_ONLY + TOO_LONG)
            left_out = left_out or item.get_closest_marker("needs")  # what a machine has and a browser has not
            (dropped if left_out else kept).append(item)
        items[:] = kept
        config.hook.pytest_deselected(items=dropped)


sys.path.insert(0, "/repo")
# One process, no cache on the host's disk, and none of the options that are for the host alone.
own = ["-p", "no:cacheprovider", "-o", "addopts=", "--strict-markers", "--strict-config", "-ra", "-q", "--durations=5"]
where = ["--rootdir", "/repo", "-c", "/repo/pyproject.toml"]
raise SystemExit(int(pytest.main([*own, *where, *sys.argv[1:]], plugins=[Corpora()])))
