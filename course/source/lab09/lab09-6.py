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

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-6-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# # Lab 09, notebook 6: step size and bisection
#
# **You will be able to** say what a fixed step cannot see, find a crossing to a tolerance with a budget, put it into the
# integrator, and judge what that repairs.
#
# **Why it matters.** With $\Delta t \approx 0.1$ Euler steps over region boundaries: the pattern is updated late, and regions in
# between are never visited. Event location is the standard cure in every serious ODE code. A cure for what, exactly?

# %%
import matplotlib.pyplot as plt
import numpy as np
from sheaflab import ActivationRegion, Euler, Exact, Network, Sheaf
from sheaflab.checks.lab09 import check

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-6-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Worked example: two walls in one step
#
# The exact trajectory below crosses two walls within a tenth of a time unit. Euler with $\Delta t = 0.1$ jumps from the region
# before the first wall to the region after the second: it never evaluates the law in between.

# %%
net = Network.random([2, 4, 1], seed=13)
sheaf = Sheaf(net, x=[1.0, -1.0])
start = 2 * np.random.default_rng(14).standard_normal(sheaf.n)
exact = Exact().run(sheaf, start, t_end=20.0)
coarse = Euler(dt=0.1).run(sheaf, start, t_end=20.0)
gap = int(np.argmin(np.diff(exact.log.times)))
first, second = exact.log[gap], exact.log[gap + 1]
i, j = (sheaf.index(s.layer, s.neuron) for s in (first, second))
around = np.linspace(first.time - 0.25, second.time + 0.25, 200)

fig, ax = plt.subplots(figsize=(6.8, 4.8), layout="constrained")
flow, grid = exact.at(around)[:, [i, j]], (coarse.times > around[0]) & (coarse.times < around[-1])
states = coarse.states[grid][:, [i, j]]
between = (around > first.time) & (around < second.time)
ax.plot(*flow.T, color="#0072B2", label="exact flow")
ax.plot(*flow[between].T, color="#0072B2", lw=5, label="exact flow, in the region between")
ax.annotate("", flow[40], flow[20], arrowprops={"arrowstyle": "-|>,head_length=0.9", "color": "#0072B2", "mutation_scale": 18})
ax.annotate("time", flow[40], (-38, 2), textcoords="offset points", color="#0072B2", fontsize="small")
ax.plot(*states.T, "s--", color="#D55E00", ms=7, label=r"Euler, $\Delta t = 0.1$: these are all its states")
ax.axhline(0, color="0.3", lw=0.8)
ax.axvline(0, color="0.3", lw=0.8)
ax.autoscale(False)
x_side = ax.get_xlim()[1 if first.after == "active" else 0]
y_side = ax.get_ylim()[1 if second.before == "active" else 0]
ax.fill_between([0, x_side], 0, y_side, color="0.88", hatch="..", edgecolor="white", zorder=0)
ax.text(x_side / 2, y_side / 2, "region between the two walls:\nEuler never evaluates its law", ha="center", va="center")
ax.annotate(f"wall of neuron {i}", (0, ax.get_ylim()[0]), (3, 4), textcoords="offset points", rotation=90, fontsize="small")
ax.annotate(f"wall of neuron {j}", (ax.get_xlim()[0], 0), (4, 3), textcoords="offset points", fontsize="small")
ax.set(xlabel=f"$z^1_{i}$", ylabel=f"$z^1_{j}$", title="A single step jumps over a whole region")
ax.legend(fontsize="small")
plt.show()
print("exact switches at", np.round(exact.log.times, 4))
print("coarse sign changes at", np.round(coarse.log.times, 4))

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-6-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 6.1: what a grid cannot see
#
# `times` are the switch times of an exact run, in increasing order. Between two neighbouring switches the trajectory is in
# one region. A scheme that knows the state only at the grid times $0, \Delta t, 2\Delta t, \dots$ never sees that region if no
# grid time lies between the two switches. How many regions does it miss? (No switch falls on a grid time, and the grid has no end.)

# %% nbgrader={"grade": false, "grade_id": "ex-6-1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def skipped_regions(times: list[float], dt: float) -> int:
    """Count the regions between two switches that contain no grid time.

    Parameters
    ----------
    times : list of float
        Switch times, increasing.
    dt : float
        Step of the grid 0, dt, 2 dt, …

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    steps = np.floor(np.asarray(times, dtype=float) / dt)  # the step that each switch falls into
    return int(np.count_nonzero(steps[1:] == steps[:-1]))
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-6-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("6.1", skipped_regions)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-6-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 6.2: bisection
#
# `f` changes its sign exactly once in $[a, b]$, from negative to positive or from positive to negative. Return a time within
# `tol` of the sign change. Budget: at most $\lceil \log_2((b - a)/\text{tol}) \rceil + 3$ evaluations of `f` (three if $b - a$ is no
# longer than `tol`), and none outside $[a, b]$. You know nothing else about `f`: it may be as steep as a cliff, and it may be
# exactly 0 where it changes its sign.

# %% nbgrader={"grade": false, "grade_id": "ex-6-2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bisect(f, a: float, b: float, tol: float) -> float:
    """Find a sign change by bisection.

    Parameters
    ----------
    f : callable
        Takes a float, returns a float; f(a) and f(b) have different signs.
    a, b : float
        Ends of the bracket, a < b.
    tol : float
        Largest allowed distance from the sign change.

    Returns
    -------
    float
    """
    ### BEGIN SOLUTION
    positive_at_a = f(a) > 0  # the sign at the left end never changes: each new left end shares it
    while b - a > tol:
        middle = 0.5 * (a + b)
        if (f(middle) > 0) == positive_at_a:
            a = middle
        else:
            b = middle
    return 0.5 * (a + b)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-6-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("6.2", bisect)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-6-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 6.3: Euler that stops at the wall
#
# When a step of length `h` from `c` would leave the region, the driver asks `locate` how long a step to take instead. Override
# it: return a step length at which the state has *just* left the region, no more than $10^{-10}$ after the crossing. The state
# after that shorter step must be **outside**; otherwise the driver takes the whole step. If several neurons cross within the
# step, the first one counts.
#
# `self.advance(region, c, s)` is the state after a step of length `s`; `region.pattern` is the pattern inside. Inherit from
# `Euler`, or write its `advance` yourself. Do not use the library's `EventEuler` (it is the answer to this exercise), `Exact`
# or `region.flow`.

# %% nbgrader={"grade": false, "grade_id": "ex-6-3", "locked": false, "schema_version": 3, "solution": true, "task": false}
class BisectingEuler(Euler):
    """Euler whose step ends at the first wall it would cross."""

    def locate(self, region: ActivationRegion, c: np.ndarray, h: float) -> float:
        """Return the length of the shortest step that leaves the region.

        Parameters
        ----------
        region : ActivationRegion
            The region that `c` is in.
        c : ndarray, shape (n,)
            The state before the step.
        h : float
            A step of this length leaves the region.

        Returns
        -------
        float
            In (0, h]; the state after it lies outside the region.
        """
        ### BEGIN SOLUTION
        inside, outside = 0.0, h
        while outside - inside > 1e-10:
            middle = 0.5 * (inside + outside)
            z = self.advance(region, c, middle)[: region.sheaf.h]
            if np.array_equal(z > 0, region.pattern):
                inside = middle
            else:  # at least one neuron has crossed: the first crossing is earlier still
                outside = middle
        return outside
        ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-6-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("6.3", BisectingEuler)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-6-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 6.4: is it better?
#
# Follow the same start with `Exact()`, with `Euler(dt)` and with your `BisectingEuler(dt)` (not with `EventEuler`), all to
# `t_end=10.0`. Return the largest Euclidean distance between a scheme's `states` and the exact trajectory *at the scheme's own*
# `times`: first Euler's, then the bisected one's. Before you run the experiment below: how much do you expect to gain?

# %% nbgrader={"grade": false, "grade_id": "ex-6-4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compare(sheaf: Sheaf, c0: np.ndarray, dt: float) -> tuple[float, float]:
    """Return how far Euler without and with bisection strays from the exact trajectory.

    Parameters
    ----------
    sheaf : Sheaf
    c0 : ndarray, shape (n,)
    dt : float

    Returns
    -------
    tuple of two floats
        Largest distance without bisection, with bisection.
    """
    ### BEGIN SOLUTION
    exact = Exact().run(sheaf, c0, t_end=10.0)
    runs = [scheme.run(sheaf, c0, t_end=10.0) for scheme in (Euler(dt), BisectingEuler(dt))]
    coarse, bisected = (float(np.linalg.norm(run.states - exact.at(run.times), axis=1).max()) for run in runs)
    return coarse, bisected
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-6-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("6.4", compare)

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-6-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## The experiment: two errors, taken apart
#
# A step makes two errors: Euler's own inside a region (`advance`), and the late change of the law at a wall (`locate`). The
# classes below take *exact* steps inside a region, so that only the second kind is left, with your `locate` and without.
#
# **Predict before you run the cell.** Four schemes: Euler and exact steps, each without and with your bisection. Which of them will be
# close to the exact trajectory? Which errors will halve with the step?

# %%
class ExactSteps(Euler):
    def advance(self, region, c, h):
        return region.flow(c, h)


class BisectingExactSteps(BisectingEuler):
    def advance(self, region, c, h):
        return region.flow(c, h)


steps = (0.1, 0.05, 0.025)
errors = {scheme: [] for scheme in (Euler, BisectingEuler, ExactSteps, BisectingExactSteps)}
print(f"{'scheme':<22}{'Δt':>6}  {'trajectory error':>16}  {'switch time error':>17}")
for dt in steps:
    for scheme in errors:
        run = scheme(dt).run(sheaf, start, t_end=20.0)
        off = np.linalg.norm(run.states - exact.at(run.times), axis=1).max()
        late = np.abs(run.log.times - exact.log.times).max() if len(run.log) == len(exact.log) else np.nan
        errors[scheme].append((off, late))
        print(f"{scheme.__name__:<22}{dt:>6}  {off:>16.2e}  {late:>17.2e}")

fig, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained", sharey=True)
for ax, kind, what in zip(axes, (0, 1), ("trajectory error", "switch time error")):
    for (scheme, found), look, size, color in zip(errors.items(), ("o-", "s--", "^-", "D--"), (11, 6, 10, 6), ("#D55E00", "#E69F00", "#0072B2", "#56B4E9")):
        ax.loglog(steps, [pair[kind] for pair in found], look, color=color, ms=size, mec="black", mew=0.5, zorder=20 - size, label=scheme.__name__)
    ax.set_xticks(steps, steps)
    ax.minorticks_off()
    ax.tick_params(labelleft=True)
    ax.set(xlabel=r"step $\Delta t$", ylabel=what)
axes[0].set_title("largest distance from the exact flow", fontsize="medium")
axes[1].set_title("of all switches, the largest error of a logged time", fontsize="medium")
best = min(errors, key=lambda scheme: errors[scheme][-1])
fig.suptitle(f"The smallest errors: {best.__name__}")
for ax in axes:
    ax.legend(fontsize="small")
plt.show()

# %% [markdown] nbgrader={"grade": false, "grade_id": "reveal-6", "locked": true, "schema_version": 3, "solution": false, "task": false}
# <details><summary>Open when you have looked at the figure</summary>
#
# One line lies many decades below the others: exact steps with bisection. Bisection makes exact steps exact, whatever the step, and it
# does next to nothing for Euler on the left: its two lines lie close together, and both fall like $\Delta t$.
#
# On the right plain Euler comes out *better* than two schemes that do more. This is luck. Euler crosses each wall too early, as
# `BisectingEuler` shows, and logs a crossing at the end of its step, which is too late: the two errors partly cancel. In this run the
# flow's own switch times, 1.3492, 1.7008 and 1.7476, all lie close to 1.35, 1.70 and 1.75, at which steps of 0.05 and of 0.025 end, and
# so little is left. At $\Delta t = 0.1$ no step ends at 1.35 or 1.75, and the luck is gone.
#
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-6-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## In your own words
#
# What does bisection repair, and what does it leave as it is? Use the table: compare Euler with and without bisection, then exact
# steps with and without, and say how each error falls when $\Delta t$ is halved. Which of the two errors is Euler's main one?
# Name one thing that `locate` cannot repair because it is never asked.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-6-W", "locked": false, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# **Model answer.** Bisection repairs the late change of the law: with exact steps inside the regions the switch times go from
# an error of up to Δt to about 1e-10, the tolerance, and the trajectory error collapses with them, whatever Δt is. It does not
# repair Euler's own error inside a region, which is of order Δt and dominates: Euler with bisection is hardly closer to the
# exact trajectory than without, both errors halve with Δt, and in some runs the bisected switch times are even *further* from
# the true ones, because Euler decays a little too fast and crosses early, which the late logging at the end of the step
# happens to compensate. Bisection finds the crossing *of the scheme*, to ten digits; that is the flow's crossing only if the
# scheme follows the flow. What it cannot repair: `locate` is asked only if the pattern at the end of the step differs. A neuron
# that crosses and comes back within one step goes unnoticed; only a certified event search (Exact) sees it.
#
# **Rubric.**
#
# * 1 point: numbers from the table for Euler with and without bisection, with the conclusion that little is gained.
# * 1 point: numbers for exact steps: there bisection removes (almost) the whole error.
# * 1 point: order: the errors of Euler halve with Δt; the bisected exact steps are at the tolerance for all Δt.
# * 1 point: a limit of the method: a neuron that crosses twice in a step; sliding; or the scheme's crossing is not the flow's.
# ### END SOLUTION

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-6-5", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Look back.** You have taken a scheme's error apart, and know which part event location can cure. So far every wall was
# crossed. Notebook 7 is about walls on which the trajectory stays.
