"""What a user would pick today, each in the same sliding-aware shell, restarted at every event.

The shell is written well: a mode's affine map is computed once a mode, one event function (the least margin of all
neurons) is watched, and restarts are the solver's only overhead. Writing it is what a user would have to do first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from sheaflab.modes import ACTIVE, INACTIVE, SLIDING, settle

MOST_EVENTS = 3000


class Law(NamedTuple):
    """One mode: the flow is ``matrix @ y + drive``, the margins ``rows @ y + shift`` stay positive."""

    matrix: np.ndarray
    drive: np.ndarray
    rows: np.ndarray
    shift: np.ndarray
    owner: np.ndarray  # whose margin it is
    goal: np.ndarray  # what a sliding neuron becomes where it vanishes; -1 for a neuron that meets its wall
    delta: np.ndarray


class Shell:
    """Modes, sliding and restarts around a solver: ``solve(law, t, t_end, y, margin)`` goes to the next event."""

    def __init__(self, sheaf):
        self.sheaf, self.h, self.b = sheaf, sheaf.h, np.asarray(sheaf.boundary_term)
        self.active = sheaf.restricted(np.ones(sheaf.h, dtype=bool))
        self.rest = sheaf.harmonic_extension()
        self.near = float(np.abs(self.rest[: self.h]).min())
        self.known = {}

    def law(self, mode):
        key = mode.tobytes()
        if key not in self.known:
            delta = self.active.copy()
            idle, slid = np.flatnonzero(mode != ACTIVE), np.flatnonzero(mode == SLIDING)
            delta[:, idle] = np.eye(self.sheaf.n)[:, idle] * (mode[idle] == INACTIVE)
            moving = np.flatnonzero(mode != SLIDING)
            walls = np.zeros((moving.size, self.sheaf.n))
            walls[np.arange(moving.size), moving] = np.where(mode[moving] == ACTIVE, 1.0, -1.0)
            up = self.active[:, slid].T
            self.known[key] = Law(
                matrix=-delta.T @ delta,
                drive=delta.T @ self.b,
                rows=np.concatenate([walls, -delta[slid], up @ delta]),
                shift=np.concatenate([np.zeros(moving.size), self.b[slid], -up @ self.b]),
                owner=np.concatenate([moving, slid, slid]),
                goal=np.repeat([-1, INACTIVE, ACTIVE], [moving.size, slid.size, slid.size]),
                delta=delta,
            )
        return self.known[key]

    def run(self, c0, t_end, solve):
        """Return the log ``[(time, neuron, mode after)]`` and the last state."""
        y, t, log = np.array(c0, dtype=float), 0.0, []
        mode = (y[: self.h] > 0).astype(np.int8)
        just = None  # the neuron that moved last, and the order of the root that its margin starts with
        while t < t_end and len(log) < MOST_EVENTS:
            law = self.law(mode)
            calm = np.array_equal(mode, self.rest[: self.h] > 0)
            values = law.rows @ y + law.shift
            late = (values < 0) & (law.rows @ (law.matrix @ y + law.drive) < 0)
            if just is not None:
                late &= law.owner != just[0]
            if late.any():  # met its wall together with the last one, within the solver's tolerance
                k = int(np.argmin(np.where(late, values, np.inf)))
            else:
                t, y, hit = solve(law, t, t_end, y, self.margin(law, calm, t, y, values, just))
                values = law.rows @ y + law.shift
                k = int(np.argmin(values))
                if not hit or (calm and float(np.linalg.norm(y - self.rest)) - self.near < values[k]):
                    return log, y
            i = int(law.owner[k])
            y[i] = 0.0
            mode = mode.copy()
            if law.goal[k] >= 0:
                mode[i], just = law.goal[k], (i, 2)
            else:
                r = law.delta @ y - self.b
                mode[i] = settle(int(mode[i]), -r[i], -float(self.active[:, i] @ r), True)
                just = (i, 1) if mode[i] != SLIDING else None
            log.append((t, i, int(mode[i])))
        return log, y

    def margin(self, law, calm, start, y0, values, just):
        """The least margin; a root that a margin is known to start with is divided out, or it would hide the rest."""
        rows, shift, rest, near = law.rows, law.shift + np.maximum(-values, 0.0), self.rest, self.near
        k, order = None, 0
        if just is not None:
            k, order = int(np.flatnonzero(law.owner == just[0])[0]), just[1]
            speed = law.matrix @ y0 + law.drive
            first = float(rows[k] @ speed) if order == 1 else 0.5 * float(rows[k] @ law.matrix @ speed)

        def margin(t, y):
            values = rows @ y + shift
            if k is not None:
                values[k] = values[k] / (t - start) ** order if t > start else first
            least = float(values.min())
            # No wall can be reached from where the rest is nearer than every wall: the peer may stop looking too.
            return min(least, float(np.linalg.norm(y - rest)) - near) if calm else least

        return margin


def scipy_solver(method, rtol=1e-10):
    def solve(law, t, t_end, y, margin):
        def event(t, y):
            return margin(t, y)

        event.terminal, event.direction = True, -1
        done = solve_ivp(
            lambda _, y: law.matrix @ y + law.drive, (t, t_end), y, method=method, rtol=rtol, atol=1e-12, events=event
        )
        return float(done.t[-1]), done.y[:, -1].copy(), done.status == 1

    return solve


def cvode_solver(rtol=1e-10):
    """SUNDIALS CVODE, BDF with the exact Jacobian."""
    from sksundae.cvode import CVODE

    def solve(law, t, t_end, y, margin):
        def field(_, y, out):
            out[:] = law.matrix @ y + law.drive

        def event(t, y, out):
            out[0] = margin(t, y)

        def jacobian(_t, _y, _yp, out):
            out[:] = law.matrix

        event.terminal, event.direction = [True], [-1]
        solver = CVODE(
            field, rtol=rtol, atol=1e-12, eventsfn=event, num_events=1, jacfn=jacobian, max_num_steps=1_000_000
        )
        done = solver.solve(np.array([t, t_end]), y)
        return float(done.t[-1]), np.array(done.y[-1]), done.t_events is not None

    return solve


def torchdiffeq_solver(rtol=1e-10):
    import torch
    from torchdiffeq import odeint_event

    def solve(law, t, t_end, y, margin):
        matrix, drive = torch.from_numpy(law.matrix), torch.from_numpy(law.drive)

        def event(s, y):  # the end counts as an event, for the search has none of its own
            return torch.tensor(min(margin(float(s), y.numpy()), t_end - float(s)), dtype=torch.float64)

        with torch.no_grad():
            when, states = odeint_event(
                lambda _, y: matrix @ y + drive, torch.from_numpy(y), torch.tensor(t, dtype=torch.float64),
                event_fn=event, method="dopri5", rtol=rtol, atol=1e-12,
            )  # fmt: skip
        return min(float(when), t_end), states[-1].numpy().copy(), float(when) < t_end * (1 - 1e-9)

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


def assembled_euler(sheaf, c0, t_end, dt=0.01, share=1.0):
    """The same scheme as the page's formula has it, the Laplacian assembled in each step; the first `share` of them."""
    z, count, b = np.array(c0, dtype=float), 0, np.asarray(sheaf.boundary_term)
    active, identity = sheaf.restricted(np.ones(sheaf.h, dtype=bool)), np.eye(sheaf.n)
    for _ in range(round(share * t_end / dt)):
        sigma = z[: sheaf.h] > 0
        delta = active.copy()
        delta[:, : sheaf.h] = np.where(sigma, active[:, : sheaf.h], identity[:, : sheaf.h])
        z = z + dt * (delta.T @ b - (delta.T @ delta) @ z)
        count += int(np.count_nonzero((z[: sheaf.h] > 0) != sigma))
    return count
