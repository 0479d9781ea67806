"""``python -m tests.benchmarks.decided [SHARE]``: how many ordinary runs the quick certificate decides, by shape.

Networks of `Network.random`, normal starts of magnitude 0.5 to 5, to t = 60. Undecided runs are named by their seeds.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from sheaflab import Exact, Network, Sheaf
from sheaflab.certificate import Verdict
from tests.benchmarks.__main__ import DEEP, T_END, short

SHAPES = (
    ([2, 4, 1], 20_000), ([2, 8, 1], 20_000), ([2, 16, 16, 1], 2_000), ([64, 32, 10], 2_000), ([2, 64, 64, 1], 300),
    (DEEP, 30), ([2, 256, 256, 1], 20),
)  # fmt: skip


def ordinary(widths, seed):
    """An ordinary run."""
    rng = np.random.default_rng([seed, *widths])
    sheaf = Sheaf(Network.random(widths, rng), rng.standard_normal(widths[0]))
    return Exact().run(sheaf, rng.uniform(0.5, 5) * rng.standard_normal(sheaf.n), T_END)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("share", type=float, nargs="?", default=1.0, help="of the runs of each shape")
    share = parser.parse_args().share
    print("| widths | runs | undecided | refuted | a run, ms | its certificate, ms |")
    print("|---|---|---|---|---|---|", flush=True)
    for widths, runs in SHAPES:
        number, spent, found = max(1, round(share * runs)), np.zeros(2), {v: [] for v in Verdict}
        for seed in range(number):
            begin = time.process_time()
            traj = ordinary(widths, seed)
            middle = time.process_time()
            found[traj.certify().verdict].append(seed)
            spent += middle - begin, time.process_time() - middle
        undecided, refuted = found[Verdict.UNDECIDED], found[Verdict.REFUTED]
        cells = [short(widths), number, len(undecided), len(refuted), *(f"{ms:.2g}" for ms in spent / number * 1e3)]
        print(f"| {' | '.join(map(str, cells))} |", *undecided[:5], *refuted[:5], flush=True)


if __name__ == "__main__":
    main()
