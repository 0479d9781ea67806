"""``python -m tests.benchmarks``: race Exact against its peers, paired in one run, and print a table of ratios."""

from __future__ import annotations

import argparse
import time

import numpy as np

from sheaflab import Exact, Network, Sheaf
from tests.benchmarks import peers

SHAPES = ([2, 4, 1], [2, 8, 1], [2, 16, 16, 1], [2, 64, 64, 1], [2, *[16] * 20, 1], [2, 256, 256, 1])
T_END = 60.0


def timed(work, repeats=3):
    """Best processor seconds of a few repeats (other work on the machine does not count), and the result."""
    best, result = np.inf, None
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def median(work, starts, repeats):
    """Median over the starts of each one's best seconds, and the results."""
    each = [timed(lambda c=c: work(c), repeats) for c in starts]
    return float(np.median([seconds for seconds, _ in each])), [result for _, result in each]


def single(widths, runs, repeats):
    sheaf = Sheaf(Network.random(widths, 0), [1.0, -1.0])
    rng = np.random.default_rng(0)
    starts = [rng.choice([0.5, 1.0, 2.0, 5.0]) * rng.standard_normal(sheaf.n) for _ in range(runs)]
    row, logs = {}, []
    row["Exact"], logs = median(lambda c: Exact().run(sheaf, c, T_END).log, starts, repeats)
    for name in ("DOP853", "LSODA"):
        solve, shell = peers.scipy_solver(name), peers.Shell(sheaf)
        row[name], found = median(lambda c, shell=shell, solve=solve: shell.run(c, T_END, solve)[0], starts, 1)
        row[name + " wrong"] = sum(
            [(sheaf.index(s.layer, s.neuron), s.after[0]) for s in log] != [(i, "ias"[m]) for _, i, m in other]
            for log, other in zip(logs, found, strict=True)
        )
    euler, _ = timed(lambda: peers.page_euler(sheaf, starts[0], T_END), 1)
    row["page's Euler"] = euler
    events = np.mean([len(log) for log in logs])
    print(f"{short(widths):<18} {events:7.1f} {row['Exact'] * 1e3:10.3f}", end="")
    for name in ("DOP853", "LSODA", "page's Euler"):
        wrong = f" ({row[name + ' wrong']} wrong)" if row.get(name + " wrong") else ""
        print(f" {row[name] * 1e3:10.2f} = {row[name] / row['Exact']:6.1f} x{wrong}", end="")
    print(flush=True)
    return row


def short(widths):
    return str(widths) if len(widths) < 6 else f"{len(widths) - 2} layers of {widths[1]}"


def ensembles(peer):
    print("\nensembles            starts   µs a start   peer's ms / ours")
    for widths in ([2, 4, 1], [2, 8, 1]):
        sheaf = Sheaf(Network.random(widths, 0), [1.0, -1.0])
        rng = np.random.default_rng(1)
        for m in (1_000, 10_000, 100_000):
            starts = rng.choice([0.5, 1.0, 2.0, 5.0], (m, 1)) * rng.standard_normal((m, sheaf.n))
            seconds, _ = timed(lambda sheaf=sheaf, starts=starts: Exact().ensemble(sheaf, starts, T_END))
            print(
                f"{short(widths):<18} {m:8d} {seconds / m * 1e6:12.2f} {peer[str(widths)] / (seconds / m):10.0f} x",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the two smallest shapes only")
    quick = parser.parse_args().quick
    print(f"{'shape':<18} {'events':>7} {'Exact ms':>10}   DOP853 1e-10          LSODA 1e-10           page's Euler")
    peer = {}
    for widths in SHAPES[: 2 if quick else None]:
        size = sum(widths)
        row = single(widths, 20 if size < 60 else 3 if size < 200 else 1, 3 if size < 200 else 1)
        peer[str(widths)] = min(row["DOP853"], row["LSODA"])
    ensembles(peer)
    if not quick:
        wide()


def wide():
    """A thousand neurons without an eigendecomposition a mode, against one a mode for half as many."""
    for widths, method in (([2, 500, 500, 1], "auto"), ([2, 256, 256, 1], "closed")):
        sheaf = Sheaf(Network.random(widths, 0), [1.0, -1.0])
        c0 = 2 * np.random.default_rng(0).standard_normal(sheaf.n)
        seconds, traj = timed(lambda sheaf=sheaf, c0=c0, method=method: Exact(method).run(sheaf, c0, T_END), 1)
        print(f"{widths} {method}: n = {sheaf.n}, {len(traj.log)} events, {seconds:.2f} s", flush=True)


if __name__ == "__main__":
    main()
