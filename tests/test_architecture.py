"""The rules of the tree: who may import whom, what is public, what is in the wheel."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import sheaflab

ROOT = Path(__file__).resolve().parents[1]
PLACES = {"sheaflab", "course", "graders", "tests"}


def imports(path: Path, *, lazy: bool = True) -> set[str]:
    """Absolute names of the modules that a file imports; without `lazy` those of its top level only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if lazy else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def modules(place: str) -> list[Path]:
    return sorted((ROOT / place).rglob("*.py"))


def test_there_are_five_top_level_places():
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    top = {line.split("/")[0] for line in tracked}
    files = {"README.md", "pyproject.toml", "CHANGELOG.md", "LICENSE", "CITATION.cff", "SECURITY.md", "CONTRIBUTING.md"}
    assert {name for name in top if not name.startswith(".")} <= PLACES | files


@pytest.mark.parametrize(
    "path", [*modules("sheaflab"), *modules("course/visible")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_library_imports_neither_staff_nor_course_nor_more_than_its_three_dependencies(path):
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"graders", "course", "tests"}
    optional = {
        "IPython",
        "ipywidgets",
        "mpl_toolkits",
        "pytest",
        "nbformat",
        "flint",
    }  # only where a function that needs them says so
    assert roots <= set(sys.stdlib_module_names) | {"sheaflab", "numpy", "scipy", "matplotlib"} | optional
    top = {name.split(".")[0] for name in imports(path, lazy=False)}
    assert not top & (optional - {"mpl_toolkits"})


# The rooms of each package, low to high: a module imports from its own room and from lower ones.
ROOMS = {
    "sheaflab": (
        "startup", "arrays", "network", "boundary", "cochains", "blocks", "events", "rate", "sheaf", "sheaves", "modes", "walls", "results", "region", "checks", "engine", "study", "switchlog",
        "trajectory", "proof", "certificate", "exact_trajectory", "ensemble", "plots", "schemes", "demo",
        "explore", "explorable", "statistics", "plots_statistics", "cli", "__main__",
    ),
    "graders": (
        "status", "lab", "sandbox", "checking", "grading", "proof", "gradebook", "classroom", "publish", "commands",
    ),
}  # fmt: skip


@pytest.mark.parametrize("package", ROOMS)
def test_the_map_of_the_rooms_is_that_of_the_tree(package):
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition(f"| `{package}/` |")[2].partition("\n\n")[0]
    rooms = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert tuple(rooms) == ROOMS[package]
    there = {path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert set(rooms) == there - {"__init__"}


def name_of(path: Path, root: Path = ROOT) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names_in(path: Path, here: str) -> set[str]:
    """Absolute names of all that a file, whose package is `here`, imports, at its top and in its functions."""
    reached: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            reached |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = here.split(".")[: len(here.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            reached |= {f"{source}.{alias.name}" for alias in node.names}
    return reached


def arrows(package: str, root: Path = ROOT) -> dict[str, set[str]]:
    """For each module of a package those that it imports, even in a function.

    A name that a package's `__init__` gathers or defines counts as an import of that package.
    """
    known = {name_of(path, root): path for path in sorted((root / package).rglob("*.py"))}
    found = {}
    for name, path in known.items():
        here = name if path.name == "__init__.py" else name.rpartition(".")[0]
        reached = names_in(path, here)
        reached |= {f"{here}.{bare}" for bare in reached if f"{here}.{bare}" in known}  # the worker's own files
        modules = {other if other in known else other.rpartition(".")[0] for other in reached}
        found[name] = modules & set(known) - {name}
    return found


def arrows_up(package: str, root: Path = ROOT) -> list[str]:
    heights = {room: height for height, room in enumerate(ROOMS[package])}
    # The whole package's `__init__` gathers names of all rooms but the command's: who needs it stands above them.
    gathering = heights.get("cli", len(heights)) - 0.5

    def height(module: str) -> float:
        return gathering if module == package else heights[module.split(".")[1]]

    return [
        f"{name} imports {other}"
        for name, others in arrows(package, root).items()
        for other in sorted(others)
        if height(other) > height(name)
    ]


@pytest.mark.parametrize("package", ROOMS)
def test_imports_run_downhill(package):
    assert {name.split(".")[1] for name in arrows(package) if name != package} == set(ROOMS[package])
    assert arrows_up(package) == []


@pytest.mark.parametrize(
    ("file", "planted", "arrow"),
    [
        ("sheaflab/walls.py", "from sheaflab.schemes.exact import Exact", "sheaflab.walls imports sheaflab.schemes.exact"),
        ("sheaflab/walls.py", "from sheaflab.schemes import exact", "sheaflab.walls imports sheaflab.schemes.exact"),
        ("sheaflab/walls.py", "import sheaflab.schemes.exact", "sheaflab.walls imports sheaflab.schemes.exact"),
        ("sheaflab/walls.py", "def f():\n    from sheaflab import Exact", "sheaflab.walls imports sheaflab"),
        ("sheaflab/walls.py", "from sheaflab.checks import labs", "sheaflab.walls imports sheaflab.checks"),
        ("sheaflab/walls.py", "from . import plots", "sheaflab.walls imports sheaflab.plots"),
        ("sheaflab/walls.py", "from .schemes.exact import Exact", "sheaflab.walls imports sheaflab.schemes.exact"),
        ("sheaflab/engine/taylor.py", "from ..plots import plt", "sheaflab.engine.taylor imports sheaflab.plots"),
        ("sheaflab/checks/__init__.py", "from sheaflab import ensemble", "sheaflab.checks imports sheaflab.ensemble"),
        ("graders/lab/bank.py", "import graders.commands.cli", "graders.lab.bank imports graders.commands.cli"),
        ("graders/lab/bank.py", "from graders.classroom.intake import walker", "graders.lab.bank imports graders.classroom.intake.walker"),
        ("graders/sandbox/inside/worker.py", "def f():\n    from graders.status import x\n    import graders.proof.selfcheck", "graders.sandbox.inside.worker imports graders.proof.selfcheck"),
    ],
)  # fmt: skip
def test_each_way_to_write_an_import_that_runs_up_is_seen(file, planted, arrow, tmp_path):
    package = file.split("/")[0]
    shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / file
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{planted}\n", encoding="utf-8")
    assert arrow in arrows_up(package, tmp_path)


def circles(edges: dict[str, set[str]]) -> list[str]:
    """The first import circle on each way down."""
    done, found = set[str](), list[str]()

    def visit(module: str, path: tuple[str, ...]) -> None:
        if module in path:
            found.append(" → ".join((*path[path.index(module) :], module)))
        elif module not in done:
            for other in sorted(edges[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in edges:
        visit(module, ())
    return found


@pytest.mark.parametrize("package", ROOMS)
def test_no_module_imports_itself_in_a_circle(package):
    assert circles(arrows(package)) == []


def test_an_import_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}, "e": {"e"}}) == ["b → d → b", "e → e"]


def test_the_certificate_shares_no_code_with_what_it_checks():
    """Neither engines nor schemes, nor the rule at a wall or the search for events that these use."""
    edges, reached = arrows("sheaflab"), set[str]()
    todo = ["sheaflab.certificate"]
    while todo:
        if (module := todo.pop()) not in reached:
            reached.add(module)
            todo += edges[module]
    assert "sheaflab.proof.walk" in reached
    assert not {module for module in reached if module.split(".")[1] in ("engine", "schemes", "blocks")}
    for path in (ROOT / "sheaflab" / "certificate.py", *modules("sheaflab/proof")):
        own = names_in(path, name_of(path).rpartition(".")[0])
        assert not {name for name in own if name.startswith(("sheaflab.events", "sheaflab.modes"))}


def test_the_command_line_is_in_one_room():
    """What reads arguments is apart from what does the work."""
    own = {"sheaflab/cli.py", "sheaflab/study/commands.py"}
    reading = {
        path.relative_to(ROOT).as_posix()
        for package in ROOMS
        for path in modules(package)
        if "argparse" in imports(path)
    }
    assert reading - own == {path for path in reading if path.startswith("graders/commands/")}


def test_the_staffs_rooms_say_what_they_are_for_and_are_few():
    tracked = [path for path in (ROOT / "graders").iterdir() if path.name != "__pycache__"]
    assert len(tracked) <= 12
    rooms = [path for path in (ROOT / "graders").rglob("__init__.py") if path.parent.parent != ROOT]
    assert len(rooms) > len(ROOMS["graders"])
    for path in rooms:
        (only,) = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(only, ast.Expr), (
            f"{path} must hold one line that says what the room is for, and nothing else"
        )
        assert "\n" not in only.value.value


@pytest.mark.parametrize("path", [*modules("sheaflab"), *modules("graders")], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_has_at_most_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_what_enters_the_sandbox_imports_nothing_of_the_staff():
    inside = modules("graders/sandbox/inside")
    assert {path.name for path in inside} >= {"worker.py", "protocol.py", "confine.py"}
    for path in inside:
        assert not {name for name in imports(path) if name.split(".")[0] == "graders"}, path


def test_every_public_name_exists_and_is_documented():
    for name in sheaflab.__all__:
        assert getattr(sheaflab, name).__doc__, name
    assert sheaflab.__all__ == sorted(sheaflab.__all__)


def test_import_stays_light():
    """matplotlib costs more than all the rest: it is loaded by the first plot, not before."""
    code = "import sys, sheaflab; sys.exit(' '.join(m for m in ('matplotlib', 'IPython', 'multiprocessing') if m in sys.modules) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that a student gets, built without the network."""
    out = tmp_path_factory.mktemp("wheel")
    code = f"import hatchling.build as b, os; os.chdir({os.fspath(ROOT)!r}); print(b.build_wheel({os.fspath(out)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_the_library_only(wheel):
    names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {"sheaflab", f"sheaflab-{sheaflab.__version__}.dist-info"}
    entry = next(name for name in names if name.endswith("entry_points.txt"))
    assert wheel.read(entry).decode().split() == ["[console_scripts]", "sheaflab", "=", "sheaflab.cli:main"]


def test_the_wheel_has_all_that_the_explorable_is_made_of(wheel):
    parts = {path.relative_to(ROOT).as_posix() for path in (ROOT / "sheaflab" / "explorable").iterdir() if path.is_file()}
    assert len(parts) > 8
    assert parts <= set(wheel.namelist())


def test_the_wheel_has_every_visible_check_and_knows_their_lab(wheel, tmp_path):
    files = {path.relative_to(ROOT / "course" / "visible").as_posix() for path in modules("course/visible")}
    assert files
    assert {f"sheaflab/checks/{name}" for name in files} <= set(wheel.namelist())
    wheel.extractall(tmp_path)
    code = "import sheaflab.checks as c; print(c.__file__, 'lab09' in c.labs()); c.check('1.1', lambda z: z > 0, lab='lab09')"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {os.fspath(tmp_path)!r}); {code}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/sheaflab/checks/__init__.py True\nExercise 1.1: the visible checks pass" in done.stdout


def test_the_wheel_has_the_catalogue_that_a_checkout_reads_from_its_course(wheel, tmp_path):
    assert "sheaflab/study/extract.py" not in wheel.namelist()
    wheel.extractall(tmp_path)
    code = "import sys; sys.path.insert(0, {!r}); import sheaflab.study.catalogue as c; print(sys.path[0]); print(c.catalogue())"
    said = [
        subprocess.run(
            [sys.executable, "-I", "-c", code.format(os.fspath(place))], capture_output=True, text=True, check=True
        ).stdout.partition("\n")[2]
        for place in (tmp_path, ROOT)
    ]
    assert said[0] == said[1]
    assert len(said[0]) > 10_000


@pytest.mark.parametrize("path", [*modules("sheaflab"), *modules("graders")], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_names_a_lab(path):
    """What is true of one lab stands in its course; the code reads it there."""
    assert "lab09" not in path.read_text(encoding="utf-8")


def passages(text: str, length: int) -> set[str]:
    """Runs of `length` lines that say something (an import or a bracket says nothing)."""
    lines = [line.strip() for line in text.splitlines()]
    telling = [line for line in lines if len(line) > 30 and not line.startswith(("from ", "import ", '"""'))]
    return {"\n".join(telling[k : k + length]) for k in range(len(telling) - length + 1)}


def test_the_wheel_has_no_two_lines_of_the_staff(wheel):
    """One line may be alike by chance. What else it may not hold is in tests/graders/lab/test_leaks.py."""
    public = passages("\n".join(wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".py")), 2)
    staff = {passage: path for path in modules("graders") for passage in passages(path.read_text(encoding="utf-8"), 2)}
    assert len(staff) > 1000
    shared = {passage: str(path) for passage, path in staff.items() if passage in public}
    assert not shared
