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

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-7-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# # Lab 09, notebook 7 (challenge): chattering and sliding
#
# **You will be able to** explain why some runs report more and more "switches" the smaller the step, recognise them in a log,
# and integrate what really happens there.
#
# **Why it matters.** A count that does not converge is not a measurement. In notebook 3 a few runs had dozens of sign changes.
# Now you find out what they were.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sheaflab import Euler, Exact, Network, Sheaf
from sheaflab.checks.lab09 import check
from sheaflab.explorable import Explorable

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-7-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Worked example: a run that will not settle its count
#
# **Predict before you run the cell.** A step that is five times shorter follows the flow five times better. How many sign changes
# will it log: the same number, a fifth, or five times as many?
#
# The figure follows neuron 1, close to its wall, and counts on the right. The last line is what `Exact` finds: crossings, and slides along a wall. A slide is two switches, its beginning and its end.

# %%
net = Network.random([2, 4, 1], seed=280)
sheaf = Sheaf(net, x=[1.0, -1.0])
start = 2 * np.random.default_rng(281).standard_normal(sheaf.n)
runs = {dt: Euler(dt).run(sheaf, start, t_end=20.0) for dt in (0.01, 0.002)}

exact = Exact().run(sheaf, start, t_end=20.0)
slide = [s.time for s in exact.log if s.neuron == 1]

fig, (a, b, c) = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
for (dt, run), color, look, mark in zip(runs.items(), ["#D55E00", "#0072B2"], ["-", "--"], "s."):
    a.plot(run.times, run.states[:, 1], look, color=color, lw=1.4, label=rf"Euler, $\Delta t = {dt}$")
    near = (run.times > 5.5) & (run.times < 5.7)
    b.plot(run.times[near], 1e5 * run.states[near, 1], f"{mark}-", color=color, lw=0.8, ms=5, label=rf"Euler, $\Delta t = {dt}$")
    c.step([*run.log.times, 10], [*range(1, len(run.log) + 1), len(run.log)], look, where="post", color=color, label=f"Euler, $\\Delta t = {dt}$: {len(run.log)}")
c.step([*exact.log.times, 10], [*range(1, len(exact.log) + 1), len(exact.log)], where="post", color="black", lw=2, label=f"exact flow: {len(exact.log)}")
for ax in (a, c):
    ax.axvspan(*slide, color="0.9", zorder=0, label="exact flow: neuron 1 slides")
times = np.linspace(0, 10, 2000)
a.plot(times, exact.at(times)[:, 1], color="black", lw=2, zorder=1, label="exact flow")
b.axhline(0, color="black", lw=2, zorder=1, label="exact flow: on the wall")
a.axvline(5.6, color="black", lw=0.8, ls=":")
a.annotate("close-up", (5.6, 0.014), (4, 0), textcoords="offset points", fontsize="small")
a.annotate(f"from {start[1]:.2f} at $t = 0$", (exact.log[0].time, 0.027), (4, 0), textcoords="offset points", fontsize="small")
a.set(xlim=(-0.1, 10), ylim=(-0.03, 0.03), xlabel="time $t$", ylabel="$z^1_1$", title="Neuron 1, near its wall")
b.set(xlim=(5.49, 5.71), ylim=(-10, 10), xlabel="time $t$", ylabel="$z^1_1$, in units of $10^{-5}$", title="Close-up: each crossing of 0 is counted")
c.set(xlim=(0, 10), ylim=(0.8, 1e4), yscale="log", xlabel="time $t$", ylabel="switches counted so far, logarithmic", title="Counted so far")
logged = " and ".join(f"{len(run.log)} with Δt = {dt}" for dt, run in runs.items())
fig.suptitle(f"While the exact flow slides on the wall, Euler saws across it, and logs {logged}")
a.legend(fontsize="small")
b.legend(fontsize="small")
c.legend(fontsize="small", loc="upper left")
plt.show()
print("exact:", exact.log)

# %% [markdown] nbgrader={"grade": false, "grade_id": "reveal-7", "locked": true, "schema_version": 3, "solution": false, "task": false}
# <details><summary>Open when you have looked at the figure</summary>
#
# Five times as many. The trajectory converges nicely, its count does not: neuron 1 comes down to its wall and then moves
# to and fro across it. A step takes it over the wall, the next one takes it back below, and some steps later it is over the wall again. Each of these sign changes is
# counted. The exact flow stays on the wall all that time (the grey stretch): it has four switches, whatever the step.
#
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "drag-7", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Drag the start** (the large disc; the arrow keys move it, too). The figure shows this run, the exact flow and Euler's steps over it. The
# path is striped where a neuron slides. Make *step Δt* shorter: what do the two counts do? Now look for a start whose flow does not
# slide: what do the two counts do there?

# %%
Explorable(sheaf, start, until=12, dt=0.01)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-7-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 7.1: what a wall does
#
# On the wall $z^1_i = 0$ the heat equation offers the neuron two velocities: $f^-_i = -r^1_i$ if it counts as inactive,
# $f^+_i = -r^1_i + g_i$ if it counts as active ($g = (W^2)^\top r^2$ is what the next edge pulls with). Their signs decide, however small they are:
#
# | $f^-$ | $f^+$ | verdict |
# |---|---|---|
# | $> 0$ | $> 0$ | `"turns on"` |
# | $< 0$ | $< 0$ | `"turns off"` |
# | $> 0$ | $< 0$ | `"slides"`: both sides push towards the wall |
# | $< 0$ | $> 0$ | `"repels"`: both sides push away |

# %% nbgrader={"grade": false, "grade_id": "ex-7-1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def wall_verdict(f_minus: float, f_plus: float) -> str:
    """Tell what a trajectory on a wall does.

    Parameters
    ----------
    f_minus : float
        The neuron's velocity if it counts as inactive, not zero.
    f_plus : float
        Its velocity if it counts as active, not zero.

    Returns
    -------
    str
        "turns on", "turns off", "slides" or "repels".
    """
    ### BEGIN SOLUTION
    if f_minus > 0:
        return "turns on" if f_plus > 0 else "slides"
    return "repels" if f_plus > 0 else "turns off"
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-7-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("7.1", wall_verdict)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-7-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 7.2: the sliding velocity
#
# Where both sides push towards the wall, no solution in the usual sense exists. Filippov's answer: move *along* the wall with
# the mixture of the two velocities that stays on it,
#
# $$ \dot c = \alpha\, v^+ + (1 - \alpha)\, v^-, \qquad \alpha f^+ + (1 - \alpha) f^- = 0, $$
#
# where $v^\pm = -\delta_\Omega(\sigma^\pm)^\top r$ are the velocities with the neuron active and inactive. Return $\alpha$ and $\dot c$.
# (So a sliding neuron is "active with weight α": a fraction of a neuron.)

# %% nbgrader={"grade": false, "grade_id": "ex-7-2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sliding_velocity(sheaf: Sheaf, c: np.ndarray, neuron: int) -> tuple[float, np.ndarray]:
    """Return Filippov's weight and velocity on a wall that holds the trajectory.

    Parameters
    ----------
    sheaf : Sheaf
    c : ndarray, shape (n,)
        A state on the wall: c[neuron] is 0, and the wall slides.
    neuron : int
        The hidden neuron (coordinate) on its wall.

    Returns
    -------
    tuple of float and ndarray, shape (n,)
        The weight α of the active side, and the velocity.
    """
    ### BEGIN SOLUTION
    sides = []
    for active in (False, True):
        pattern = c[: sheaf.h] > 0
        pattern[neuron] = active
        delta = sheaf.restricted(pattern)
        sides.append(-delta.T @ (delta @ c - sheaf.boundary_term))
    off, on = sides
    alpha = off[neuron] / (off[neuron] - on[neuron])
    return float(alpha), alpha * on + (1 - alpha) * off
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-7-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("7.2", sliding_velocity)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-7-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 7.3: recognise chattering in a log
#
# Given the log of an Euler run, as two lists of equal length (times, and which neuron changed sign), find the neurons that
# chatter. Rule: a neuron chatters if it has at least `least` sign changes **in a row** of which each follows the one before by at
# most $2.5\,\Delta t$. Look at each neuron's own changes; what other neurons do in between does not matter. Return the
# neurons in increasing order.

# %% nbgrader={"grade": false, "grade_id": "ex-7-3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chattering_neurons(times: list[float], neurons: list[int], dt: float, least: int = 5) -> list[int]:
    """Find the neurons that change sign again and again within a step or two.

    Parameters
    ----------
    times : list of float
        Times of the sign changes, increasing.
    neurons : list of int
        Which neuron changed.
    dt : float
        Step of the scheme.
    least : int
        How many changes in a row count as chattering, at least 2.

    Returns
    -------
    list of int
        Increasing, each neuron once.
    """
    ### BEGIN SOLUTION
    found = []
    for neuron in sorted(set(neurons)):
        own = [t for t, k in zip(times, neurons) if k == neuron]
        row = longest = 1
        for k in range(1, len(own)):
            row = row + 1 if own[k] - own[k - 1] <= 2.5 * dt else 1
            longest = max(longest, row)
        if longest >= least:
            found.append(neuron)
    return found
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-7-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("7.3", chattering_neurons)

# %%
for dt, run in runs.items():
    print(dt, "chattering:", chattering_neurons(list(run.log.times), [s.neuron for s in run.log], dt))

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-7-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 7.4: Euler that can slide
#
# Write explicit Euler with a fixed step in which a neuron can be inactive, active **or sliding**, and return the number of mode
# changes up to `t_end` (into and out of sliding included) and the last state. After each step:
#
# * each neuron that has changed its sign is put on its wall (`c[i] = 0`), and all that have are there before the first verdict;
#   then each gets the verdict of exercise 7.1 *there*: it turns on, turns off, or begins to slide (if the wall repels, it keeps
#   the side to which it has come). Who gets back the mode that it had has not changed;
# * a neuron that slides stays at zero, until $f^-_i \le 0$ (it turns off) or $f^+_i \ge 0$ (it turns on).
#
# `sheaf.wall_speeds(c)` returns the arrays $(f^-, f^+)$ of all hidden neurons at a state. The velocity follows the modes: at an
# active neuron it is $f^+_i$, at an inactive one $f^-_i$, at a sliding one 0; at the output it is what `sheaf.velocity(c)`
# gives.

# %% nbgrader={"grade": false, "grade_id": "ex-7-4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sliding_euler(sheaf: Sheaf, c0: np.ndarray, dt: float, t_end: float) -> tuple[int, np.ndarray]:
    """Integrate the heat equation with Euler steps and sliding.

    Parameters
    ----------
    sheaf : Sheaf
    c0 : ndarray, shape (n,)
        No hidden coordinate is zero.
    dt : float
        Time step.
    t_end : float
        A multiple of `dt`.

    Returns
    -------
    tuple of int and ndarray, shape (n,)
        Number of mode changes, state at `t_end`.
    """
    ### BEGIN SOLUTION
    h, c, switches = sheaf.h, np.array(c0, dtype=float), 0
    active, sliding = c[:h] > 0, np.zeros(h, dtype=bool)
    for _ in range(round(t_end / dt)):
        off, on = sheaf.wall_speeds(c)
        v = sheaf.velocity(c)
        v[:h] = np.where(sliding, 0.0, np.where(active, on, off))
        c = c + dt * v
        arrived = ~sliding & ((c[:h] > 0) != active)
        c[:h][arrived] = 0.0
        off, on = sheaf.wall_speeds(c)
        for i in np.flatnonzero(arrived):
            if off[i] > 0 > on[i]:
                sliding[i] = True
            elif (off[i] > 0) == (on[i] > 0) == active[i]:  # sent back to the mode that it had
                continue
            else:
                active[i] = not active[i]
            switches += 1
        for i in np.flatnonzero(sliding & ~arrived):
            if off[i] <= 0 or on[i] >= 0:
                sliding[i], active[i] = False, on[i] >= 0
                switches += 1
    return switches, c
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-7-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("7.4", sliding_euler)

# %%
exact = Exact().run(sheaf, start, t_end=20.0)
log = exact.log
print(f"exact: {len(log)} switches, {log.crossings} by crossings and {len(log) - log.crossings} by slides that begin or end")
for dt in (0.01, 0.005, 0.002):
    switches, end = sliding_euler(sheaf, start, dt, 20.0)
    changes = Euler(dt).run(sheaf, start, t_end=20.0).log.count
    print(f"Δt = {dt}: Euler {changes} sign changes, yours {switches} switches")

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-7-5", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **To think about.** In notebook 4 the slope of $\log V$ jumped by $-(f_{\text{after}}^2 - f_{\text{before}}^2)/V$, $f$ being the
# velocity of the neuron that switches. While it slides, this velocity is 0. Predict the sign of the jump where neuron 1
# begins to slide and where it ends sliding. Then run the cell. The look back has the reason.

# %%
for s in exact.log:
    print(f"t = {s.time:.4f}  neuron {s.neuron}  {s.before} → {s.after}: the slope of log V jumps by {s.kink:+.4f}")

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-7-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## In your own words
#
# Why does the run of the worked example have about 140 sign changes at $\Delta t = 0.01$ and about 700 at $0.002$? What is the
# right number, and what makes you sure? What does that mean for the histogram of notebook 3?

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-7-W", "locked": false, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# **Model answer.** From t = 0.14 to t = 6.6 neuron 1 slides: on both sides of its wall the velocity points towards the wall
# (f⁻ > 0 > f⁺). Euler cannot stay on the wall. A step on one side overshoots to the other, where the law pushes it back, so it
# changes sign every few steps. The sliding stretch has a fixed length in time, so the number of sign changes is that length
# divided by a fixed number of steps: proportional to 1/Δt, five times as many at a fifth of the step. It does not converge,
# because it counts steps, not events. The right number is 4: one slide in, two crossings of other neurons, one slide out. I am
# sure because the exact integrator certifies each event, because sliding Euler gives the same number at every step, and because
# the two velocities at the wall have the signs that sliding needs. In notebook 3 the counts of 6, 16, 25, 35 and 82 were such runs: they
# belong to the step size, not to the flow, and neither their mean nor their spread may be read as a property of the network.
#
# **Rubric.**
#
# * 1 point: both velocities point towards the wall; Euler overshoots to and fro.
# * 1 point: the count is proportional to 1/Δt, with the numbers of the run.
# * 1 point: the right number and a reason to trust it (certificate, agreement of several steps, signs of f).
# * 1 point: consequence for notebook 3 (outliers are artefacts; use a sliding-aware count).
# ### END SOLUTION

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-7-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Look back.** Where a neuron begins to slide, it stops: the decay is flatter afterwards. It ends sliding at the moment at
# which $f^-$ or $f^+$ has come to 0, so it leaves with the velocity 0 that it had, and there the slope does not jump at all.
#
# That was the lab: a network as a sheaf, a flow that finds the forward pass, a bound that holds across every
# switch, and a count that means something because you know which walls are crossed and which ones hold. `Exact` does in closed
# form what your sliding Euler does in steps; how it certifies that it misses no event, and why Theorem 9.4 survives
# sliding, is told in the library's documentation, "How Exact works".
