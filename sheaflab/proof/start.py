r"""The modes in which a run starts, exactly: in rational arithmetic, for neurons that start on their walls.

A neuron at :math:`z_i = 0` goes where Filippov's rule sends it just after: the sign of a speed is that of the first
of its derivatives at 0 that does not vanish. While both of a neuron's signs are open, its coordinate stays 0 to that
order in either mode, so the derivatives of all others do not depend on it: they follow order by order.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from sheaflab.arrays import FloatArray
from sheaflab.proof.positivity import Doubt
from sheaflab.sheaf import Sheaf

_EXTRA = 3


def first_modes(sheaf: Sheaf, c0: FloatArray) -> tuple[tuple[str, ...], dict[tuple[int, str], int]]:
    """Return the modes just after the start, and for each event function that is 0 there its order.

    Returns
    -------
    tuple of str, dict
        The functions are named by neuron and "z", "down", "up" or, of a neuron that rests on its wall, "rest": its
        speed on the active side.

    Raises
    ------
    Doubt
        If the neuron may go either way: Filippov's solution is not unique.
    """
    h = sheaf.h
    modes = ["active" if z > 0 else "inactive" for z in c0[:h]]
    held = set(sheaf.held.tolist())
    open_ = {int(i) for i in np.flatnonzero(c0[:h] == 0)} - held
    orders: dict[tuple[int, str], int] = {}
    if not open_:
        return tuple(modes), orders
    names = {i: "neuron {1} of layer {0}".format(*sheaf.place(i)) for i in open_}
    flow = _Rational(sheaf)
    c, signs = [Fraction(v) for v in c0.tolist()], {i: [0, 0] for i in open_}
    places = {i: [0, 0] for i in open_}
    for level in range(len(sheaf.net.weights) + _EXTRA):
        r = flow.residual(c, modes, open_, level == 0)
        g = flow.pull(r)
        following = [-v for v in r]
        for i in range(h):
            if modes[i] == "active" and i not in open_:
                following[i] += g[i]
            if modes[i] == "sliding":
                following[i] = Fraction(0)
        for i in held:
            following[i] = Fraction(0)
        for i in sorted(open_):
            for k, speed in enumerate((-r[i], g[i] - r[i])):
                if not signs[i][k] and speed:
                    signs[i][k], places[i][k] = (1 if speed > 0 else -1), level
            down, up = signs[i]
            if down < 0 < up:
                raise Doubt(f"{names[i]} starts on a wall that repels it to both sides: the flow is not unique")
            following[i] = Fraction(0)
            if down and up:
                open_.remove(i)
                if down < 0:
                    modes[i], following[i], orders[i, "z"] = "inactive", -r[i], places[i][0] + 1
                elif up > 0:
                    modes[i], following[i], orders[i, "z"] = "active", g[i] - r[i], places[i][1] + 1
                else:
                    modes[i] = "sliding"
                    orders[i, "down"], orders[i, "up"] = places[i]
                # The modes of a level count from the next derivative on: what has been 0 so far is 0 in each of them.
                if modes[i] != "sliding" and places[i][0 if modes[i] == "inactive" else 1] < level:
                    raise Doubt(f"{names[i]} starts on its wall with a speed whose other side is decided later")
        c = following
    active = np.array([mode == "active" for mode in modes])
    for i in sorted(open_):
        if flow.driven(i, active) or signs[i][1] > 0 or signs[i][0]:
            raise Doubt(f"{names[i]} starts on its wall and {level + 1} derivatives do not say where it goes")
        orders[i, "rest"] = places[i][1]
    return tuple(modes), {key: order for key, order in orders.items() if order}


class _Rational:
    """The coboundary in fractions."""

    def __init__(self, sheaf: Sheaf) -> None:
        net = sheaf.net
        x = [Fraction(v) for v in sheaf.x.tolist()]
        first = [
            sum((Fraction(w) * v for w, v in zip(row, x, strict=True)), Fraction(b))
            for row, b in zip(net.weights[0].tolist(), net.biases[0].tolist(), strict=True)
        ]
        self.drive = first + [Fraction(v) for bias in net.biases[1:] for v in bias.tolist()]
        ends = np.cumsum([0, *net.widths[1:]]).tolist()
        for (layer, neuron), value in sheaf.pinned.items():
            if layer < len(net.weights):
                for k, w in enumerate(net.weights[layer][:, neuron].tolist()):
                    self.drive[ends[layer] + k] += Fraction(w) * max(Fraction(value), Fraction(0))
        self.layers = [
            ([[(k, Fraction(v)) for k, v in enumerate(row) if v] for row in w.tolist()], before.start, after.start)
            for w, before, after in sheaf.layers
        ]
        self.h = sheaf.h

    def residual(self, c: list[Fraction], modes: list[str], open_: set[int], driven: bool) -> list[Fraction]:
        r = [v - b for v, b in zip(c, self.drive, strict=True)] if driven else list(c)
        for rows, before, after in self.layers:
            for k, row in enumerate(rows):
                r[after + k] -= sum(
                    (w * c[before + j] for j, w in row if modes[before + j] == "active" and before + j not in open_),
                    Fraction(0),
                )
        return r

    def pull(self, r: list[Fraction]) -> list[Fraction]:
        g = [Fraction(0)] * self.h
        for rows, before, after in self.layers:
            for k, row in enumerate(rows):
                if r[after + k]:
                    for j, w in row:
                        g[before + j] += w * r[after + k]
        return g

    def driven(self, i: int, active: np.ndarray) -> bool:
        """Whether the neuron has a drive or an active neuron before it."""
        if self.drive[i]:
            return True
        return any(
            active[before + j] for rows, before, after in self.layers if after <= i < after + len(rows)
            for j, _ in rows[i - after]
        )  # fmt: skip
