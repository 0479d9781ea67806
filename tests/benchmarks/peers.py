"""What a user would pick today, each in the same sliding-aware shell, restarted at every event.

The shell is written well: a mode's affine map is computed once a mode, one event function (the least margin of all
neurons) is watched, and restarts are the solver's only overhead. Writing it is what a user would have to do first.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp


class Shell:
    """Modes, sliding and restarts around a solver; `solve(field, t, t_end, z, margin)` goes to the next event."""

    def __init__(self, sheaf):
        self.sheaf, self.h, self.b = sheaf, sheaf.h, np.asarray(sheaf.boundary_term)
        self.active = sheaf.restricted(np.ones(sheaf.h, dtype=bool))
        self.known = {}

    def law(self, mode):
        key = mode.tobytes()
        if key not in self.known:
            delta = self.active.copy()
            idle = np.flatnonzero(mode != 1)
            delta[:, idle] = np.eye(self.sheaf.n)[:, idle] * (mode[idle] == 0)
            moving = np.flatnonzero(mode != 2)
            slid = np.flatnonzero(mode == 2)
            sign = np.where(mode[moving] == 1, 1.0, -1.0) if moving.size else np.zeros(0)
            rows = np.zeros((len(moving) + 2 * len(slid), self.sheaf.n))
            rows[np.arange(len(moving)), moving] = sign
            rows[len(moving) : len(moving) + len(slid)] = -delta[slid]
            rows[len(moving) + len(slid) :] = self.active[:, slid].T @ delta
            shift = np.concatenate([np.zeros(len(moving)), self.b[slid], -self.active[:, slid].T @ self.b])
            owner = np.concatenate([moving, slid, slid])
            goal = np.concatenate([np.full(len(moving), -1), np.zeros(len(slid)), np.ones(len(slid))]).astype(int)
            self.known[key] = (-delta.T @ delta, delta.T @ self.b, rows, shift, owner, goal)
        return self.known[key]

    def run(self, c0, t_end, solve):
        z, t, log = np.array(c0, dtype=float), 0.0, []
        mode = (z[: self.h] > 0).astype(np.int8)
        rest = self.sheaf.harmonic_extension()
        near, left = float(np.abs(rest[: self.h]).min()), None
        while t < t_end and len(log) < 500:
            matrix, drive, rows, shift, owner, goal = self.law(mode)
            calm = np.array_equal(mode, rest[: self.h] > 0)

            def field(_, y, matrix=matrix, drive=drive):
                return matrix @ y + drive

            def margin(_, y, rows=rows, shift=shift, calm=calm):
                least = float((rows @ y + shift).min())
                # No wall can be reached from here on: the peer may stop looking too.
                return min(least, float(np.linalg.norm(y - rest)) - near) if calm else least

            if left is not None:  # off a slide the speed is 0 to rounding: a moment without an event function
                t, z, _ = solve(field, t, min(t + 1e-6, t_end), z, lambda _, y: 1.0)
                left = None
            values, speeds = rows @ z + shift, rows @ field(t, z)
            if ((values < 0) & (speeds < 0)).any():  # met its wall together with the last one, within the tolerance
                y, hit = z.copy(), True
            else:
                t, y, hit = solve(field, t, t_end, z, margin)
                values = rows @ y + shift
            if not hit or (calm and float(np.linalg.norm(y - rest)) - near < values.min()):
                return log, y
            # A wall just left is at 0 and rising: solve_ivp asks for a fall, so nothing need be left out.
            k = int(np.argmin(values))
            i = int(owner[k])
            y[i] = 0.0
            mode = mode.copy()
            if goal[k] >= 0:
                mode[i] = goal[k]
                left = i
            else:
                down, up = self.sheaf.wall_speeds(y)
                mode[i] = 1 if down[i] > 0 and up[i] > 0 else 0 if down[i] < 0 and up[i] < 0 else 2
            log.append((t, i, int(mode[i])))
            z = y
        return log, z


def scipy_solver(method, rtol=1e-10):
    def solve(field, t, t_end, z, margin):
        margin.terminal, margin.direction = True, -1
        done = solve_ivp(field, (t, t_end), z, method=method, rtol=rtol, atol=1e-12, events=margin)
        return float(done.t[-1]), done.y[:, -1].copy(), done.status == 1

    return solve


def page_euler(sheaf, c0, t_end, dt=0.01):
    """The lab page's loop, vectorised over neurons: sign changes between steps."""
    weights, n1 = sheaf.net.weights, np.cumsum(sheaf.net.widths[1:])
    cuts = [slice(a, b) for a, b in zip([0, *n1], n1, strict=False)]
    z, count, b = np.array(c0, dtype=float), 0, np.asarray(sheaf.boundary_term)
    sigma = z > 0
    for _ in range(round(t_end / dt)):
        r = z - b
        for w, before, after in zip(weights[1:], cuts, cuts[1:], strict=False):
            r[after] -= w @ np.maximum(z[before], 0.0)
        v = -r
        for w, before, after in zip(weights[1:], cuts, cuts[1:], strict=False):
            v[before] += sigma[before] * (w.T @ r[after])
        z = z + dt * v
        now = z > 0
        count += int(np.count_nonzero(now[: sheaf.h] != sigma[: sheaf.h]))
        sigma = now
    return count
