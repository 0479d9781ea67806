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

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-2-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# # Lab 09, notebook 2: the heat equation and Theorem 9.4
#
# **You will be able to** integrate the sheaf heat equation of a ReLU network with a scheme of your own, and to confront
# its energy with the exponential envelope that Theorem 9.4 promises.
#
# **Why it matters.** The equation is linear inside each activation region, and changes whenever a neuron crosses zero.
# Linear theory gives a rate for each region; the theorem joins the regions. To see where they are joined (at the kinks of
# the energy) is the point of the lab.

# %%
import itertools

import matplotlib.pyplot as plt
import numpy as np
from sheaflab import ActivationRegion, Integrator, Network, Sheaf
from sheaflab.checks.lab09 import check
from sheaflab.explorable import Explorable
from sheaflab.plots import plot_bands, plot_projection, plot_slope

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-2-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Worked example: inside one region
#
# Freeze the pattern $\sigma$. The heat equation (Def. 9.1) is then $\dot c = -L c + \delta_\Omega^\top \tilde b$ with the
# symmetric positive definite Laplacian $L = \delta_\Omega^\top \delta_\Omega$, and its solution is the equilibrium plus a
# sum of decaying exponentials. The slowest of them decays like $e^{-\lambda_{\min} t}$; energy is quadratic, hence
#
# $$ \dot V \le -2\,\lambda_{\min}(L)\, V. $$
#
# On a semi-log axis the energy therefore stays below a *straight line*.

# %%
net = Network.random([2, 4, 1], seed=464)
sheaf = Sheaf(net, x=[1.0, -1.0])
region = ActivationRegion(sheaf, [1, 0, 1, 1])
rng = np.random.default_rng(3)
times = np.linspace(0, 12, 200)

fig, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for _ in range(12):
    states = region.flow(2 * rng.standard_normal(sheaf.n), times)
    v = [0.5 * np.sum(region.residual(c) ** 2) for c in states]
    ax.semilogy(times, np.array(v) / v[0], color="#0072B2", lw=1, alpha=0.6)
bound = rf"$e^{{-2\lambda_{{\min}} t}}$, $\lambda_{{\min}} = {region.rate:.3f}$"
ax.semilogy(times, np.exp(-2 * region.rate * times), "k--", label=bound)
ax.set(xlabel="time $t$", ylabel="$V(t)\\,/\\,V(0)$", title="One frozen region: twelve starts, one bound")
ax.legend()
plt.show()

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-2-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 2.1: the right-hand side
#
# Now let $\sigma$ follow the state: $\dot c = -\delta_\Omega(\sigma(c))^\top \big(\delta_\Omega(\sigma(c))\, c - \tilde b\big)$.
#
# `sheaf.restricted(pattern)` is your $\delta_\Omega(\sigma)$ of notebook 1 (any depth), `sheaf.boundary_term` is
# $\tilde b$, `sheaf.h` the number of hidden neurons, which come first in `c`. Put them together; do not call the library's
# own `velocity`, `velocity_of` or `wall_speeds`, make no `ActivationRegion`, and let no integrator (`Euler`,
# `EventEuler`, `Exact`, or a subclass of `Integrator`) take a step for you.

# %% nbgrader={"grade": false, "grade_id": "ex-2-1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def velocity(sheaf: Sheaf, c: np.ndarray) -> np.ndarray:
    """Return the right-hand side of the sheaf heat equation.

    Parameters
    ----------
    sheaf : Sheaf
    c : ndarray, shape (n,)
        Free cochain; its first `sheaf.h` entries are the hidden neurons.

    Returns
    -------
    ndarray, shape (n,)
    """
    ### BEGIN SOLUTION
    delta = sheaf.restricted(c[: sheaf.h] > 0)  # the pattern of *this* state
    return -delta.T @ (delta @ c - sheaf.boundary_term)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-2-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("2.1", velocity)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-2-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 2.2: explicit Euler
#
# `Integrator` is a driver: its `run` loops over steps, finds out in which region the state is, and logs sign changes. What
# it does not know is how to take a step. Tell it: subclass `Integrator` and write `advance`. (The region you are handed has
# a method `velocity(c)`: the affine law of that region, the one you have just written with the pattern frozen.)
#
# The library has a finished `Euler`. Do not use it here, and do not inherit from it; the same holds for `EventEuler`, `Exact`
# and a region's `flow` and `euler`. One object can make several runs, on one sheaf or on several: each begins at its own `c0`.

# %% nbgrader={"grade": false, "grade_id": "ex-2-2", "locked": false, "schema_version": 3, "solution": true, "task": false}
class LabEuler(Integrator):
    """Explicit Euler with a fixed step inside each activation region."""

    def advance(self, region: ActivationRegion, c: np.ndarray, h: float) -> np.ndarray:
        """Return the state one step later.

        Parameters
        ----------
        region : ActivationRegion
            The region that `c` is in.
        c : ndarray, shape (n,)
            The state now. Leave it as it is: the driver keeps it.
        h : float
            Length of this step; the last one of a run may be shorter than the others.

        Returns
        -------
        ndarray, shape (n,)
        """
        ### BEGIN SOLUTION
        return c + h * region.velocity(c)
        ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-2-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("2.2", LabEuler)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-2-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 2.3: the slowest rate
#
# Each region has its own $\lambda_{\min}(L(\sigma))$. A bound that holds for a whole trajectory, whichever regions it
# visits, must use the worst of them:
#
# $$ \lambda^* = \min_{\sigma}\ \lambda_{\min}(L(\sigma)), \qquad V(t) \le V(0)\, e^{-2 \lambda^* t} \quad\text{(Theorem 9.4)}. $$
#
# There are $2^h$ patterns. For the networks here you can afford to try them all. The result is right to $10^{-9}$.

# %% nbgrader={"grade": false, "grade_id": "ex-2-3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def slowest_rate(sheaf: Sheaf) -> float:
    """Return λ*, the smallest eigenvalue of the Laplacian over all activation patterns.

    Parameters
    ----------
    sheaf : Sheaf
        With few enough hidden neurons for 2**h patterns.

    Returns
    -------
    float
    """
    ### BEGIN SOLUTION
    patterns = itertools.product([False, True], repeat=sheaf.h)
    return min(float(np.linalg.eigvalsh(sheaf.laplacian(np.array(p)))[0]) for p in patterns)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-2-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("2.3", slowest_rate)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-2-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 2.4: plot (b), energy under its envelope
#
# Draw into the `Axes` you are given: the energy over time as a line, Theorem 9.4's envelope $V(0)\,e^{-2\lambda^* t}$ as
# a second line, energy on a logarithmic axis. Name both axes, and name both lines in a legend. (The checks read the
# *data* of your figure; colours and styles are yours.)
#
# The energy is drawn at all given times, straight from each to the next; a run may have a thousand of them and more, and the axes
# show them all. The envelope runs from the first of them to the last; its points are yours: the same times, a finer grid, or its two
# ends, for on this axis it is straight. It starts at `energies[0]`, which need not be the largest of the energies. Nothing covers the
# lines. Draw no other curve, in whatever form, be it the edge of an area; level and upright helper lines are welcome. At each tick stands
# its own number, which can be read, and the axes run to the right and upward. Call the x axis *time* or $t$ (or both),
# the y axis *energy*, *Dirichlet energy* or $V$; a unit or *log scale* may follow in brackets. In the legend call the energy *energy*,
# $V$ or *run*, or *energy of the run*; the envelope *envelope*, *bound* or *Theorem 9.4*, with $\lambda^*$, its value or the formula
# if you like. A machine reads these names: all else that you have to say belongs in the title.

# %% nbgrader={"grade": false, "grade_id": "ex-2-4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def plot_energy_decay(ax: plt.Axes, times: np.ndarray, energies: np.ndarray, rate: float) -> None:
    """Draw energy and envelope on a semi-log axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    times : ndarray, shape (k,)
        Increasing, starting at 0.
    energies : ndarray, shape (k,)
        V at these times.
    rate : float
        λ* of Theorem 9.4, more than 0 and at most 1.
    """
    ### BEGIN SOLUTION
    ax.semilogy(times, energies, label="$V(t)$")
    ax.semilogy(times, energies[0] * np.exp(-2 * rate * times), "k--", label=r"$V(0)\,\exp(-2$λ*$\,t)$")
    ax.set(xlabel="time $t$", ylabel="Dirichlet energy $V$")
    ax.legend()
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-2-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("2.4", plot_energy_decay)

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-2-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## The experiment of the lab
#
# Your scheme, your rate, your figure: the trajectory in the plane of the two neurons that switch most, and over one time axis
# your plot (b), the slope of $\log V$, and plot (c).
#
# **Predict before you run the cell.** Where $V$ has a kink, what does its slope do? How many kinks will you find with the eye in (b), how
# many in the panel below it, and how many changes of colour in (c)?

# %%
start = 2 * np.random.default_rng(13).standard_normal(sheaf.n)
traj = LabEuler(dt=0.01).run(sheaf, start, t_end=20.0)

fig = plt.figure(figsize=(13, 7), layout="constrained")
left, right = fig.subfigures(1, 2)
plot_projection(left.add_subplot(), traj)
b, slope, c = right.subplots(3, 1, sharex=True)
plot_energy_decay(b, traj.times, traj.energy(), slowest_rate(sheaf))
plot_slope(slope, traj, slowest_rate(sheaf), t_max=8.0)
plot_bands(c, traj, t_max=8.0)
for t in traj.log.times:
    b.axvline(t, color="0.4", lw=0.6)
    slope.axvline(t, color="0.4", lw=0.6, zorder=0)
top = b.secondary_xaxis("top")
top.set_xticks(traj.log.times, range(1, len(traj.log) + 1))
top.set_xlabel("switch")
b.set(ylim=(1e-5, 1e3), xlabel="", title="V and its envelope")  # the switches are early
slope.set(xlabel="")
fig.suptitle(f"One run with your scheme: {len(traj.log)} switches, at each of which the law changes")
plt.show()
print(traj)

# %% [markdown] nbgrader={"grade": false, "grade_id": "reveal-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# <details><summary>Open when you have looked at the figure</summary>
#
# The slope jumps where $V$ has a kink, and there is a jump at each of the four changes of colour. The two large ones, near
# $t = 1.8$ and $t = 3.8$, the eye finds in (b) as well; the two small ones are hard to see there. A kink is easier to see where it is a jump. And
# the slope stays below $-2\lambda^*$ all the time: that is Theorem 9.4 at each instant.
#
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "drag-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Drag the start.** The same network and the same start, in a figure that follows: run the cell and drag the large disc, or move it
# with the arrow keys. (It is computed exactly, and not by your scheme; where a notebook is only read, a picture stands there.)
#
# The run has four kinks. Find a start that has two. Does the energy keep below its dashed bound for all the starts that you try?

# %%
Explorable(sheaf, start)

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-2-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Look back.** The envelope holds although the slope of $\log V$ jumps where a neuron crosses zero: $\lambda^*$ is the worst over
# *all* patterns, so no region can do worse. How often does the law switch? That is notebook 3. And does each switch make
# the decay faster? Notebook 4.
