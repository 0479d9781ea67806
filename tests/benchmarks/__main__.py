"""``python -m tests.benchmarks``: race Exact against its peers, paired in one run, and print tables of ratios.

Times are processor times, so that other work on the machine counts little, on one thread: a BLAS that waits for its
other threads would be charged for waiting. A peer that is not installed is left out
and named. ``pip install -e ".[bench]"`` installs them all but torchdiffeq, which brings gigabytes of torch along.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from unittest import mock

import numpy as np

from sheaflab import Exact, Network, Sheaf
from sheaflab.engine.choice import follow
from sheaflab.results import budget
from sheaflab.schemes import exact
from tests.benchmarks import peers, plain

T_END = 60.0
DEEP = [2, *[16] * 20, 1]
SINGLE = (
    ([2, 4, 1], 20), ([2, 8, 1], 20), ([2, 32, 1], 20), ([2, 16, 16, 1], 20), ([2, 64, 64, 1], 3), (DEEP, 2),
    ([2, 256, 256, 1], 1),
)  # fmt: skip
INPUTS = (([2, 4, 1], 10_000), ([2, 16, 16, 1], 1_000), ([64, 32, 10], 10_000), ([784, 128, 64, 10], 100))
AFTER = (
    ([2, 4, 1], 20), ([2, 8, 1], 20), ([2, 32, 1], 5), ([2, 16, 16, 1], 5), ([2, 64, 64, 1], 2), (DEEP, 1),
    ([2, 256, 256, 1], 1), ([2, 500, 500, 1], 1),
)  # fmt: skip
PLAIN = (([2, 4, 1], 10_000), ([2, 8, 1], 10_000), ([2, 32, 1], 2_000), ([2, 16, 16, 1], 2_000), ([2, 64, 64, 1], 200))
METHODS = (([2, 4, 1], 512), ([2, 8, 1], 512), ([2, 8, 2], 512), ([2, 16, 16, 1], 128), ([2, 64, 64, 1], 32), (DEEP, 8))
TABLES = "single", "methods", "after", "ensembles", "plain", "inputs", "scaling", "wide"
SLOW = ("torchdiffeq",)  # once is enough
EULER = ("page's Euler", "its formula")  # a step by loops over layers; a step that assembles the Laplacian
SHARE = 0.05  # of the formula's steps are taken, for it is slow
SCALING = """
import time
from pathlib import Path
from tests.benchmarks.__main__ import T_END, problem
from sheaflab import Exact
def peak():  # of this program alone, unlike the one that getrusage reports
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
sheaf, starts = problem({widths}, {m})
Exact().ensemble(sheaf, starts[:100], T_END)
before = peak()
best = float("inf")
for _ in range({repeats}):
    begin = time.process_time()
    found = Exact().ensemble(sheaf, starts, T_END)
    best = min(best, time.process_time() - begin)
    size = sum(column.nbytes for column in found.columns.values()) + found.finals.nbytes
    del found
print(best, peak() - before, size / 2**20)
"""


def problem(widths, m):
    """One network and `m` starts of different sizes."""
    sheaf = Sheaf(Network.random(widths, 0), [1.0, -1.0])
    rng = np.random.default_rng(1)
    return sheaf, rng.choice([0.5, 1.0, 2.0, 5.0], (m, 1)) * rng.standard_normal((m, sheaf.n))


def timed(work, repeats=1):
    """Best processor seconds of a few repeats, and the result."""
    best, result = np.inf, None
    for _ in range(repeats):
        begin = time.process_time()
        result = work()
        best = min(best, time.process_time() - begin)
    return best, result


def states_at(sheaf, c0, repeats):
    """Best processor seconds for the states of a new run at 1,000 times, the run excluded."""
    times = np.random.default_rng(2).uniform(0, T_END, 1000)
    runs = [Exact().run(sheaf, c0, T_END) for _ in range(repeats)]
    return min(timed(lambda traj=traj: traj.at(times))[0] for traj in runs)


def short(widths):
    return str(widths) if len(widths) < 6 else f"{len(widths) - 2} layers of {widths[1]}"


def solvers():
    """The peers' solvers that are installed, by name."""
    found = {"DOP853": peers.scipy_solver("DOP853"), "LSODA": peers.scipy_solver("LSODA")}
    for name, module, make in (
        ("CVODE", "sksundae", peers.cvode_solver),
        ("torchdiffeq", "torchdiffeq", peers.torchdiffeq_solver),
    ):
        if find_spec(module):
            found[name] = make()
        else:
            print(f"{name} is left out: {module} is not installed")
    return found


def sequence(sheaf, log):
    return [(sheaf.index(s.layer, s.neuron), "ias".index(s.after[0])) for s in log]


def single(shapes):
    """Each run by Exact and by each peer, one after the other: medians, and the median of the ratios."""
    print("\nOne run to t = 60: Exact in ms; its states at 1,000 times, the run excluded, and peers at 1e-10 as multiples of")
    print("it (how many sequences are wrong)")
    every = solvers()
    print(f"{'widths':<18}{'events':>7}{'Exact':>10}{'at':>9}" + "".join(f"{name:>18}" for name in [*every, *EULER]), flush=True)
    for widths, runs in shapes:
        sheaf, starts = problem(widths, runs)
        shell, mine, logs, at = peers.Shell(sheaf), [], [], []
        ratios = {name: [] for name in [*every, *EULER]}
        wrong = dict.fromkeys(ratios, 0)
        for k, c0 in enumerate(starts):
            seconds, traj = timed(lambda c0=c0, sheaf=sheaf: Exact().run(sheaf, c0, T_END), 3)
            mine.append(seconds)
            logs.append(traj.log)
            at.append(states_at(sheaf, c0, 3) / seconds)
            for name, solve in every.items():
                if name in SLOW and (k or sheaf.n > 200):
                    continue
                seconds, (log, _) = timed(lambda c0=c0, shell=shell, solve=solve: shell.run(c0, T_END, solve))
                ratios[name].append(seconds / mine[-1])
                wrong[name] += sequence(sheaf, traj.log) != [(i, m) for _, i, m in log]
            if not k:
                seconds, _ = timed(lambda c0=c0, sheaf=sheaf: peers.page_euler(sheaf, c0, T_END))
                ratios[EULER[0]].append(seconds / mine[-1])
                seconds, _ = timed(lambda c0=c0, sheaf=sheaf: peers.assembled_euler(sheaf, c0, T_END, share=SHARE))
                ratios[EULER[1]].append(seconds / SHARE / mine[-1])
        row = f"{short(widths):<18}{np.mean([len(log) for log in logs]):7.1f}{np.median(mine) * 1e3:10.3f}{np.median(at):7.2f} x"
        for name, found in ratios.items():
            text = f"{np.median(found):.1f} x" if found else "–"
            row += f"{text + (f' ({wrong[name]} wrong)' if wrong[name] else ''):>18}"
        print(row, flush=True)


def methods(shapes):
    """Single runs by each method, and an ensemble, in turn: medians of multiples of what "auto" takes."""
    print("\nOne run to t = 60 by each method, and a start of an ensemble, as multiples of Exact()'s time")
    print(f"{'widths':<18}{'auto, ms':>10}{'closed':>10}{'taylor':>10}{'starts':>8}{'ensemble':>10}", flush=True)
    for widths, m in shapes:
        sheaf, starts = problem(widths, m)
        rows = []
        for c0 in starts[: 20 if sheaf.n < 100 else 2]:
            each = [
                timed(lambda method=method, c0=c0, sheaf=sheaf: Exact(method).run(sheaf, c0, T_END), 3)[0]
                for method in ("auto", "closed", "taylor")
            ]
            rows.append((each[0] * 1e3, each[1] / each[0], each[2] / each[0]))
        milliseconds, closed, taylor = np.median(rows, axis=0)
        together, _ = timed(lambda sheaf=sheaf, starts=starts: Exact().ensemble(sheaf, starts, T_END), 3)
        alone = sum(timed(lambda c0=c0, sheaf=sheaf: Exact().run(sheaf, c0, T_END))[0] for c0 in starts)
        row = f"{short(widths):<18}{milliseconds:10.3f}{closed:8.1f} x{taylor:8.1f} x{m:8d}{together / alone:8.3f} x"
        print(row, flush=True)


def after(shapes):
    """What follows a run: its states at 1,000 times and its certificate, as multiples of it, the run excluded."""
    print("\nWhat follows one run to t = 60, as multiples of it: its states at 1,000 times; its certificate, of a network that")
    print("has had one and of a new one; how many are proved")
    heads = "events", "run (ms)", "at", "certify", "first", "proved"
    print(f"{'widths':<18}{'n':>6}" + "".join(f"{head:>11}" for head in heads), flush=True)
    for widths, runs in shapes:
        sheaf, starts = problem(widths, runs)
        repeats = 10 if sheaf.n < 100 else 3 if sheaf.n < 500 else 2
        rows, proved = [], 0
        for c0 in starts:
            seconds, traj = timed(lambda c0=c0, sheaf=sheaf: Exact().run(sheaf, c0, T_END), repeats)
            at = states_at(sheaf, c0, repeats)
            new = Exact().run(Sheaf(sheaf.net, sheaf.x), c0, T_END)
            first, _ = timed(new.certify)
            again = [Exact().run(sheaf, c0, T_END) for _ in range(repeats)]
            found = [timed(run.certify) for run in again]
            proved += found[0][1].holds
            rows.append((len(traj.log), seconds * 1e3, at / seconds, min(t for t, _ in found) / seconds, first / seconds))
        events, milliseconds, *multiples = np.median(rows, axis=0)
        row = f"{short(widths):<18}{sheaf.n:6d}{events:11.0f}{milliseconds:11.3f}"
        print(row + "".join(f"{value:9.2f} x" for value in multiples) + f"{f'{proved} of {runs}':>11}", flush=True)


def ensembles(shapes):
    """Cost per start of a whole ensemble, against what peers take for the same starts."""
    print("\nEnsembles to t = 60: µs a start; peers at 1e-10 on the first of the same starts, and how many are wrong")
    jax = find_spec("diffrax") is not None
    print("" if jax else "diffrax is left out: it is not installed")
    print(f"{'widths':<18}{'starts':>8}{'Exact':>10}{'DOP853':>20}{'diffrax':>20}{'wrong':>8}", flush=True)
    for widths, m, few, many in shapes:
        sheaf, starts = problem(widths, m)
        solve, shell = peers.scipy_solver("DOP853"), peers.Shell(sheaf)
        each = [timed(lambda c0=c0, shell=shell, solve=solve: shell.run(c0, T_END, solve)) for c0 in starts[:few]]
        costs = {"DOP853": sum(seconds for seconds, _ in each) / few}
        mine, found = timed(lambda sheaf=sheaf, starts=starts: Exact().ensemble(sheaf, starts, T_END), 3)
        wrong = sum(
            sequence(sheaf, found[k]) != [(i, mode) for _, i, mode in log] for k, (_, (log, _)) in enumerate(each)
        )
        if jax:
            from tests.benchmarks.peers_jax import Ensemble

            peer = Ensemble(sheaf, T_END)
            part = starts[:many]
            peer.run(part)  # compiles
            seconds, (_, neurons, modes, counts, _) = timed(lambda peer=peer, part=part: peer.run(part))
            costs["diffrax"] = seconds / many
            for k in range(many):
                theirs = list(zip(neurons[k, : counts[k]].tolist(), modes[k, : counts[k]].tolist(), strict=True))
                wrong += theirs != sequence(sheaf, found[k])
        row = f"{short(widths):<18}{m:8d}{mine / m * 1e6:10.2f}"
        for name in ("DOP853", "diffrax"):
            text = f"{costs[name] * 1e6:.0f} = {costs[name] / (mine / m):.0f} x" if name in costs else "–"
            row += f"{text:>20}"
        print(f"{row}{wrong:8d}", flush=True)


def in_c(shapes):
    """Ensembles and single runs against the same in plain C, in turn, after the logs have been compared."""
    print("\nPlain C (cc -O2, one trajectory after the other), in turn with Exact: µs a start, and µs of a run alone: C by ctypes,")
    print("Exact, and what Exact takes around its engine; `most`: Exact over that and C, what a compiled engine could bring")
    if not shutil.which("cc"):
        print("left out: there is no C compiler; apt-get install -y gcc libc6-dev")
        return
    heads = "starts", "switches", "differ", "C", "Exact", "ratio", "C alone", "Exact", "around", "most"
    print(f"{'widths':<18}" + "".join(f"{head:>9}" for head in heads), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        library = plain.build(folder)
    for widths, m in shapes:
        sheaf, starts = problem(widths, m)
        program, found = plain.Plain(library, sheaf), Exact().ensemble(sheaf, starts, T_END)
        room = len(found.columns["time"]) + 1
        log, finals = program.run(starts, T_END, room)
        wrong, some = plain.different(found, log, finals), starts[:20]
        records = [follow(sheaf, c0, T_END, budget(room), "auto") for c0 in some]
        works = (
            lambda starts=starts, program=program, room=room: program.run(starts, T_END, room),
            lambda starts=starts, sheaf=sheaf: Exact().ensemble(sheaf, starts, T_END),
            lambda some=some, program=program: [program.run(c0[None], T_END, 1000) for c0 in some],
            lambda some=some, sheaf=sheaf: [Exact().run(sheaf, c0, T_END) for c0 in some],
            lambda some=some, sheaf=sheaf, records=records: around(sheaf, some, records),
        )
        taken = np.array([[timed(work)[0] for work in works] for _ in range(10)]).min(axis=0)
        c, mine, alone, run, rest = taken / (m, m, *[len(some)] * 3) * 1e6
        row = f"{short(widths):<18}{m:9d}{len(log):9d}{wrong.size:9d}{c:9.2f}{mine:9.2f}{mine / c:9.1f}"
        print(f"{row}{alone:9.1f}{run:9.1f}{rest:9.1f}{run / (rest + alone):9.1f}", flush=True)


def around(sheaf, starts, records):
    """Single runs by an engine that has their records at once."""
    ready = iter(records)

    def handed(*_):
        return next(ready)

    with mock.patch.object(exact, "follow", handed):
        return [Exact().run(sheaf, c0, T_END) for c0 in starts]


def inputs(shapes):
    """Cost per run of as many inputs as starts, against the same starts with one input, and of one run alone."""
    print("\nEnsembles of many inputs to t = 60: µs a run, one input and one for each; and a single run")
    print(f"{'widths':<22}{'runs':>8}{'one input':>12}{'each its own':>14}{'ratio':>8}{'single':>10}", flush=True)
    for widths, m in shapes:
        rng = np.random.default_rng(1)
        net, X = Network.random(widths, 0), rng.standard_normal((m, widths[0]))
        starts = 2.0 * rng.standard_normal((m, net.free))
        sheaf = Sheaf(net, X[0])
        one, _ = timed(lambda sheaf=sheaf, starts=starts: Exact().ensemble(sheaf, starts, T_END), 2)
        each, _ = timed(lambda net=net, starts=starts, X=X: Exact().ensemble(net, starts, T_END, X=X), 2)
        alone = [timed(lambda sheaf=sheaf, c0=c0: Exact().run(sheaf, c0, T_END), 2)[0] for c0 in starts[:10]]
        row = f"{short(widths):<22}{m:8d}{one / m * 1e6:12.2f}{each / m * 1e6:14.2f}{each / one:8.2f}"
        print(f"{row}{np.median(alone) * 1e6:10.0f}", flush=True)


def scaling(widths, sizes):
    """Cost and memory against the number of starts, each size in a process of its own."""
    print(f"\n{short(widths)}: cost and memory by the number of starts")
    print(f"{'starts':>10}{'µs a start':>12}{'MB grown':>10}{'MB kept':>10}")
    for m in sizes:
        code = SCALING.format(widths=widths, m=m, repeats=max(1, min(20, 30_000 // m)))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, grown, kept = (float(word) for word in done.stdout.split())
        print(f"{m:10d}{seconds / m * 1e6:12.2f}{grown:10.0f}{kept:10.0f}", flush=True)


def wide():
    """A thousand neurons without an eigendecomposition a mode, against one a mode for half as many."""
    print("\nWide networks")
    taken = []
    for widths, method in (([2, 500, 500, 1], "auto"), ([2, 256, 256, 1], "closed")):
        sheaf = Sheaf(Network.random(widths, 0), [1.0, -1.0])
        c0 = 2 * np.random.default_rng(1).standard_normal(sheaf.n)
        seconds, traj = timed(lambda sheaf=sheaf, c0=c0, method=method: Exact(method).run(sheaf, c0, T_END))
        taken.append(seconds)
        how = "one eigendecomposition a mode" if method == "closed" else "no eigendecomposition a mode"
        at = states_at(sheaf, c0, 1) / seconds
        print(f"n = {sheaf.n}, {len(traj.log)} events, {how}: {seconds:.2f} s, at 1,000 times {at:.2f} x", flush=True)
    print(f"the larger takes {taken[0] / taken[1]:.3f} of the smaller's time")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help=f"{', '.join(TABLES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="the smallest shapes only")
    options = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":  # read when numpy is loaded: so once more from the start
        single_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, "-m", "tests.benchmarks", *sys.argv[1:]], os.environ | single_thread)
    chosen = set(options.tables or TABLES)
    if unknown := chosen - set(TABLES):
        parser.error(f"unknown table: {', '.join(sorted(unknown))}")
    if "single" in chosen:
        single(SINGLE[: 2 if options.quick else None])
    if "methods" in chosen:
        methods(METHODS[: 2 if options.quick else None])
    if "after" in chosen:
        after(AFTER[: 2 if options.quick else None])
    if "ensembles" in chosen:
        few = ([2, 4, 1], 10_000, 50, 1_000), ([2, 8, 1], 10_000, 50, 1_000), ([2, 16, 16, 1], 2_000, 20, 200)
        ensembles(few[: 2 if options.quick else None])
    if "plain" in chosen:
        in_c(PLAIN[: 2 if options.quick else None])
    if "inputs" in chosen:
        inputs(INPUTS[: 1 if options.quick else None])
    if "scaling" in chosen:
        scaling([2, 4, 1], [1_000, 10_000, 100_000] + ([] if options.quick else [1_000_000]))
    if "wide" in chosen and not options.quick:
        wide()


if __name__ == "__main__":
    main()
