r"""The flow in one mode in ball arithmetic: every number is an enclosure, by python-flint's `arb`.

A step is a Taylor polynomial in the fraction `x` of its length `h`. What it leaves out is at most the norm of the next
coefficient, for :math:`\|c^{(k)}\|`, :math:`k \ge 1`, does not grow. A polynomial is shown to be positive on an
interval by expanding it around the middle, which is exact up to the precision, and comparing the value there with the
sum of what the other terms can take away; intervals are halved until that is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sheaflab.sheaf import Sheaf

_REACH = 4.0  # a step's length in units of the shortest time scale
_DEEPEST = 120

Ball = Any  # flint.arb
Poly = Any  # flint.arb_poly


class Unproved(Exception):
    """Balls overlap; with more bits they may not."""


class Wrong(Exception):
    """The log is not that of the flow."""


def load() -> Any:
    """Return the module `flint`.

    Raises
    ------
    ImportError
        If python-flint is not installed.
    """
    try:
        import flint
    except ImportError as error:
        raise ImportError(
            "`rigorous` needs python-flint, which is not installed: pip install 'sheaflab[proof]'"
        ) from error
    return flint


def norm(values: Iterable[Ball], zero: Ball) -> Ball:
    """An upper bound of the Euclidean norm."""
    return sum((v * v for v in values), zero).sqrt().upper()


class Law:
    r"""A network's numbers as balls.

    Attributes
    ----------
    gain, fastest : arb
        Bounds of :math:`\|\delta_\Omega\|` in every mode and of the largest rate, its square.
    drive : list of arb
        :math:`\tilde b`, pinned coordinates included.
    """

    def __init__(self, sheaf: Sheaf, flint: Any) -> None:
        arb, self.flint = flint.arb, flint
        self.sheaf, self.n, self.h, self.zero = sheaf, sheaf.n, sheaf.h, arb(0)
        net = sheaf.net
        x = [arb(v) for v in sheaf.x.tolist()]
        first = zip(net.weights[0].tolist(), net.biases[0].tolist(), strict=True)
        self.drive = [sum((arb(w) * v for w, v in zip(row, x, strict=True)), arb(b)) for row, b in first]
        self.drive += [arb(v) for bias in net.biases[1:] for v in bias.tolist()]
        self.held = set(sheaf.held.tolist())
        for i, (layer, neuron) in zip(sheaf.held.tolist(), sheaf.pinned, strict=True):
            value = arb(sheaf.pinned[layer, neuron])
            self.drive[i] -= value  # its column is left out
            if layer < len(net.weights) and value > 0:
                first_after = i - neuron + net.widths[layer]
                for k, w in enumerate(net.weights[layer][:, neuron].tolist()):
                    self.drive[first_after + k] += arb(w) * value
        self.weights = [[arb(0)] * self.n for _ in range(self.n)]  # of each coordinate on those that it drives, by rows
        sizes = []
        for w, before, after in sheaf.layers:
            for k, row in enumerate(w.tolist()):
                for j, v in enumerate(row):
                    self.weights[after.start + k][before.start + j] = arb(v)
            sizes.append(norm((arb(v) for row in w.tolist() for v in row), self.zero))
        largest = sizes[0]
        for size in sizes:
            largest = largest.max(size)
        self.gain = (1 + largest).upper()
        self.fastest = (self.gain * self.gain).upper()
        self.pull = flint.arb_mat([[self.weights[k][i] for k in range(self.n)] for i in range(self.h)])


class Mode:
    """A mode vector's matrices: the coboundary without sliding columns, and minus its Laplacian."""

    def __init__(self, law: Law, modes: tuple[str, ...]) -> None:
        self.law, self.modes = law, modes
        active = [mode == "active" for mode in modes] + [False] * (law.n - law.h)
        moves = [mode != "sliding" for mode in modes] + [True] * (law.n - law.h)
        for i in law.held:
            moves[i] = False
        delta = [[-w if active[j] else law.zero for j, w in enumerate(row)] for row in law.weights]
        for j in range(law.n):
            delta[j][j] = law.zero + 1 if moves[j] else law.zero
        self.delta = law.flint.arb_mat(delta)
        self.transposed = -self.delta.transpose()
        self.minus = self.transposed * self.delta

    def residual(self, c: list[Ball]) -> list[Ball]:
        """The residual of a state."""
        r = self.delta * self.law.flint.arb_mat(self.law.n, 1, c)
        return [r[i, 0] - self.law.drive[i] for i in range(self.law.n)]

    def speeds(self, r: list[Ball]) -> tuple[list[Ball], list[Ball]]:
        """Each hidden neuron's speed if inactive and if active, from the residual."""
        g = self.law.pull * self.law.flint.arb_mat(self.law.n, 1, r)
        return [-r[i] for i in range(self.law.h)], [g[i, 0] - r[i] for i in range(self.law.h)]


class Function(NamedTuple):
    """An event function on a step: whose, of what kind, and the norm of its row.

    Attributes
    ----------
    neuron : int
    kind : {"z", "down", "up"}
        A coordinate, or one of the two speeds of a sliding neuron.
    polynomial : arb_poly
    row : arb
    """

    neuron: int
    kind: str
    polynomial: Poly
    row: Ball


class Series:
    """Polynomials of a step of length `h` from a state given by exact numbers.

    Attributes
    ----------
    h : arb
    coordinates : list of arb_poly
    functions : list of Function
    left_out : arb
        Bound of the norm of what the polynomials of the coordinates leave out, and of `degree + 1` of its derivatives
        by their factors.
    speed : arb
        Bound of the norm of the velocity, now and later.
    """

    def __init__(self, mode: Mode, c: list[Ball], h: Ball, bits: int) -> None:
        law, flint = mode.law, mode.law.flint
        self.h, n = h, law.n
        r0 = flint.arb_mat(n, 1, mode.residual(c))
        v = mode.transposed * r0
        self.speed = norm((v[i, 0] for i in range(n)), law.zero)
        term, columns = v * h, [flint.arb_mat(n, 1, c)]
        least = (self.speed * h).upper() * law.zero.__class__(2) ** (-bits)
        while True:
            columns.append(term)
            term = mode.minus * term * (h / len(columns))
            size = norm((term[i, 0] for i in range(n)), law.zero)
            if size <= least or not size > 0:
                break
            if len(columns) > 8 * bits or not size.is_finite():
                raise Unproved("a series does not converge")
        self.degree, self.left_out = len(columns) - 1, size
        c_all = flint.arb_mat([[column[i, 0] for column in columns] for i in range(n)])
        r_all = mode.delta * c_all
        for i in range(n):
            r_all[i, 0] = r0[i, 0]
        self.coordinates, residuals = (self._rows(m, n, flint) for m in (c_all, r_all))
        pulls = self._rows(law.pull * r_all, law.h, flint)
        self.functions: list[Function] = []
        for i, name in enumerate(mode.modes):
            if i in law.held:
                continue
            if name == "sliding":
                self.functions.append(Function(i, "down", -residuals[i], law.gain))
                self.functions.append(Function(i, "up", residuals[i] - pulls[i], law.fastest))
            else:
                side = 1 if name == "active" else -1
                self.functions.append(Function(i, "z", side * self.coordinates[i], law.zero + 1))

    @staticmethod
    def _rows(matrix: Any, number: int, flint: Any) -> list[Poly]:
        width = matrix.ncols()
        return [flint.arb_poly([matrix[i, k] for k in range(width)]) for i in range(number)]

    def rest(self, order: int) -> Ball:
        """Bound of the norm of the derivative of that order, by the fraction, of what is left out."""
        bound = self.left_out
        for k in range(order):
            bound = bound * (self.degree + 1 - k)
        return bound.upper()


def step_length(law: Law) -> Ball:
    """A good length for steps, exactly."""
    return (_REACH / law.fastest).mid()


def derivative(f: Poly, order: int) -> Poly:
    """The derivative of that order."""
    for _ in range(order):
        f = f.derivative()
    return f


def below(f: Poly, low: Ball, high: Ball, flint: Any) -> Ball:
    """A number below all values of a polynomial on an interval with exact ends."""
    middle, half = ((low + high) / 2), ((high - low) / 2)
    terms = f(flint.arb_poly([middle, half])).coeffs()
    if not terms:
        return flint.arb(0)
    return (terms[0] - sum((abs(a) for a in terms[1:]), flint.arb(0))).lower()


def prove_positive(f: Poly, limit: Ball, low: Ball, high: Ball, flint: Any) -> None:
    """Prove that a polynomial is above `limit` on an interval with exact ends.

    Raises
    ------
    Wrong
        With a place at which it is below minus `limit` as its argument.
    Unproved
    """
    todo = [(low, high, 0)] if low < high else []
    while todo:
        left, right, depth = todo.pop()
        if below(f, left, right, flint) > limit:
            continue
        for end in (left, right):
            value = f(end)
            if value < -limit:
                raise Wrong(end)
            if not value > limit:
                raise Unproved(end)
        if depth == _DEEPEST:
            raise Unproved(left)
        middle = ((left + right) / 2).mid()
        todo += [(middle, right, depth + 1), (left, middle, depth + 1)]
