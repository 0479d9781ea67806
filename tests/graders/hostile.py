"""Submissions that cheat, break or are merely awkward: what they hand in, and what must come of it.

Each hostile one spoils exercise 1.1 (3 points) in its own way; nothing may make up for that.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat

BAD = "def double(x):\n    return 0 * x\n"
LATER = """
import pathlib, sqlite3, time
for _ in range(60):
    time.sleep(0.5)
    for folder in pathlib.Path.cwd().parents:
        for file in folder.glob("gradebook.db"):
            try:
                with sqlite3.connect(file, timeout=1) as db:
                    db.execute("UPDATE grade SET manual_score = 99")
            except sqlite3.Error:
                pass
"""

# Replaces what the worker sends by a frame of one's own.
SENDS = """
import gc, json, struct
def send_instead(header, body=b''):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    gc.unfreeze()  # a worker freezes what it has before it forks: frozen objects are not listed
    for known in [thing for thing in gc.get_objects() if isinstance(thing, dict)]:
        if 'MAX_NODES' in known and 'dump' in known:
            known['dump'] = lambda *_: [struct.pack('<IQ', len(raw), len(body)) + raw + body]
"""
# Pairs of integers whose tuples have one hash: CPython's xxHash of two lanes, solved for the second.
COLLIDING = """
P1, P2, P5, M = 11400714785074694791, 14029467366897019727, 2870177450012600261, 2**64
def turned(x): return (x << 31 | x >> 33) % M
def pairs(count):
    found, a = [], 0
    while len(found) < count:
        a += 1
        b = (12345 - turned((P5 + a * P2) % M) * P1) * pow(P2, -1, M) % M
        b -= M if b >= M // 2 else 0
        if abs(b) < 2**61 - 1:
            found.append((a, b))
    assert len(set(map(hash, found))) == 1
    return found
"""
# Speaks on every socket that keeps messages apart: the worker's orders come that way.
SPEAKS = """
import json, os, socket
def speak(**message):
    for number in range(3, 128):
        try:
            line = socket.socket(fileno=os.dup(number))
        except OSError:
            continue
        if line.type == socket.SOCK_SEQPACKET:
            try:
                line.send(json.dumps(message).encode())
            except OSError:
                pass
"""

# Code in the cell of exercise 1.1. A tuple: code, then the label expected for exercise 1.1 (any but ok if None).
CODE: dict[str, tuple[str, str | None]] = {
    "patches numpy's comparisons": (
        BAD + "import numpy as np, numpy.testing, builtins\nnp.allclose = np.isclose = lambda *a, **k: True\n"
        "numpy.testing.assert_allclose = lambda *a, **k: None\nbuiltins.abs = lambda x: 0\nnp.abs = lambda x: 0 * x",
        "wrong",
    ),
    "publishes full points": (BAD + "from IPython.display import display\ndisplay(3.0)\n3.0", "wrong"),
    "publishes full points before the failure": (
        BAD + "ip = get_ipython()\ndef publish(*_):\n    hook = ip.displayhook\n"
        "    content = dict(data={'text/plain': '3.0'}, metadata={}, execution_count=1)\n"
        "    hook.session.send(hook.pub_socket, 'execute_result', content, parent=hook.parent_header)\n"
        "ip.events.register('pre_run_cell', publish)",
        "wrong",
    ),
    "does nothing but say it is right": (
        BAD + "import unittest.mock as mock, numpy\nnumpy.testing = mock.MagicMock()\n"
        "get_ipython().set_custom_exc((AssertionError,), lambda *a, **k: None)",
        "wrong",
    ),
    "returns -1 as last value": (BAD + "-1", "wrong"),
    "input transformer": (
        BAD + "ip = get_ipython()\nip.input_transformers_cleanup.append(lambda lines: ['3.0\\n'])\n"
        "ip.ast_transformers.append(type('T', (), {'visit': lambda self, n: n})())",
        "wrong",
    ),
    "patches the shell": (BAD + "type(get_ipython()).run_cell = lambda self, *a, **k: None", None),
    "event hooks": (BAD + "get_ipython().events.register('pre_run_cell', lambda *a: print('3.0'))", "wrong"),
    "patches the worker's channel": (
        BAD + "import gc\ngc.unfreeze()\nfor o in gc.get_objects():\n    if type(o).__name__ == 'Channel':\n"
        "        s = o.send\n        type(o).send = lambda self, m: s({'value': 2.0})\n        break",
        None,
    ),
    "patches json": (BAD + "import json\njson.dumps = lambda *a, **k: '{\"value\": 1e999}'", None),
    "patches the encoder": (
        BAD
        + "import gc\ngc.unfreeze()\nfor known in [thing for thing in gc.get_objects() if isinstance(thing, dict)]:\n"
        "    if 'MAX_NODES' in known and 'dump' in known:\n        known['dump'] = lambda *a: [b'\\xff' * 12]",
        None,
    ),
    "announces a huge frame": (
        BAD
        + "import gc, struct\ngc.unfreeze()\nfor known in [thing for thing in gc.get_objects() if isinstance(thing, dict)]:\n"
        "    if 'MAX_NODES' in known and 'dump' in known:\n"
        "        known['dump'] = lambda *a: [struct.pack('<IQ', 2**32 - 1, 2**63)]",
        None,
    ),
    "deep answer": (
        "def double(x):\n    a = []\n    for _ in range(10**4):\n        a = [a]\n    return a",
        "returned something that the grader cannot read",
    ),
    "lies about its size": (
        "import numpy as np\nclass A(np.ndarray):\n    nbytes = 0\n    size = 10**12\n"
        "def double(x):\n    return np.zeros(3).view(A)",
        "wrong",
    ),
    "equals everything": (
        "class E:\n    def __eq__(self, o): return True\n    def __float__(self): return 0.0\n    __array__ = None\n"
        "def double(x):\n    return E()",
        None,
    ),
    "a float that lies": (
        "class F(float):\n    def __eq__(self, o): return True\ndef double(x):\n    return F(0)",
        "wrong",
    ),
    "infinite numbers": ("def double(x):\n    return x * float('inf')", "wrong"),
    "text instead of numbers": ("def double(x):\n    return '2.0'", "wrong"),
    "object array": (
        "def double(x):\n    return np.array([object()])",
        "returned something that the grader cannot read",
    ),
    "complex numbers": ("def double(x):\n    return 2j * x", "returned something that the grader cannot read"),
    "kills its parent": (BAD + "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", None),
    "kills everybody": (BAD + "import os\nos.kill(-1, 9)", None),
    "kills everybody when called": ("import os\ndef double(x):\n    os.kill(-1, 9)", None),
    "stops its parent": (BAD + "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)", None),
    "stops itself": ("import os, signal\ndef double(x):\n    os.kill(os.getpid(), signal.SIGSTOP)", "timed out"),
    "loop that ignores signals": (
        "import signal\nfor s in range(1, 65):\n    try:\n        signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError):\n"
        "        pass\ndef double(x):\n    while True:\n        pass",
        None,
    ),
    "swallows every exception": (
        "def double(x):\n    while True:\n        try:\n            while True:\n                pass\n"
        "        except BaseException:\n            pass",
        "timed out",
    ),
    "30 GB": ("def double(x):\n    return np.ones(30 * 2**27)", "out of memory"),
    "memory by and by": (
        "def double(x):\n    a = []\n    while True:\n        a.append(bytearray(2**24))",
        None,
    ),
    "fork bomb": (
        "import os\ndef double(x):\n    while True:\n        try:\n            os.fork()\n        except OSError:\n            pass",
        None,
    ),
    "threads without end": (
        "import threading, time\ndef double(x):\n    while True:\n        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        None,
    ),
    "fills /dev/shm": (
        BAD
        + "try:\n    with open('/dev/shm/x', 'wb') as f:\n        for _ in range(3000):\n            f.write(bytes(2**20))\n"
        "except OSError as e:\n    print('refused', e)",
        "wrong",
    ),
    "fills /tmp": (
        BAD
        + "try:\n    for k in range(300):\n        open(f'/tmp/f{k}', 'wb').write(bytes(2**24))\nexcept OSError as e:\n    print('refused', e)",
        "wrong",
    ),
    "prints 200 MB": (BAD + "for _ in range(200):\n    print('x' * 2**20)", None),
    "writes 200 MB to descriptor 1": (BAD + "import os\nfor _ in range(200):\n    os.write(1, b'x' * 2**20)", "wrong"),
    "60 MB image": (
        BAD + "from IPython.display import Image, display\n"
        "display(Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + bytes(60 * 2**20), format='png'))",
        "wrong",
    ),
    "10,000 outputs": (BAD + "from IPython.display import display\nfor k in range(10**4):\n    display(k)", "wrong"),
    "detached process": (
        BAD
        + "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)",
        "wrong",
    ),
    "double fork": (
        BAD
        + "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)",
        "wrong",
    ),
    "reads what it should not": (
        "import os, glob\ndef double(x):\n    found = []\n    for top in ('/work', '/root', '/home', '/srv', '/etc/shadow', '/proc/1/environ'):\n"
        "        for d, _, fs in os.walk(top):\n"
        "            if 'site-packages' in d:\n                continue  # nbgrader's own tests have a gradebook\n"
        "            found += [f for f in fs if 'test_mini_1' in f or f in ('gradebook.db', '.secret', 'exercises.toml')]\n"
        "    raise RuntimeError(f'FOUND {found}')",
        "raised an error",
    ),
    "looks for hidden checks in memory": (
        "import sys, gc\ndef double(x):\n    names = [m for m in sys.modules if m.startswith(('graders', 'pytest', '_pytest'))]\n"
        "    raise RuntimeError(f'FOUND {names}')",
        "raised an error",
    ),
    "network": (
        "import socket\ndef double(x):\n    try:\n        socket.create_connection(('1.1.1.1', 53), timeout=1)\n"
        "    except OSError as e:\n        raise RuntimeError(f'refused: {type(e).__name__}')\n    return 2 * x if False else 'connected'",
        "raised an error",
    ),
    "reads the environment of process 1": (
        "def double(x):\n    raise RuntimeError('ENV ' + open('/proc/1/environ').read().replace('\\0', ' '))",
        "raised an error",
    ),
    "writes outside": (
        BAD + "import os\nfor p in ('/usr/x', '/opt/worker/worker.py', '/opt/library/sheaflab/x.py', '/etc/x', '/x'):\n"
        "    try:\n        open(p, 'a').write('x')\n        print('WR' + 'OTE', p)\n    except OSError:\n        pass",
        "wrong",
    ),
    "runs the solution in source/": (
        "import json, pathlib\nfor d in pathlib.Path.cwd().parents:\n    for f in d.glob('source/*/*.ipynb'):\n"
        "        for c in json.loads(f.read_text())['cells']:\n            source = ''.join(c['source'])\n"
        "            if 'def double' in source:\n                exec(source)",
        "not defined",
    ),
    "edits the gradebook": (
        BAD + "import pathlib, sqlite3\nfor d in pathlib.Path.cwd().parents:\n    for f in d.glob('gradebook.db'):\n"
        "        with sqlite3.connect(f) as db:\n            db.execute('UPDATE grade SET auto_score = -50')",
        "wrong",
    ),
    "edits the gradebook later": (
        BAD + f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {LATER!r}], start_new_session=True)",
        "wrong",
    ),
    "edits configuration and submissions": (
        BAD + "import pathlib\nfor d in pathlib.Path.cwd().parents:\n"
        "    for f in (*d.glob('nbgrader_config.py'), *d.glob('submitted/*/*/*.ipynb'), *d.glob('source/*/*.ipynb')):\n"
        "        try:\n            f.write_text('{}')\n            print('WR' + 'OTE', f)\n        except OSError:\n            pass",
        "wrong",
    ),
    "leaves startup files": (
        BAD
        + "import os\nfor d in (os.path.expanduser('~/.ipython/profile_default/startup'), os.environ['IPYTHONDIR'] + '/profile_default/startup'):\n"
        "    os.makedirs(d, exist_ok=True)\n    open(d + '/0.py', 'w').write('import builtins; builtins.abs = 0')",
        "wrong",
    ),
    "counts calls instead of doing the work": (
        "calls = [0]\ndef double(x):\n    calls[0] += 1\n    return calls[0]",
        "wrong",
    ),
    "endless answer to a callback": (
        BAD + "def twice(f, x):\n    while True:\n        f(x)",
        "wrong",
    ),
    "speaks out of turn": (
        BAD
        + "import os, socket\nfor fd in range(3, 64):\n    try:\n        os.write(fd, b'\\0' * 4096)\n    except OSError:\n        pass",
        None,
    ),
    "closes all descriptors": (BAD + "import os\nos.closerange(0, 256)", None),
    "crashes the interpreter": ("import ctypes\ndef double(x):\n    ctypes.string_at(0)", "killed"),
    "recursion": ("import sys\nsys.setrecursionlimit(10**8)\ndef double(x):\n    return double(x)", None),
    "replaces builtins": (
        BAD + "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda x: 0",
        None,
    ),
    "exit hooks": (BAD + "import atexit, time\natexit.register(time.sleep, 600)\nraise SystemExit", None),
    "sleeps in a cell": (BAD + "import time\ntime.sleep(600)", None),
    "tells of its end in words": (
        SPEAKS + "def double(x):\n    speak(event='exit', signal='abc', code=[], memory=None)\n    return 0",
        None,
    ),
    "tells of an end that never was": (
        SPEAKS
        + "def double(x):\n    for _ in range(9):\n        speak(event='exit', signal=9, code=0, memory=0)\n    return 0",
        None,
    ),
    "says it has taken over": (SPEAKS + BAD + "speak(event='committed', memory=0)\nspeak(event='adopted')", None),
    "an empty array of endless lengths": (
        SENDS
        + "def double(x):\n    send_instead({'$': 'dict', 'v': [['value', {'$': 'array', 'dtype': 'float64', 'shape': [0, *[2**28] * 4]}]]})",
        "returned something that the grader cannot read",
    ),
    "half a surrogate pair in a message": (
        SENDS
        + "def double(x):\n    send_instead({'$': 'dict', 'v': [['raised', {'$': 'dict', 'v': [['type', 'E\\ud800'],"
        " ['message', '\\udfff\\x9b31m'], ['traceback', '\\ud800']]}]]})",
        "raised an error",
    ),
    "half a surrogate pair in an output": (
        SENDS + BAD + "send_instead({'$': 'dict', 'v': [['outputs', [{'$': 'dict', 'v': [['output_type', 'stream'],"
        " ['name', 'stdout'], ['text', '\\ud800 \\udc00']]}]]]})",
        None,
    ),
    "a long text among short ones": ("def double(x):\n    return ['x' * 2**20] + ['y'] * 500", "wrong"),
    "a quarter of a billion truth values": (
        "import numpy as np\ndef double(x):\n    return np.ones(255 * 2**20, dtype=bool)",
        "returned something that the grader cannot read",
    ),
    "keys of one hash": (
        COLLIDING + "class Pairs(dict):\n"
        "    def items(self): return ((pair, 0) for pair in found)\nfound = pairs(20000)\n"
        "def double(x):\n    return Pairs()",
        "returned something that the grader cannot read",
    ),
    "shows more than a page holds": (
        BAD
        + "from IPython.display import display\nfor _ in range(64):\n    display({'text/plain': 'x' * 60000}, raw=True)",
        "wrong",
    ),
    "imports a name of forty thousand parts": (BAD + "if 0:\n    import a" + ".a" * 40_000, None),
    "brackets in brackets": (BAD + "[" * 5000 + "]" * 5000, None),
    "marks up its messages": (
        "def double(x):\n    raise ValueError('<script>window.pwned = 1</script><img src=x onerror=\"window.pwned = 1\">')",
        "raised an error",
    ),
}


def by_code(submit, source):
    return nbformat.writes(submit(ex_1_1=source)).encode()


def cell_of(notebook, name):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def skip_execution(submit):
    notebook = submit(ex_1_1=BAD)
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]
    return notebook


def forged_award(submit):
    notebook = submit(ex_1_1=BAD)
    cell = cell_of(notebook, "grade-1-1")
    cell.source = "3.0"
    cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "3.0"}, execution_count=1)]
    return notebook


def unlocked_award(submit):
    notebook = submit(ex_1_1=BAD)
    meta = cell_of(notebook, "grade-1-1").metadata.nbgrader
    meta.update(locked=False, solution=True, points=1000, checksum="0" * 32)
    return notebook


def two_awards(submit):
    notebook = submit(ex_1_1=BAD)
    extra = nbformat.from_dict(json.loads(json.dumps(cell_of(notebook, "grade-1-1"))))
    extra.source, extra["id"] = "3.0", "again"
    notebook.cells.insert(0, extra)
    return notebook


def two_solutions(submit):
    notebook = submit(ex_1_1=BAD)
    extra = nbformat.from_dict(json.loads(json.dumps(cell_of(notebook, "ex-1-1"))))
    extra["id"] = "again"
    notebook.cells.append(extra)
    return notebook


def foreign_kernel(submit):
    notebook = submit(ex_1_1=BAD)
    notebook.metadata["kernelspec"] = {"name": "../../evil", "display_name": "x", "language": "bash"}
    return notebook


def deep_json(submit):
    return b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"


def huge_file(submit):
    return b'{"cells": [{"source": "' + b"x" * (100 * 2**20) + b'"}]}'


def marked_up(submit):
    notebook = submit(
        ex_1_1="from IPython.display import HTML, display\nprint('<script>window.pwned = 1</script>')\n"
        "display(HTML('<script>window.pwned = 1</script>'))\n" + BAD,
        written_1_W="<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\n\n"
        "[x](javascript:window.pwned=1) <svg onload='window.pwned=1'>",
    )
    for kind in (nbformat.v4.new_markdown_cell, nbformat.v4.new_raw_cell):
        notebook.cells.append(kind("</div><script>window.pwned = 1</script>"))
    notebook.metadata["title"] = "<script>window.pwned = 1</script>"
    return notebook


def sixty_long_cells(submit):
    notebook = submit(ex_1_1=BAD)
    show = (
        "from IPython.display import display\nfor _ in range(64):\n    display({'text/plain': 'x' * 60000}, raw=True)"
    )
    notebook.cells += [nbformat.v4.new_code_cell(show) for _ in range(60)]
    return notebook


def dense_and_nameless(submit):
    notebook = without_metadata(submit)
    cell = next(cell for cell in notebook.cells if "def double" in cell.source)
    cell.source = BAD
    notebook.cells += [nbformat.v4.new_code_cell("a;" * 50_000) for _ in range(4)]
    return notebook


NOTEBOOKS = {
    "sixty cells that show four megabytes": sixty_long_cells,
    "dense code, names lost": dense_and_nameless,
    "millions of empty lists": lambda submit: b'{"cells": [' + b'{"":[]},' * 5_900_000 + b"{}]}",
    "skip-execution tags": skip_execution,
    "forged award": forged_award,
    "unlocked award": unlocked_award,
    "two awards": two_awards,
    "two solutions, both wrong": two_solutions,
    "foreign kernel": foreign_kernel,
    "deep JSON": deep_json,
    "100 MB notebook": huge_file,
    "markup everywhere": marked_up,
    "a photograph": lambda submit: b"\xff\xd8\xff\xe0" + bytes(1000),
    "latin-1": lambda submit: nbformat.writes(submit()).replace("Return", "R\xe9turn").encode("latin-1"),
    "empty file": lambda submit: b"",
    "not a notebook": lambda submit: b"[1, 2, 3]",
    "truncated": lambda submit: nbformat.writes(submit()).encode()[:-200],
}


# Honest work that must keep all its points.
def with_warnings(submit):
    return submit(
        ex_1_1="import warnings, sys\ndef double(x):\n    warnings.warn('hm')\n    print('to stderr', file=sys.stderr)\n    return 2 * x"
    )


def with_bom(submit):
    return b"\xef\xbb\xbf" + nbformat.writes(submit()).encode()


def without_grade_cells(submit):
    notebook = submit()
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]
    return notebook


def reversed_tail(submit):
    notebook = submit()
    notebook.cells = notebook.cells[:2] + notebook.cells[2:][::-1]
    return notebook


def without_metadata(submit):
    notebook = submit()
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    return notebook


def split_cell(submit):
    notebook = submit(ex_1_1="FACTOR = 2")
    place = notebook.cells.index(cell_of(notebook, "ex-1-1"))
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell("def double(x):\n    return FACTOR * x"))
    return notebook


def retyped_cell(submit):
    notebook = submit()
    cell = cell_of(notebook, "ex-1-1")
    cell["cell_type"] = "markdown"
    cell.pop("outputs", None)
    cell.pop("execution_count", None)
    return notebook


def doubled_cell(submit):
    notebook = submit()
    stub = nbformat.from_dict(json.loads(json.dumps(cell_of(notebook, "ex-1-1"))))
    stub.source, stub["id"] = (
        'def double(x):\n    """Return twice x."""\n    raise NotImplementedError("Exercise 1.1: double")',
        "stub",
    )
    notebook.cells.insert(1, stub)
    return notebook


def old_format(submit):
    notebook = submit()
    cells = []
    for cell in notebook.cells:
        old = {"cell_type": cell.cell_type, "metadata": cell.metadata}
        old |= (
            {"input": [cell.source], "language": "python", "outputs": []}
            if cell.cell_type == "code"
            else {"source": [cell.source]}
        )
        cells.append(old)
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}).encode()


def magics(submit):
    return submit(
        ex_1_1="%matplotlib inline\n%time 1 + 1\n!true\ndef double(x):\n    return 2 * x\ndouble?\nplt.plot([1, 2]); plt.show()"
    )


HONEST = {
    "warnings and stderr": with_warnings,
    "byte order mark": with_bom,
    "grade cells deleted": without_grade_cells,
    "cells in reverse": reversed_tail,
    "metadata lost": without_metadata,
    "solution in two cells": split_cell,
    "solution cell turned into markdown": retyped_cell,
    "solution cell twice, one the stub": doubled_cell,
    "nbformat 3": old_format,
    "magics and figures": magics,
    "windows line ends": lambda submit: nbformat.writes(submit()).replace("\\n", "\\r\\n").encode(),
    "utf-16": lambda submit: nbformat.writes(submit()).encode("utf-16"),
    "own cell that fails": lambda submit: submit(ex_1_1="def double(x):\n    return 2 * x\n1 / 0"),
}


@dataclass(frozen=True)
class Case:
    """One submission: its files (a text is the target of a link), and what exercise 1.1 must come to."""

    files: dict[str, bytes | str]
    points: int
    label: str | None
    """Outcome of exercise 1.1; any but ok if None."""
    honest: bool = False
    """Whether all else is right as well."""


def corpus(submit):
    """All cases by name; `submit` makes a notebook of the key with some cells replaced."""

    def file(work):
        return work if isinstance(work, bytes) else nbformat.writes(work).encode()

    main, bad = "mini-1.ipynb", file(submit(ex_1_1=BAD))
    cases = {name: Case({main: by_code(submit, source)}, 0, label) for name, (source, label) in CODE.items()}
    cases |= {name: Case({main: file(make(submit))}, 0, None) for name, make in NOTEBOOKS.items()}
    cases |= {name: Case({main: file(make(submit))}, 3, "ok", honest=True) for name, make in HONEST.items()}
    return cases | {
        "a wrong copy beside": Case({main: file(submit()), "mini-1-Copy1.ipynb": bad}, 3, "ok", honest=True),
        "renamed by a browser": Case({"mini-1 (1).ipynb": file(submit())}, 3, "ok", honest=True),
        "another name": Case({"p1 (1).ipynb": file(submit())}, 3, "ok"),  # known by the marks of its cells
        "ships a numpy.py": Case({main: bad, "numpy.py": b"allclose = lambda *a, **k: True"}, 0, "wrong"),
        "a link to the solution": Case({main: "../../../source/mini/mini-1.ipynb"}, 0, "unreadable file"),
    }


BLIND = tomllib.loads(Path(__file__).with_name("blind.toml").read_text(encoding="utf-8"))["case"]
"""Attacks written by judges who had read README and release alone, before any of them was run."""


def blind(submit):
    """The blind attacks by name; nothing but exercise 1.1, the written answer and files beside differs from the key."""
    cases = {}
    for case in BLIND:
        changed = {"ex_1_1": case.get("code"), "written_1_W": case.get("written")}
        notebook = submit(**{name: text for name, text in changed.items() if text is not None})
        files = {"mini-1.ipynb": nbformat.writes(notebook).encode()}
        files |= {name: text.encode() for name, text in case.get("files", {}).items()}
        wrong = "code" in case
        cases[case["name"]] = Case(files, 0 if wrong else 3, None if wrong else "ok", honest=not wrong)
    return cases


def hand_in_case(root, student, case):
    """Put a case's files into `submitted/` of the course at `root`."""
    folder = Path(root) / "submitted" / student / "mini"
    folder.mkdir(parents=True)
    for name, content in case.files.items():
        if isinstance(content, str):
            (folder / name).symlink_to(content)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def slug(text):
    """A case's name as a student's."""
    return "".join(c if c.isalnum() else "-" for c in text)
