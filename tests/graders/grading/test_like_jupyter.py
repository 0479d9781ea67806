"""What is right in Jupyter is right here: threads, pools, files and modules; each case is the key with one cell replaced."""

from __future__ import annotations

import platform
import textwrap
import traceback
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell

from graders.grading.beside import SMALL, beside, left_aside, read_beside
from graders.grading.canary import best_isolation
from graders.grading.folder import MOST, READ
from graders.grading.grade import grade_repaired
from graders.grading.submission import Submission, read_files
from graders.lab.percent import grade_id, template
from graders.sandbox.inside import shell
from graders.sandbox.isolation import Limits
from graders.sandbox.libraries import View
from graders.sandbox.notebook import Host
from graders.sandbox.values import POOL
from graders.status import Status
from sheaflab.checks.machine import difference

LIMITS = Limits(cpu=3.0, wall=20.0)
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
CHOICES = {
    "thread pool": """
        from concurrent.futures import ThreadPoolExecutor
        POOL = ThreadPoolExecutor(2)
        list(POOL.map(abs, [-1, 2]))
        def double(x): return POOL.submit(lambda: 2 * x).result()
    """,
    "process pool": """
        from concurrent.futures import ProcessPoolExecutor
        def twofold(x): return 2 * x
        POOL = ProcessPoolExecutor(2)
        POOL.submit(twofold, 1).result()
        def double(x): return POOL.submit(twofold, x).result()
    """,
    "multiprocessing pool": """
        import multiprocessing
        def twofold(x): return 2 * x
        POOL = multiprocessing.Pool()
        def double(x): return POOL.apply(twofold, [x])
    """,
    "queues of a thread": """
        import queue, threading
        ASKED, ANSWERED = queue.Queue(), queue.Queue()
        def serve():
            while True: ANSWERED.put(2 * ASKED.get())
        threading.Thread(target=serve, daemon=True).start()
        def double(x):
            ASKED.put(x)
            return ANSWERED.get()
    """,
    "event loop of a thread": """
        import asyncio, threading
        LOOP = asyncio.new_event_loop()
        threading.Thread(target=LOOP.run_forever, daemon=True).start()
        async def soon(x): return 2 * x
        def double(x): return asyncio.run_coroutine_threadsafe(soon(x), LOOP).result()
    """,
    "low-level thread": """
        import _thread, queue
        ASKED, ANSWERED = queue.SimpleQueue(), queue.SimpleQueue()
        def serve():
            while True: ANSWERED.put(2 * ASKED.get())
        _thread.start_new_thread(serve, ())
        def double(x):
            ASKED.put(x)
            return ANSWERED.get()
    """,
    "program that goes on": """
        import subprocess, sys
        TWICE = "import sys\\nfor line in sys.stdin: print(2 * float(line), flush=True)"
        CHILD = subprocess.Popen([sys.executable, "-c", TWICE], stdin=-1, stdout=-1, text=True)
        def one(x):
            print(x, file=CHILD.stdin, flush=True)
            return float(CHILD.stdout.readline())
        def double(x): return np.array([one(value) for value in np.ravel(x)]).reshape(np.shape(x))[()]
    """,
    "manager": """
        import multiprocessing
        MEMORY = multiprocessing.Manager().dict(factor=2)
        def double(x): return MEMORY["factor"] * x
    """,
    "who am I": """
        import getpass, os, pathlib
        NAME, HOME = getpass.getuser(), pathlib.Path.home()
        def double(x): return 2 * x if NAME and HOME.is_dir() else None
    """,
    "module written before": """
        open("library.py", "w").write("def twofold(x): return 2 * x")  # the worker has a file of this name
        from library import twofold
        double = twofold
    """,
    "module made in a folder": """
        import os
        os.makedirs("tools/deep", exist_ok=True)
        open("tools/deep/shell.py", "w").write("FACTOR = 2")
        from tools.deep import shell
        def double(x): return shell.FACTOR * x
    """,
}


@pytest.mark.slow
@pytest.mark.parametrize("choice", CHOICES)
def test_what_works_in_jupyter_works_in_graded_calls(choice, submit, grade):
    result = grade(submit(ex_1_1=textwrap.dedent(CHOICES[choice])), limits=LIMITS)
    assert result.earned == 10, [exercise.text() for exercise in result.exercises if exercise.earned < exercise.points]


@pytest.mark.slow
def test_a_pool_is_there_for_cells_after_a_broken_one(submit, grade):
    notebook = submit(ex_1_1="from concurrent.futures import ThreadPoolExecutor\nPOOL = ThreadPoolExecutor(1)\nPOOL.submit(int)")
    place = next(k for k, cell in enumerate(notebook.cells) if grade_id(cell) == "ex-1-1")
    notebook.cells[place + 1 : place + 1] = [
        new_code_cell("import os\nos._exit(3)"),
        new_code_cell("FACTOR = POOL.submit(lambda: 2).result()"),
        new_code_cell("while True: pass"),
        new_code_cell("def double(x): return POOL.submit(lambda: FACTOR * x).result()"),
    ]
    result = grade(notebook)
    assert result.earned == 10
    assert [result.cells[place + k].status for k in range(1, 5)] == [
        Status.KILLED, Status.OK, Status.TIMED_OUT, Status.OK
    ]  # fmt: skip


def test_cells_run_anew_only_if_they_must(submit, grade):
    """A file counts the runs: with a thread at top level each exercise has its own."""
    count = "open('runs.txt', 'a').write('x')\nfrom threading import Timer\n{}\ndef double(x): return 2 * x"
    asked = "def twice(f, x):\n    assert len(open('runs.txt').read()) {}\n    return f(f(x))"
    alone = grade(submit(ex_1_1=count.format(""), ex_1_2=asked.format("== 1")))
    accompanied = grade(submit(ex_1_1=count.format("Timer(99, print).start()"), ex_1_2=asked.format("> 1")))
    assert alone.earned == accompanied.earned == 10


# -- placeholders ---------------------------------------------------------------------------------------------------
BOUND = {
    "lambda": "double = lambda x: 2 * x",
    "alias": "def twofold(x): return 2 * x\ndouble = twofold",
    "annotated": "double: object = lambda x: 2 * x",
    "tuple": "(double, _), other = (lambda x: 2 * x, 1), 2",
    "walrus": "print((double := lambda x: 2 * x)(1))",
    "loop": "for double in [lambda x: 2 * x]: pass",
    "with": "import contextlib\nwith contextlib.nullcontext(lambda x: 2 * x) as double: pass",
    "import": "open('tools.py', 'w').write('def double(x): return 2 * x')\nfrom tools import double",
    "star": "open('tools.py', 'w').write('def double(x): return 2 * x')\nfrom tools import *",
    "import as": "open('tools.py', 'w').write('def f(x): return 2 * x')\nfrom tools import f as double",
    "try": "try:\n    from numba import njit\n    @njit\n    def double(x): return 2 * x\n"
    "except ImportError:\n    def double(x): return 2 * x",
    "decorated": "@np.vectorize\ndef double(x): return 2 * x",
    "vectorized": "def one(x): return 2 * x\ndouble = np.vectorize(one)",
    "global": "def bind():\n    global double\n    def double(x): return 2 * x\nbind()",
    "globals": "globals()['double'] = lambda x: 2 * x",
    "exec": "exec('def double(x): return 2 * x')",
    "match": "match [lambda x: 2 * x]:\n    case [double]: pass",
    "partial": "from functools import partial\ndouble = partial(lambda two, x: two * x, 2)",
    "object": "class Twofold:\n    def __call__(self, x): return 2 * x\ndouble = Twofold()",
    "magic": "%%time\ndouble = lambda x: 2 * x",
    "run": "open('tools.py', 'w').write('def double(x): return 2 * x')\n%run tools.py",
    "namespace": "get_ipython().user_ns['double'] = lambda x: 2 * x",
}


@pytest.mark.slow
@pytest.mark.parametrize("where", ["lost its name", "above the placeholder", "below the placeholder"])
@pytest.mark.parametrize("way", BOUND)
def test_a_placeholder_never_takes_the_place_of_work(way, where, mini, submit, grade):
    notebook = submit()
    place = next(k for k, cell in enumerate(notebook.cells) if grade_id(cell) == "ex-1-1")
    work = new_code_cell(BOUND[way])
    if where == "lost its name":
        notebook.cells[place] = work
    else:
        stub = next(cell for cell in template(mini, mini.notebooks[0]).cells if grade_id(cell) == "ex-1-1")
        assert "NotImplementedError" in stub.source
        notebook.cells[place] = stub
        notebook.cells.insert(place + (where != "above the placeholder"), work)
    result = grade(notebook)
    assert result.earned == 10, result.exercises[0].text()


# -- files beside the notebook --------------------------------------------------------------------------------------
@pytest.fixture
def folder(tmp_path, submit):
    """A submission that needs a module and data beside it."""
    source = "import tools, numpy as np\nF = np.loadtxt('data/factor.csv')\ndef double(x): return tools.times(F, x)"
    (tmp_path / "mini-1.ipynb").write_text(nbformat.writes(submit(ex_1_1=source)))
    (tmp_path / "tools.py").write_text("def times(a, b): return a * b")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "factor.csv").write_text("2\n")
    (tmp_path / "data" / "empty").write_bytes(b"")
    return tmp_path


def graded(folder, mini, one_secret):
    files = read_files(folder)
    mended = Submission(files, mini).read("mini-1")
    with Host(LIMITS, best_isolation(limits=LIMITS), View(mini.visible.parent, mini.private), beside(files)) as host:
        return grade_repaired(mended, mini, mini.notebooks[0], secret=one_secret, host=host)


def test_modules_and_data_beside_the_notebook_are_there(folder, mini, one_secret):
    (folder / "data" / "large.bin").write_bytes(bytes(3 * 2**20))  # more than one frame holds
    cell = "import os\nassert os.path.getsize('data/large.bin') == 3 * 2**20 and not os.path.getsize('data/empty')"
    notebook = nbformat.read(folder / "mini-1.ipynb", 4)
    notebook.cells.insert(3, new_code_cell(cell))
    nbformat.write(notebook, folder / "mini-1.ipynb")
    result = graded(folder, mini, one_secret)
    assert result.earned == 10, result.exercises[0].text()
    assert result.cells[3].status is Status.OK


def test_files_beside_are_bounded_and_what_is_left_aside_is_told(folder, mini, one_secret):
    (folder / "data" / "factor.csv").write_bytes(bytes(READ))
    result = graded(folder, mini, one_secret)
    assert result.exercises[0].earned == 0
    assert "Left aside when the notebook was run: data/factor.csv (no plain files, or more" in result.exercises[0].text()
    for number in range(MOST + 1):
        (folder / f"a{number}.txt").write_text("")
    found = read_beside(folder)
    assert len(beside(found)) == MOST
    assert len(left_aside(found)) == 1


def test_nothing_hidden_or_installed_and_nothing_behind_a_link_is_read(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    secret.write_text("secret")
    (folder / "link.txt").symlink_to(secret)
    (folder / "linked").symlink_to(secret.parent, target_is_directory=True)
    (folder / ".hidden").write_text("secret")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("secret")
    (folder / "env" / "site-packages").mkdir(parents=True)
    (folder / "env" / "site-packages" / "installed.py").write_text("x = 1")
    (folder / "timestamp.txt").write_text("2026-01-01 00:00:00 UTC")
    found = read_beside(folder)
    assert set(beside(found)) == {"tools.py", "data/factor.csv", "data/empty"}
    assert left_aside(found) == ["link.txt", "linked"]


def test_a_notebook_may_run_another_one(folder, mini, submit, one_secret):
    (folder / "other.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[new_code_cell("FACTOR = 2")])))
    notebook = submit(ex_1_1="%run other.ipynb\ndef double(x): return FACTOR * x")
    nbformat.write(notebook, folder / "mini-1.ipynb")
    assert graded(folder, mini, one_secret).earned == 10


def test_an_answer_that_prints_tens_of_megabytes_loses_nothing(submit, grade):
    source = "def double(x):\n    for _ in range(10): print('x' * 3_000_000)\n    return 2 * x"
    assert grade(submit(ex_1_1=source)).exercises[0].earned == 3


# -- another Python, other packages ---------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import pandas_of_tomorrow\ndef double(x): return 2 * x", "there is no `pandas_of_tomorrow` here"),
        ("def double(x):\n    import pandas_of_tomorrow", "there is no `pandas_of_tomorrow` here"),
        ("import helper\ndef double(x): return 2 * x", "helper.py is a file of yours"),
        ("def double(x): return np.float_of_old(x)", "has no such name: it is of another version"),
        ("from scipy.integrate import simps_of_old\ndef double(x): return x", "scipy"),
        ("def double(x) returns x: 1", "runs here: what only a newer one can read"),
        ("def double(x):\n\u00a0return 2 * x", "looks like a blank"),
    ],
)
def test_a_difference_that_matters_is_said(source, said, submit, grade):
    text = grade(submit(ex_1_1=source)).exercises[0].text()
    assert "raised an error" in text
    assert said in text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("from itertools import of_tomorrow", "and its `itertools` has no such name: a newer one may have it"),
        ("import math\nmath.of_tomorrow(1)", "and its `math` has no such name: a newer one may have it"),
        ("from concurrent.futures import of_tomorrow", "and its `concurrent` has no such name"),
        ("```python\nx = 1\n```", "the line of ``` belongs to a text"),
        ("x = 1\n```", "the line of ``` belongs to a text"),
        ("class math: pass\nmath.sum", ""),
    ],
)
def test_a_name_of_a_newer_python_and_a_fence_are_told(source, said):
    with pytest.raises((ImportError, AttributeError, SyntaxError)) as caught:
        exec(compile(source, "cell", "exec"), {})
    found = difference("".join(traceback.format_exception_only(caught.value)))
    assert said in found
    assert bool(said) == bool(found)


def test_an_error_of_the_answers_own_is_no_difference(submit, grade):
    assert "here" not in grade(submit(ex_1_1="def double(x): return [][0]")).exercises[0].text()


@pytest.mark.slow
def test_the_graders_versions_stand_in_the_release(course):
    text = (course.root / "release" / course.assignment / "requirements.txt").read_text()
    assert f"graded with Python {platform.python_version()}" in text
    assert f"numpy=={np.__version__}\n" in text
    assert "and sheaflab, which is installed apart" in text


def test_the_page_for_students_has_the_bounds_that_hold():
    page = (Path(__file__).parents[3] / "course" / "docs" / "what-runs.md").read_text(encoding="utf-8")
    bounds, mega = Limits(), 2**20
    for told in (
        f"| one cell | {bounds.cpu:g} s of CPU, {bounds.wall:g} s on the clock |",
        f"| one call of a function | {bounds.call_cpu:g} s of CPU, {bounds.wall:g} s on the clock |",
        f"| all cells and calls of a submission | {bounds.total_wall:g} s on the clock |",
        f"| {bounds.memory // mega} MB of addresses, {bounds.total_memory // mega} MB |",
        f"| processes and threads at once | {bounds.processes} |",
        f"| one file that is written | {bounds.file_size // mega} MB |",
        f"{shell.MAX_STREAM // 1024} KB is kept; at {shell.MAX_FLOOD // mega} MB it is stopped",
        f"at most {MOST} files, {READ // mega} MB together",
        f"if it is smaller than {SMALL // mega} MB",
        f"from a pool of {NUMBERS[POOL]} per check",
    ):
        assert told in page, told


@pytest.mark.slow
@pytest.mark.parametrize("line", ["from google.colab import drive", 'input("id")', "%load_ext nb_black", "import pandas_"])
def test_an_error_in_the_changed_import_cell_costs_nothing(submit, grade, line):
    notebook = submit(ex_1_1="def double(x):\n    return np.multiply(2, x)")
    (given,) = [cell for cell in notebook.cells if "import numpy" in cell.source]
    given.source = f"{line}\n{given.source}"
    result = grade(notebook)
    assert result.exercises[0].status is Status.OK, result.exercises[0].message
    assert any("changed cell ended with" in note for note in result.exercises[0].notes), result.notes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "killed"),  # as notebooks restart a runtime after an installation
        ("import os\nos.write(3, b'x' * 99)\nos._exit(0)", "left out"),
        ("while True:\n    pass", "timed out"),
    ],
)
def test_a_changed_import_cell_that_breaks_its_process_costs_nothing(submit, grade, lines, why):
    notebook = submit(ex_1_1="def double(x):\n    return np.multiply(2, x)")
    (given,) = [cell for cell in notebook.cells if "import numpy" in cell.source]
    given.source = f"{given.source}\n{lines}"
    result = grade(notebook)
    assert result.exercises[0].status is Status.OK, result.exercises[0].message
    (note,) = [note for note in result.exercises[0].notes if "changed cell was left out" in note]
    assert why in note
    assert note.endswith("the code as handed out was run in its place.")
