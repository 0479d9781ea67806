"""``plain.c`` beside this file, compiled with ``cc -O2`` and called through ctypes: the flow followed exactly in plain C.

It writes the engine's log and final states, one trajectory after the other. :func:`different` says where the two are
not the same; nobody should time what does not find the same switches.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("plain.c")
LOG = np.dtype(
    [(name, np.float64) for name in ("time", "energy", "slope_before", "slope_after")]
    + [(name, np.int32) for name in ("trajectory", "neuron", "before", "after")]
)


def build(folder):
    """Compile the program into `folder` and load it."""
    target = Path(folder) / "plain.so"
    subprocess.run(["cc", "-O2", "-std=c11", "-shared", "-fPIC", "-o", target, SOURCE, "-lm"], check=True)
    library = ctypes.CDLL(str(target))
    for name in ("follow_shallow", "follow_deep"):
        getattr(library, name).restype = ctypes.c_long
    return library


def _address(array):
    return ctypes.c_void_p(array.ctypes.data)


class Plain:
    """The program with one sheaf's numbers in place.

    Parameters
    ----------
    library : ctypes.CDLL
        From :func:`build`.
    sheaf : Sheaf
    """

    def __init__(self, library, sheaf):
        net, x = sheaf.net, sheaf.x
        self.n = sheaf.n
        self.drive = np.array(sheaf.boundary_term)
        if len(net.weights) == 2 and net.widths[-1] == 1:
            eps = np.finfo(float).eps
            self.a, self.w = self.drive[:-1].copy(), net.weights[1][0].copy()
            self.floor = 2 * eps * (np.abs(net.weights[0]) @ np.abs(x) + np.abs(net.biases[0]))
            self.given = ctypes.c_int(sheaf.h), _address(self.a), _address(self.w)
            self.given += ctypes.c_double(self.drive[-1]), _address(self.floor)
            self.follow = library.follow_shallow
        else:
            self.widths = np.array(net.widths[1:], dtype=np.int32)
            self.columns = np.concatenate([w.T.ravel() for w in net.weights[1:]])
            self.given = ctypes.c_int(self.widths.size), _address(self.widths), _address(self.columns), _address(self.drive)
            self.follow = library.follow_deep

    def run(self, starts, t_end, room):
        """Follow each row of `starts`; return the log, at most `room` events, and the final states."""
        starts = np.ascontiguousarray(starts, dtype=np.float64)
        log, finals = np.empty(room, dtype=LOG), np.empty(starts.shape)
        where = ctypes.c_long(len(starts)), _address(starts), ctypes.c_double(t_end)
        count = self.follow(*self.given, *where, ctypes.c_long(room), _address(log), _address(finals))
        if count < 0:
            raise ValueError(f"`room` must be enough for all events, got {room}")
        return log[:count], finals


def different(found, log, finals):
    """Return the trajectories of an ensemble of which the program's log or final state is another one.

    The same neurons switch to the same modes in the same order; times, energies and slopes agree to a billionth.
    """
    wrong = np.abs(finals - found.finals).max(axis=1) > 1e-10
    edges = np.arange(len(found) + 1)
    mine, theirs = (np.searchsorted(each["trajectory"], edges) for each in (found.columns, log))
    for k in range(len(found)):
        a, b = slice(mine[k], mine[k + 1]), slice(theirs[k], theirs[k + 1])
        wrong[k] |= not all(
            np.array_equal(column[a], log[name][b])
            if column.dtype.kind == "i"
            else column[a].size == log[name][b].size and np.allclose(column[a], log[name][b], rtol=1e-9, atol=1e-12)
            for name, column in found.columns.items()
        )
    return np.flatnonzero(wrong)
