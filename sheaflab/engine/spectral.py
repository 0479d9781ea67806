"""Any shape, one trajectory: the closed form of each mode from one eigendecomposition, stored for its return.

Where the rounding of eigenvectors is too coarse, the series goes to the next event instead.
"""

from __future__ import annotations

import numpy as np

from sheaflab.arrays import EPS, FloatArray
from sheaflab.engine import taylor
from sheaflab.engine.doubt import Blur, doubted
from sheaflab.engine.eigenbasis import Eigenbasis, first_exit
from sheaflab.modes import ACTIVE, INACTIVE
from sheaflab.region import region_of
from sheaflab.results import Event, Record, Stop
from sheaflab.sheaf import Sheaf, log_slope
from sheaflab.walls import AT_END, OVERTIME, Walls, first_modes

_WIDEST = 1e-13  # below this ratio of rates a closed form no longer tells the order of fast events


def run(sheaf: Sheaf, c0: FloatArray, t_end: float, stop: Stop) -> tuple[Record, list[int]]:
    """Follow the flow from `c0`; return the record and the neurons that start on a repelling wall."""
    codes, order, repels = first_modes(sheaf, c0)
    repelled, walls = repels.nonzero()[0].tolist(), sheaf.shared(Walls)
    bases: dict[bytes, Eigenbasis] = {}

    def basis_of(key: bytes) -> Eigenbasis:
        if key not in bases:
            bases[key] = Eigenbasis(region_of(sheaf, key))
        return bases[key]

    c, t = c0, 0.0
    blur: Blur = 1.0
    record = Record([0.0], [c0], [codes.tobytes()])
    while True:
        key = codes.tobytes()
        basis = basis_of(key)
        region = basis.region
        if region.rate < _WIDEST * float(region.spectrum.max(initial=0.0)):
            raise ValueError(
                f"`method` must be 'auto' for this network: its mode at t = {t:.6g} has rates from "
                f"{region.rate:.3g} to {region.spectrum[-1]:.3g}, too many decades for the closed form alone"
            )
        rests, closer = walls.resting(c, codes), None
        wait, who, rises, clear = first_exit(basis, c, t_end * OVERTIME - t, order, blur, rests)
        ends = not who.size or t + wait > t_end * AT_END
        if not clear:
            closer = taylor.closely(sheaf, c, codes, order, t_end * AT_END - t, blur)
        if closer is None:
            c = np.asarray(region.flow(c, t_end - t if ends else wait))
        else:
            wait, who, rises, c = closer
            ends = not who.size
        c[: sheaf.h][rests] = 0.0
        if ends:
            record.times.append(t_end)
            record.states.append(c)
            return record, repelled
        t = min(t + wait, t_end)
        c[who] = 0.0
        before = codes
        hits = zip(who.tolist(), rises.tolist(), strict=True)
        speeds = sheaf.wall_speeds(c)
        codes, order = walls.settle(c, before, hits, speeds)
        key = codes.tobytes()
        # A wall touched within rounding, or no time passed: more uncertainty is assumed, so that the run goes on.
        blur = doubted(blur, who, sheaf.h) if key == before.tobytes() or wait <= 4 * EPS * t else 1.0
        if key == before.tobytes():
            continue
        changed, energy, v = np.flatnonzero(before != codes), sheaf.energy(c), region.velocity(c)
        slope = log_slope(float(v @ v), energy)
        # The other entries stay as they are, to the last digit: the end of a slide has no kink.
        v[changed] = np.where(codes == ACTIVE, speeds[1], np.where(codes == INACTIVE, speeds[0], 0.0))[changed]
        slopes = slope, log_slope(float(v @ v), energy)
        record.events += [Event(t, int(i), int(before[i]), int(codes[i]), energy, *slopes) for i in changed]
        record.times.append(t)
        record.states.append(c)
        record.modes.append(key)
        if (outcome := stop(record)) is not None:
            record.modes.pop()
            record.outcome = outcome
            return record, repelled
