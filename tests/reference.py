"""An independent reference: the heat equation's modes in 80-bit floats, by short Taylor steps and dense sampling.

Written apart from the library: nothing of it is imported, no closed form, no certificate. Slow and simple.
"""

from __future__ import annotations

import numpy as np

LD = np.longdouble
TERMS = 26
SAMPLES = 16


def simulate(weights, biases, x, c0, t_end, pinned=None):
    """Return [(time, coordinate, mode after)], modes 0 inactive, 1 active, 2 sliding, and the state at the end.

    The search ends early where the flow is in the forward pass's own mode and too close to it to reach a wall. `pinned`
    gives values of coordinates that do not move: there is no such mode then, and it goes on to the end.
    """
    pinned = pinned or {}
    W = [np.asarray(w, dtype=LD) for w in weights]
    b = [np.asarray(v, dtype=LD) for v in biases]
    sizes = [len(v) for v in b]
    n, h = sum(sizes), sum(sizes[:-1])
    at = np.cumsum([0, *sizes])
    eye = np.eye(n, dtype=LD)
    drive = np.concatenate([W[0] @ np.asarray(x, dtype=LD) + b[0], *b[1:]])
    column = eye.copy()  # of δ with every neuron active
    for k in range(1, len(W)):
        column[at[k] : at[k + 1], at[k - 1] : at[k]] = -W[k]
    rest, signal = [], np.asarray(x, dtype=LD)
    for w, v in zip(W, b, strict=True):
        rest.append(w @ signal + v)
        signal = np.maximum(rest[-1], 0)
    rest = np.concatenate(rest)
    near = np.abs(rest[:h]).min()
    top = (1 + max(np.linalg.svd(w.astype(float), compute_uv=False)[0] for w in W[1:])) ** 2
    step = LD(min(0.1, 1.0 / top))

    c = np.asarray(c0, dtype=LD).copy()
    for i, value in pinned.items():  # a column that is known goes to the right-hand side
        c[i] = value
        known = column[:, i] if value > 0 and i < h else eye[:, i]
        drive = drive - known * LD(value)
    mode = (c[:h] > 0).astype(int)
    t, log = LD(0), []
    fractions = np.arange(1, SAMPLES + 1, dtype=LD) / SAMPLES
    powers = fractions[:, None] ** np.arange(TERMS)
    while t < t_end:
        delta = eye.copy()
        for i in range(h):
            delta[:, i] = column[:, i] if mode[i] == 1 else eye[:, i] if mode[i] == 0 else 0
        for i in pinned:
            delta[:, i] = 0
        if not pinned and np.array_equal(mode, rest[:h] > 0) and np.sqrt(((c - rest) ** 2).sum()) < near:
            return log, rest
        length = min(step, LD(t_end) - t)
        coefficients = np.empty((TERMS, n), dtype=LD)
        coefficients[0] = c
        v = -delta.T @ (delta @ c - drive)
        for k in range(1, TERMS):
            coefficients[k] = v * length / k
            v = -delta.T @ (delta @ coefficients[k])
        functions, owner, becomes = [], [], []
        for i in (i for i in range(h) if i not in pinned):
            if mode[i] == 2:
                residual = coefficients @ delta.T
                residual[0] -= drive
                functions += [-residual[:, i], residual @ column[:, i]]  # f⁻ and −f⁺
                owner += [i, i]
                becomes += [0, 1]
            else:
                functions.append(coefficients[:, i] if mode[i] == 1 else -coefficients[:, i])
                owner.append(i)
                becomes.append(None)
        functions = np.array(functions, dtype=LD).reshape(-1, TERMS)
        values = powers @ functions.T
        best, hit = None, None
        for e in np.flatnonzero(suspicious(values)):
            root = first_sign_change(functions[e])
            if root is not None and (best is None or root < best):
                best, hit = root, e
        fraction = LD(1) if best is None else best
        c = (fraction ** np.arange(TERMS)) @ coefficients
        t += fraction * length
        if hit is None:
            continue
        i = owner[hit]
        c[i] = 0
        if becomes[hit] is not None:
            mode[i] = becomes[hit]
        else:
            residual = delta @ c - drive
            down, up = -residual[i], -(column[:, i] @ residual)
            mode[i] = 1 if down > 0 and up > 0 else 0 if down < 0 and up < 0 else 2
        log.append((t, i, int(mode[i])))
    return log, c


def suspicious(values):
    """Columns that are negative somewhere, or dip between samples so far that they might be."""
    dips = np.zeros(values.shape[1], dtype=bool)
    a, b, c = values[:-2], values[1:-1], values[2:]
    dips |= ((b <= a) & (b <= c) & (b < 2 * (np.abs(a - b) + np.abs(c - b)))).any(axis=0)
    return dips | (values <= 0).any(axis=0) | (values[0] < np.abs(values[1] - values[0]))


def first_sign_change(f):
    """First root of a polynomial on (0, 1] where it falls, by 512 samples and bisection; None without one."""
    grid = np.arange(1, 513, dtype=LD) / 512
    values = evaluate(f, grid)
    below = np.flatnonzero(values < 0)
    if not below.size:
        return None
    k = below[0]
    low, high = (grid[k - 1] if k else LD(0)), grid[k]
    if k == 0:  # a root just left behind may sit at 0 itself: is there any positive stretch before?
        low = grid[0] * LD(2) ** -40
        if evaluate(f, low) < 0:
            return low
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if evaluate(f, middle) > 0 else (low, middle)
    return high


def evaluate(f, x):
    total = x * 0
    for a in f[::-1]:
        total = total * x + a
    return total
