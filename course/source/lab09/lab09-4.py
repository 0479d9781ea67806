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

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-4-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# # Lab 09, notebook 4: kink sharpness
#
# **You will be able to** measure a one-sided slope without fooling yourself, predict it in closed form, and answer a
# question that begins with "does it always …?".
#
# **Why it matters.** On a semi-log plot the energy bends where a neuron crosses zero. It is tempting to read every bend as "the flow has
# found a faster region". Theorem 9.4 does not say that, and the flow does not do it.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sheaflab import Exact, Network, Sheaf
from sheaflab.checks.lab09 import check

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-4-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Worked example: a kink under the magnifying glass
#
# `Exact()` follows the flow without any time step: inside a region it uses the closed form, and each switch is located to
# rounding. Its energy can be evaluated at any time, so you can zoom in as far as you like. A smooth curve looks straight
# when you zoom in. This one keeps its corner.

# %%
net = Network.random([2, 4, 1], seed=464)
sheaf = Sheaf(net, x=[1.0, -1.0])
traj = Exact().run(sheaf, 2 * np.random.default_rng(13).standard_normal(sheaf.n), t_end=20.0)
kink = traj.log[-1]

fig, axes = plt.subplots(1, 3, figsize=(13, 3.4), layout="constrained")
for ax, width in zip(axes, [3.0, 0.3, 0.03]):
    times = np.linspace(kink.time - width, kink.time + width, 201)
    ax.plot(times, np.log(traj.energy(times)), color="#0072B2", lw=2)
    if width > 0.03:
        ax.axvspan(kink.time - width / 10, kink.time + width / 10, color="0.85", label="what the next panel shows")
    ax.axvline(kink.time, color="#D55E00", lw=1, ls="--", label="last switch")
    for label, s in zip(["switches before", None, None], traj.log[:-1]):
        ax.axvline(s.time, color="0.6", lw=1, ls=":", label=label)
    window = (kink.time - width, kink.time + width)
    ax.set(xlim=window, xlabel="time $t$", ylabel=r"$\log V(t)$ (natural)", title=f"± {width} around the last switch")
axes[0].legend(loc="lower left")
fig.suptitle("Ten and a hundred times closer, the corner is still there: the slope jumps, it does not bend smoothly")
plt.show()
print(traj.log)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-4-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 4.1: the slope on either side
#
# Given samples of the energy, estimate $d(\log V)/dt$ just before and just after the time `t`. Use the samples in
# $[t - \text{width},\ t]$ for the first number and those in $[t,\ t + \text{width}]$ for the second, and no others: beyond the
# window there may be other kinks. (`t` itself is one of the times.) How you turn samples into a slope is up to you: a
# difference quotient, a fitted line, a mean; you need not use all samples of the window. Where $\log V$ is straight on each
# side, both slopes are right to $10^{-8}$; where it is curved, the slope anywhere in the window will do.

# %% nbgrader={"grade": false, "grade_id": "ex-4-1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def one_sided_slopes(times: np.ndarray, energies: np.ndarray, t: float, width: float) -> tuple[float, float]:
    """Estimate the slope of log V just before and just after a time.

    Parameters
    ----------
    times : ndarray, shape (k,)
        Increasing, not necessarily evenly spaced; `t` is one of them.
    energies : ndarray, shape (k,)
        V at these times, positive.
    t : float
        Where the kink is.
    width : float
        How far to look to either side; at least three samples lie there.

    Returns
    -------
    tuple of two floats
        Slope before, slope after.
    """
    ### BEGIN SOLUTION
    slopes = []
    for start, end in ((t - width, t), (t, t + width)):
        inside = (times >= start) & (times <= end)
        slopes.append(float(np.polyfit(times[inside] - t, np.log(energies[inside]), 1)[0]))
    return slopes[0], slopes[1]
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-4-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("4.1", one_sided_slopes)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-4-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 4.2: the slope without measuring
#
# Along the flow $\dot V = -\lVert \dot c \rVert^2$, so $\dfrac{d \log V}{dt} = -\dfrac{\lVert \dot c \rVert^2}{V}$. At a switch
# the state is the same from both sides and so is $V$; what jumps is $\dot c = -\delta_\Omega(\sigma)^\top r$, because one entry
# of $\sigma$ does. Return the slope with that neuron inactive, then with it active. All other neurons keep the pattern that
# `c` gives them; one that is at zero, too, is inactive. Write the quotient yourself: do not call the library's `slope`, `log_slope`,
# `log_slopes`, `slope_before` or `slope_after`, nor run `Exact` or another integrator. Its `velocity`, `energy` or `wall_speeds` are welcome.

# %% nbgrader={"grade": false, "grade_id": "ex-4-2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def exact_slopes(sheaf: Sheaf, c: np.ndarray, neuron: int) -> tuple[float, float]:
    """Return d(log V)/dt on the two sides of a wall.

    Parameters
    ----------
    sheaf : Sheaf
    c : ndarray, shape (n,)
        A state on the wall: c[neuron] is 0.
    neuron : int
        The hidden neuron (coordinate) that switches.

    Returns
    -------
    tuple of two floats
        With the neuron inactive, with the neuron active.
    """
    ### BEGIN SOLUTION
    slopes = []
    for active in (False, True):
        pattern = c[: sheaf.h] > 0
        pattern[neuron] = active
        delta = sheaf.restricted(pattern)
        r = delta @ c - sheaf.boundary_term
        v = -delta.T @ r
        slopes.append(float(-(v @ v) / (0.5 * r @ r)))
    return slopes[0], slopes[1]
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-4-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("4.2", exact_slopes)

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-4-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# Measured against predicted, at each switch of the run above. `before` and `after` follow time; `exact_slopes` is sorted by
# inactive and active, so each entry of the log says which slope comes first. In this run every neuron goes from
# `"inactive"` to `"active"` or back. In other runs there is a third mode, `"sliding"` (notebook 7): the neuron stays at zero
# for a while. `exact_slopes` gives no slope for that mode.

# %%
for s in traj.log:
    after = 0.01 * np.linspace(0, 1, 21)  # one array for both sides: no two times are a rounding error apart
    times = np.concatenate([s.time - after[:0:-1], s.time + after])
    measured = one_sided_slopes(times, traj.energy(times), s.time, 0.01)
    slopes = exact_slopes(sheaf, traj.at(s.time), sheaf.index(s.layer, s.neuron))
    slope = dict(zip(("inactive", "active"), slopes))  # no entry for "sliding"
    predicted = slope[s.before], slope[s.after]
    told = [f"{before:.4f} → {after:.4f}" for before, after in (measured, predicted)]
    print(f"t = {s.time:.4f}   measured {told[0]}   predicted {told[1]}")

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-4-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 4.3: a census of kinks
#
# Follow the flow from each start with `Exact()` to `t_end=20.0` and look at every switch in the logs: how many kinks
# make the decay **steeper** (the slope is more negative after), how many make it **flatter**? Each entry of a log has a
# `slope_before` and a `slope_after`, the slopes of $\log V$ on its two sides. Every switch counts, also one at which a neuron
# begins or ends sliding along its wall, and no switch after 20. (A switch at which the slope does not jump is neither.
# There are such switches; notebook 7 finds out which.)

# %% nbgrader={"grade": false, "grade_id": "ex-4-3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kink_census(sheaf: Sheaf, starts: np.ndarray) -> tuple[int, int]:
    """Count the kinks after which the energy decays faster, and those after which it decays more slowly.

    Parameters
    ----------
    sheaf : Sheaf
    starts : ndarray, shape (m, n)
        One start a row.

    Returns
    -------
    tuple of two ints
        Steeper, flatter.
    """
    ### BEGIN SOLUTION
    steeper = flatter = 0
    for c0 in starts:
        for switch in Exact().run(sheaf, c0, t_end=20.0).log:
            steeper += switch.slope_after < switch.slope_before
            flatter += switch.slope_after > switch.slope_before
    return int(steeper), int(flatter)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-4-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("4.3", kink_census)

# %% [markdown] nbgrader={"grade": false, "grade_id": "predict-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Predict before you run the cell.** Two hundred random starts: will all kinks make the decay steeper, most of them, about half, or
# fewer? Write the number down before you look.

# %%
starts = 2 * np.random.default_rng(0).standard_normal((200, sheaf.n))
print("steeper, flatter:", kink_census(sheaf, starts))

# %% [markdown] nbgrader={"grade": false, "grade_id": "reveal-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# <details><summary>Open when you have looked at the numbers</summary>
#
# Neither kind is rare. "The flow has found a faster region" is true of some switches, and false of many others.
#
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-4-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## In your own words
#
# Does the slope always decrease at a switch, that is, does the energy always decay faster afterwards? Give your census. Is it
# consistent with Theorem 9.4? Explain what the theorem bounds and what it leaves open. (Optional: only the velocity of the
# switching neuron itself jumps: it is $f^-$ while the neuron is inactive and $f^+$ while it is active. When does its square
# grow?)

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-4-W", "locked": false, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# **Model answer.** No. In the run above two of the four kinks are flatter, and in the census of 200 starts 161 of 384 are;
# over random networks it is about half and half. This does not contradict Theorem 9.4. Inside
# a region the theorem says $\dot V \le -2\lambda_{\min}(L(\sigma)) V$: a *lower bound on the speed* that is met with equality only
# along the slowest eigenvector. At any time the true slope depends on how the residual is spread over all eigenvectors, and it
# can be anything between $-2\lambda_{\max}$ and $-2\lambda_{\min}$ of the region. Across a switch the bound stays in force with the worst
# $\lambda^*$; a flatter slope is allowed as long as it stays below $-2\lambda^*$, and it does. What happens in detail: at the wall
# $V$ and $r$ are continuous and only the switching neuron's own velocity jumps, from $f_{\text{before}}$ to $f_{\text{after}}$, so the
# slope jumps by $-(f_{\text{after}}^2 - f_{\text{before}}^2)/V$: steeper exactly if the neuron leaves the wall faster than it came.
#
# **Rubric.**
#
# * 1 point: says "no", with numbers of the student's own census (or a counterexample with its two slopes).
# * 1 point: the theorem bounds the decay from above by an envelope; it does not say that the slope changes one way.
# * 1 point: consistent, with a reason: every slope stays below −2λ*, or the bound is only met along the slowest eigenvector.
# * 1 point: a mechanism (only one velocity component jumps; or the residual's mixture of modes), or another correct insight.
# ### END SOLUTION

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-4-5", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Look back.** A bend can be measured, predicted and counted, and you have done all three. A bound on the envelope says
# little about the bends below it. All this was on four neurons: notebook 5 doubles the layer.
