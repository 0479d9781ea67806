# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-5-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# # Lab 09, notebook 5: a wider hidden layer
#
# **You will be able to** compare networks of different width fairly: the number of switches over many random networks, and
# the convergence rate, measured and bounded.
#
# **Why it matters.** $[2, 4, 1]$ is a toy. What changes when the layer grows tells you which of your observations were about
# toys.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sheaflab import Exact, Network, Sheaf
from sheaflab.checks.lab09 import check
from sheaflab.plots import plot_bands

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-5-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Worked example: the same experiment, twice as wide
#
# Eight neurons are eight walls, and $2^8 = 256$ regions. The flow visits only a handful of them, one after the other.

# %%
fig, axes = plt.subplots(1, 2, figsize=(13, 4.2), layout="constrained")
for ax, width in zip(axes, [4, 8]):
    net = Network.random([2, width, 1], seed=19)
    start = 2 * np.random.default_rng(3).standard_normal(width + 1)
    traj = Exact().run(Sheaf(net, x=[1.0, -1.0]), start, t_end=20.0)
    plot_bands(ax, traj)
    visited = len({piece.region.modes for piece in traj.pieces})
    ax.set(xlim=(0, 4), title=f"[2, {width}, 1]: {traj.log.count} switches, visits {visited} of {2**width} regions")
fig.suptitle("Twice as wide, more switches; of the regions only a handful is visited (each panel has colours of its own)")
plt.show()

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-5-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 5.1: $\lambda^*$ without $2^h$ patterns
#
# For one hidden layer the Laplacian's eigenvalues are 1 and, with $s = \lVert W^2 \Sigma \rVert^2$ (the largest singular value,
# squared), the pair $\tfrac12\big(2 + s \pm \sqrt{s^2 + 4s}\big)$ (with several outputs one pair for each singular value). The smallest
# is therefore
#
# $$ \lambda_{\min}(L(\sigma)) = \tfrac12\left(2 + s - \sqrt{s^2 + 4s}\right), $$
#
# a *decreasing* function of $s$. Switching neurons off removes columns from $W^2$. So which pattern is the worst, and what is
# $\lambda^*$ without trying any other?

# %% nbgrader={"grade": false, "grade_id": "ex-5-1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def closed_form_rate(net: Network) -> float:
    """Return λ* of a network with one hidden layer of any width, without enumerating patterns.

    Parameters
    ----------
    net : Network
        One hidden layer, any number of outputs.

    Returns
    -------
    float
    """
    ### BEGIN SOLUTION
    s = np.linalg.norm(net.weights[1], 2) ** 2  # all neurons active: removing columns cannot raise the norm
    return float((2 + s - np.sqrt(s**2 + 4 * s)) / 2)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-5-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("5.1", closed_form_rate)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-5-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 5.2: how the number of switches grows
#
# Average over networks, not only over starts. For each of `nets` runs, in this order: draw `Network.random([2, width, 1], rng)`,
# then the start `2.0 * rng.standard_normal(width + 1)`; follow the flow of `Sheaf(net, [1.0, -1.0])` with `Exact()` to
# `t_end=20.0`; take `log.count`. Return the mean.

# %% nbgrader={"grade": false, "grade_id": "ex-5-2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_switches(width: int, rng: np.random.Generator, nets: int = 20) -> float:
    """Return the mean number of switches over random networks of one width.

    Parameters
    ----------
    width : int
        Hidden neurons.
    rng : numpy.random.Generator
        The only source of random numbers.
    nets : int
        How many networks, with one start each.

    Returns
    -------
    float
    """
    ### BEGIN SOLUTION
    total = 0
    for _ in range(nets):
        net = Network.random([2, width, 1], rng)
        c0 = 2.0 * rng.standard_normal(width + 1)
        total += Exact().run(Sheaf(net, [1.0, -1.0]), c0, t_end=20.0).log.count
    return total / nets
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-5-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("5.2", mean_switches)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-5-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 5.3: the convergence rate, measured
#
# Late in a run the energy behaves like $e^{-2\lambda t}$. Estimate $\lambda$ from the samples with `times >= t_from`.
# (The factor 2 belongs to the energy: it is quadratic in the distance.) Where the samples are exactly exponential, λ is right to
# $10^{-9}$, however large or small the energies are.

# %% nbgrader={"grade": false, "grade_id": "ex-5-3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def late_rate(times: np.ndarray, energies: np.ndarray, t_from: float) -> float:
    """Estimate the convergence rate λ from the late part of an energy curve.

    Parameters
    ----------
    times : ndarray, shape (k,)
        Increasing.
    energies : ndarray, shape (k,)
        V at these times, positive.
    t_from : float
        Only samples from here on count; at least three.

    Returns
    -------
    float
        λ, so that V is close to a multiple of exp(−2 λ t).
    """
    ### BEGIN SOLUTION
    late = times >= t_from
    return float(-0.5 * np.polyfit(times[late], np.log(energies[late]), 1)[0])
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-5-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("5.3", late_rate)

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-5-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## The comparison
#
# Forty networks of each width for the counts, twenty for the rates. In the right figure each network is one mark: its own
# $\lambda^*$ to the right, the rate at which its run settled upwards.
#
# **Predict before you run the cell.** The width doubles: does the number of switches double? Does the rate? On which side of the
# diagonal will the marks lie?

# %%
widths = [2, 4, 8, 16, 32]
counts = [mean_switches(w, np.random.default_rng(1), nets=40) for w in widths]
rates, bounds = [], []
for w in widths:
    rng = np.random.default_rng(2)
    for _ in range(20):
        net = Network.random([2, w, 1], rng)
        traj = Exact().run(Sheaf(net, [1.0, -1.0]), 2 * rng.standard_normal(w + 1), t_end=12.0)
        times = np.linspace(8.0, 12.0, 50)
        rates.append((w, late_rate(times, traj.energy(times), 8.0)))
        bounds.append((w, closed_form_rate(net)))

fig, (a, b) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
a.plot(widths, counts, "o-", color="#0072B2", label="mean of 40 networks")
a.plot(widths, np.array(widths) / 2, "--", color="0.4", label="one switch for two neurons")
a.set(xlabel="width", ylabel="mean number of switches", title=f"{widths[-1] // widths[0]} times as wide: {counts[-1] / counts[0]:.1f} times the switches")
a.legend()
for w, marker, color in zip(widths, "os^Dv", ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"]):
    own = [(bound, rate) for (v, rate), (_, bound) in zip(rates, bounds) if v == w]
    b.plot(*np.array(own).T, marker, color=color, ms=5, mec="black", mew=0.5, ls="", label=f"width {w}")
b.plot([0, 1], [0, 1], "k--", label="rate = λ*")
b.fill_between([0, 1], [0, 1], color="0.9", zorder=0)
b.text(0.6, 0.3, "Theorem 9.4:\nnone lies here", ha="center")
b.axhline(1, color="0.5", lw=0.8, ls=":", zorder=0)
b.text(0.02, 1.03, "on this line the rate is exactly 1: no neuron is active", fontsize="small")
kept = sum(rate >= bound - 1e-9 for (_, rate), (_, bound) in zip(rates, bounds))
b.set(xlabel="λ* of the network", ylabel=r"measured rate $\lambda$, from t = 8 to 12", title=f"{kept} of {len(rates)} networks settle at least as fast as their own λ* says")
b.set(xlim=(0, 1.02), ylim=(0, 1.12))
b.legend(fontsize="small", loc="lower right")
plt.show()
for w, count in zip(widths, counts):
    measured, bound = (np.median([rate for v, rate in pairs if v == w]) for pairs in (rates, bounds))
    print(f"width {w:2}: {count:5.2f} switches, {count / w:.2f} a neuron; median rate {measured:.2f}, λ* {bound:.2f}")

# %% [markdown] nbgrader={"grade": false, "grade_id": "reveal-5", "locked": true, "schema_version": 3, "solution": false, "task": false}
# <details><summary>Open when you have looked at the figure</summary>
#
# The number of switches doubles with the width, the rate does not: from width 8 on the marks gather around one place, more and
# more closely the wider the layer. All lie on or above the diagonal: a run may settle faster than its $\lambda^*$, never slower.
# Where the rate is exactly 1, no neuron is active late in the run: then $s = 0$, and all eigenvalues are 1.
#
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-5-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## In your own words
#
# How do the number of switches and the convergence rate change from $[2, 4, 1]$ to $[2, 8, 1]$? Use your own numbers. Why does
# one grow with the width and the other hardly change? (Weights are drawn as $N(0, 1/\text{fan-in})$: what does that do to
# $\lVert W^2 \rVert$?) Does any measured rate fall below its $\lambda^*$? Should it?

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-5-W", "locked": false, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# **Model answer.** The mean number of switches about doubles from width 4 to width 8 (2.2 to 3.8 in my runs), and the
# counts per neuron stay near one half: each neuron has its own wall, a random start puts it on the wrong side about every
# second time, and then it has to cross once; crossings back are rare. The rate changes little: $W^2$ has one row with entries
# of variance $1/h$, so $s = \lVert W^2 \rVert^2$ is 1 on average for every width, only less scattered when $h$ is large, and
# $\lambda^*$ stays near $(3 - \sqrt 5)/2 = 0.38$ (medians 0.39 and 0.35). The measured medians, 0.66 and 0.48, settle near 0.5
# as the layer grows: about half of the neurons are active at the forward pass, hence $s \approx \tfrac12$ and
# $\lambda \approx 0.5$; with four neurons it may be one or none, and then $\lambda$ is close to 1. No measured rate lies below its
# $\lambda^*$, and none may: $\lambda^*$ is the worst over all patterns, and switching neurons off only makes $s$ smaller.
#
# **Rubric.**
#
# * 1 point: own numbers for both widths, counts and rates.
# * 1 point: a reason for the counts (number of walls, wrong-side starts).
# * 1 point: a reason for the rate (fan-in scaling keeps the norm of $W^2$ near 1, or equivalent).
# * 1 point: λ* is a lower bound on the late rate, and why the measured rates lie above it.
# ### END SOLUTION

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-5-5", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Look back.** One norm has replaced $2^h$ eigenvalue problems, and averages over networks have replaced anecdotes. All runs
# here were followed by `Exact`, which has no step. Notebook 6 asks what is lost with one.
