"""An independent reference in 256 bits: the heat equation's modes by Taylor steps, each first zero isolated by halving.

Written apart from the library: nothing of it is imported, no candidates are taken from a run. python-flint's numbers
serve as very long floats. What differs by less than :math:`2^{-100}` counts as equal, so ties are switches of one
instant, and walls that are touched more closely than that are left :class:`Open`.
"""

from __future__ import annotations

import flint
import numpy as np

BITS, HALVINGS, STEPS = 256, 70, 1000
SAME = flint.arb(2) ** -100
ZERO = flint.arb(2) ** -140


class Open(Exception):
    """The reference cannot tell."""


class NotUnique(Exception):
    """From a wall that repels more than one flow starts."""


def arbs(values):
    return [flint.arb(float(v)) for v in np.ravel(values)]


def mids(matrix):
    return [matrix[i, 0].mid() for i in range(matrix.nrows())]


def largest(values):
    return max((abs(v).mid() for v in values), default=flint.arb(0))


class Flow:
    """The network's numbers, and the law of any modes: 0 inactive, 1 active, 2 sliding."""

    def __init__(self, weights, biases, x):
        sizes = [len(b) for b in biases]
        at = np.cumsum([0, *sizes])
        self.n, self.h = int(at[-1]), int(at[-2])
        self.drive = [
            sum((w * v for w, v in zip(arbs(row), arbs(x), strict=True)), flint.arb(float(b)))
            for row, b in zip(weights[0], biases[0], strict=True)
        ] + [v for b in biases[1:] for v in arbs(b)]
        self.w = [[flint.arb(0)] * self.n for _ in range(self.n)]
        for k, w in enumerate(weights[1:]):
            for i, row in enumerate(w):
                self.w[at[k + 1] + i][at[k] : at[k + 1]] = arbs(row)
        self.pull = flint.arb_mat([[self.w[k][i] for k in range(self.n)] for i in range(self.h)])
        top = 1 + max(np.linalg.norm(np.asarray(w, float), 2) for w in weights[1:])
        self.step = flint.arb(float(min(4.0 / top**2, 1.0)))
        self.rest = []
        for k in range(self.n):
            seen = (self.w[k][j] * self.rest[j] for j in range(k) if self.rest[j] > 0)
            self.rest.append(sum(seen, self.drive[k]).mid())

    def delta(self, modes):
        rows = [[-w if j < self.h and modes[j] == 1 else flint.arb(0) for j, w in enumerate(row)] for row in self.w]
        for j in range(self.n):
            rows[j][j] = flint.arb(0 if j < self.h and modes[j] == 2 else 1)
        return flint.arb_mat(rows)

    def residual(self, delta, c):
        return [a - b for a, b in zip(mids(delta * flint.arb_mat(self.n, 1, c)), self.drive, strict=True)]

    def settle(self, c, modes, open_):
        """Modes just after a moment at which the neurons of `open_` are at 0, by their speeds' first derivatives."""
        modes, open_ = list(modes), set(open_)
        signs, places = {i: [0, 0] for i in open_}, {i: [0, 0] for i in open_}
        for level in range(self.n + 2):
            if not open_:
                break
            gates = [0 if i in open_ else modes[i] for i in range(self.h)]
            delta = self.delta(gates)
            r = self.residual(delta, c) if level == 0 else mids(delta * flint.arb_mat(self.n, 1, c))
            g = mids(self.pull * flint.arb_mat(self.n, 1, r))
            size = largest(c) + largest(g) + largest(r) + (largest(self.drive) if level == 0 else 0)
            following = [-v for v in r]
            for i in range(self.h):
                speeds = -r[i], g[i] - r[i]
                if i not in open_:
                    following[i] = speeds[modes[i]] if modes[i] < 2 else flint.arb(0)
                    continue
                for k in (0, 1):
                    if not signs[i][k] and abs(speeds[k]) > ZERO * size:
                        signs[i][k], places[i][k] = (1 if speeds[k] > 0 else -1), level
                down, up = signs[i]
                if down < 0 < up:
                    raise NotUnique(f"coordinate {i} on a wall that repels")
                following[i] = flint.arb(0)
                if down and up:
                    modes[i] = 0 if down < 0 else 1 if up > 0 else 2
                    if modes[i] < 2:
                        if places[i][modes[i]] < level:
                            raise Open(f"coordinate {i}: its other side is decided later")
                        following[i] = speeds[modes[i]]
            open_ = {i for i in open_ if not all(signs[i])}
            c = following
        for i in open_:
            if signs[i][0]:
                raise Open(f"coordinate {i}: its speed if active is 0")
            if signs[i][1] > 0:
                raise NotUnique(f"coordinate {i} rests on a wall that repels")
            modes[i] = 0
        return modes, open_


def simulate(weights, biases, x, c0, t_end):
    """Return [(time, coordinate, mode after)] in `flint.arb` times, ties at equal times.

    Raises
    ------
    Open, NotUnique
    """
    with flint.ctx.workprec(BITS):
        return _simulate(Flow(weights, biases, x), arbs(c0), flint.arb(float(t_end)))


def _simulate(flow, c, t_end):
    h, t, log = flow.h, flint.arb(0), []
    if t_end > STEPS * flow.step:
        raise Open(f"more than {STEPS} steps")
    modes = [int(c[i] > 0) for i in range(h)]
    fresh = {i for i in range(h) if c[i] == 0}
    modes, resting = flow.settle(c, modes, fresh)
    forward = [int(z > 0) for z in flow.rest[:h]]
    while t < t_end:
        away = sum(((a - b) ** 2 for a, b in zip(c, flow.rest, strict=True)), flint.arb(0)).sqrt()
        if modes == forward and not fresh and away < min(abs(z) for z in flow.rest[:h]):
            break
        length = min(flow.step, t_end - t).mid()
        functions, columns = event_functions(flow, c, modes, resting, length)
        best, hits = flint.arb(1), []
        for i, after, f in functions:
            root = first_zero(f, i in fresh)
            if root is None or root > best + SAME:
                continue
            if root < best - SAME:
                best, hits = root, []
            hits.append((i, after))
        end = best.mid() if hits else flint.arb(1)
        c = [f(end).mid() for f in columns]
        t, fresh = (t + end * length).mid(), set()
        if not hits:
            continue
        if t > t_end - SAME:
            raise Open("a switch at the end")
        if any(after == "repelled" for _, after in hits):
            raise NotUnique(f"{hits} rests on a wall that begins to repel")
        fresh = {i for i, _ in hits}
        for i in fresh:
            c[i] = flint.arb(0)
        before = modes
        modes, resting = flow.settle(c, modes, fresh | resting)
        fresh |= {i for i in range(h) if c[i] == 0 and modes[i] != 2}
        log += [(t, i, modes[i]) for i in range(h) if modes[i] != before[i]]
    return log


def event_functions(flow, c, modes, resting, length):
    """Polynomials in the fraction of a step that are positive while the modes last, and those of the coordinates."""
    n, h, delta = flow.n, flow.h, flow.delta(modes)
    back = -delta.transpose()
    first = flow.residual(delta, c)
    term, columns = back * flint.arb_mat(n, 1, first) * length, [c]
    size = least = largest(mids(term))
    while size > least * flint.arb(2) ** -BITS and len(columns) < 400:
        columns.append(mids(term))
        term = flint.arb_mat(n, 1, mids(back * (delta * term) * (length / len(columns))))
        size = largest(mids(term))
    states = flint.arb_mat([[column[i] for column in columns] for i in range(n)])
    residuals = delta * states
    for i in range(n):
        residuals[i, 0] = first[i]
    pulls = flow.pull * residuals
    width = len(columns)

    def row(matrix, i):
        return flint.arb_poly([matrix[i, k].mid() for k in range(width)])

    functions = []
    for i in range(h):
        down, up = -row(residuals, i), row(pulls, i) - row(residuals, i)
        if modes[i] == 2:
            functions += [(i, "down", down), (i, "up", -up)]
        elif i in resting:
            if largest(up.coeffs()) > ZERO * (largest(c) + largest(first)):
                functions.append((i, "repelled", -up))
        else:
            functions.append((i, "z", row(states, i) * (1 if modes[i] == 1 else -1)))
    return functions, [row(states, i) for i in range(n)]


def first_zero(f, fresh):
    """Where a polynomial first falls through 0 on (0, 1]; of a `fresh` one zeros at 0 are taken away before."""
    a = f.coeffs()
    while fresh and len(a) > 1 and abs(a[0]) < ZERO * largest(a):
        a = a[1:]
    if not a or not a[0] > 0:
        raise Open("a function is not positive at the start of a step")
    f = flint.arb_poly(a)
    slope, todo = f.derivative(), [(flint.arb(0), flint.arb(1), 0)]
    while todo:
        left, right, depth = todo.pop()
        middle, half = (left + right) / 2, (right - left) / 2
        terms = [v.mid() for v in f(flint.arb_poly([middle, half])).coeffs()]
        others = [abs(v) for v in terms[1:]]
        if terms[0] > sum(others, flint.arb(0)):
            continue
        bends = sum((k * v for k, v in enumerate(others[1:], 2)), flint.arb(0))
        if others and others[0] > bends:
            low, high = f(left).mid(), f(right).mid()
            if low > 0 and high > 0:
                continue
            if low > 0:
                return bisected(f, slope, left, right)
            return left
        if depth == HALVINGS:
            raise Open("a wall is touched, or nearly")
        todo += [(middle.mid(), right, depth + 1), (left, middle.mid(), depth + 1)]
    return None


def bisected(f, slope, left, right):
    """The zero between a positive and a negative value of a monotone polynomial: Newton's method kept inside."""
    x = ((left + right) / 2).mid()
    for _ in range(400):
        value = f(x).mid()
        left, right = (x, right) if value > 0 else (left, x)
        if right - left < SAME * SAME:
            break
        new = (x - value / slope(x)).mid()
        if abs(new - x) < SAME * SAME:
            return new
        x = new if left < new < right else ((left + right) / 2).mid()
    return x
