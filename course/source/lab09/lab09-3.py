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

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-3-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# # Lab 09, notebook 3: counting switches
#
# **You will be able to** run a small, repeatable numerical experiment: random starts from a generator that is handed in,
# a count for each run, a histogram, and a conclusion that takes chance into account.
#
# **Why it matters.** The number of switches is how often the flow changes its law. Whether it depends on how far out you
# start says something about the geometry of the regions, and "it looks larger" is not an answer.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sheaflab import Euler, Network, Sheaf
from sheaflab.checks.lab09 import check
from sheaflab.explorable import Explorable

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-3-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Worked example: one run, counted by eye
#
# A switch is a hidden neuron that crosses zero. Below, each line is one hidden coordinate over time, and a dot marks each
# crossing. Count the dots: that is the number your function has to return for this run.

# %%
net = Network.random([2, 4, 1], seed=464)
sheaf = Sheaf(net, x=[1.0, -1.0])
traj = Euler(dt=0.01).run(sheaf, 2 * np.random.default_rng(13).standard_normal(sheaf.n), t_end=20.0)

fig, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for i, (color, look, aside) in enumerate([("#0068A8", "-", 5), ("#E69F00", "--", 0), ("#004A36", "-.", 0), ("#C4659A", ":", -7)]):
    ax.plot(traj.times, traj.states[:, i], look, color=color, lw=2)
    ax.annotate(f"$z^1_{i}$", (6, traj.states[600, i]), (5, aside), textcoords="offset points", va="center", color=color, annotation_clip=False)
ax.plot(traj.log.times, np.zeros(len(traj.log)), "o", color="black", mfc="white", label="switch")
ax.axhline(0, color="0.3", lw=0.8)
ax.set(xlabel="time $t$", ylabel="hidden coordinate", xlim=(-0.1, 6), title="A switch is a zero of a hidden coordinate")
ax.legend()
plt.show()

# %% [markdown] nbgrader={"grade": false, "grade_id": "drag-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Drag the start** (the large disc; the arrow keys move it, too) and see how the number of switches depends on it. Each circle is one.
# How few, how many can you get? Then move the slider *magnitude*: it moves the start outwards, and keeps its direction.

# %%
Explorable(sheaf, traj.states[0])

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-3-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 3.1: count the switches of one run
#
# `states` holds one state a row, in the order of time; the first `h` columns are the hidden neurons, the rest is the
# output. Count every change of every hidden neuron between two neighbouring rows. Zero is inactive, as in notebook 1.
#
# No other number counts as zero: $10^{-12}$ is active. If two neurons change between the same two rows, these are two switches. The
# output has no ReLU: it may change sign as it likes.

# %% nbgrader={"grade": false, "grade_id": "ex-3-1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_switches(states: np.ndarray, h: int) -> int:
    """Count how often hidden neurons change between active and inactive.

    Parameters
    ----------
    states : ndarray, shape (k, n)
        States in the order of time.
    h : int
        Number of hidden neurons, the first columns.

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    active = states[:, :h] > 0
    return int(np.count_nonzero(active[1:] != active[:-1]))
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-3-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("3.1", count_switches)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-3-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 3.2: counts over many random starts
#
# Draw the starts **one run after the other** as `magnitude * rng.standard_normal(sheaf.n)`, integrate each with
# `Euler(dt=0.01)` to `t_end=20.0`, and return the list of counts. All random numbers come from `rng`, the generator
# you are handed: whoever passes in an equal generator gets equal counts. The counts are Euler's, chatter included (notebook 7
# says where it comes from): another scheme, step or end counts something else. A switch is what 3.1 counts.

# %% nbgrader={"grade": false, "grade_id": "ex-3-2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def switch_counts(sheaf: Sheaf, magnitude: float, rng: np.random.Generator, runs: int = 20) -> list[int]:
    """Count the switches of several runs from random starts.

    Parameters
    ----------
    sheaf : Sheaf
    magnitude : float
        Standard deviation of each coordinate of a start.
    rng : numpy.random.Generator
        The only source of random numbers.
    runs : int
        How many.

    Returns
    -------
    list of int, length `runs`
    """
    ### BEGIN SOLUTION
    counts = []
    for _ in range(runs):
        c0 = magnitude * rng.standard_normal(sheaf.n)
        traj = Euler(dt=0.01).run(sheaf, c0, t_end=20.0)
        counts.append(count_switches(traj.states, sheaf.h))
    return counts
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-3-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("3.2", switch_counts)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-3-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 3.3: the histogram
#
# Draw a histogram of whole numbers into `ax`: one bar for each whole number from the smallest to the largest count,
# centred on that number, its height the number of runs with that count. (A number in between that never occurs may have a
# bar of height zero or none.) Draw each bar once; every bar can be seen, also those of height one. Use `bar` or `hist`.
# Call the x axis *switches* or *sign changes*, the y axis *runs*, *frequency* or *count*, with *number of* or *per run* if you
# like. A machine reads these names: all else that you have to say belongs in the title. A bar's height is a number of runs, and no
# share of them.
# Both axes have numbers that can be read. The numbers at ticks and bars are those of what is drawn; what stands above a bar is its height.
# Nothing covers the bars. The $y$ axis begins at 0 if it is not logarithmic.

# %% nbgrader={"grade": false, "grade_id": "ex-3-3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def plot_histogram(ax: plt.Axes, counts: list[int]) -> None:
    """Draw how often each count occurs.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    counts : list of int
        One count for each run.
    """
    ### BEGIN SOLUTION
    ax.hist(counts, bins=np.arange(min(counts) - 0.5, max(counts) + 1.5), rwidth=0.9)
    ax.set(xlabel="switches before convergence", ylabel="runs")
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-3-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("3.3", plot_histogram)

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-3-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## The experiment
#
# Here is your experiment at four magnitudes. Twenty runs each; it takes a few seconds. On the left your histograms, cut at ten; on
# the right all runs, one dot each.
#
# **Predict before you run the cell.** A start at 16 is far out. Will the mean count grow with the magnitude? Will the median?

# %%
magnitudes = [0.1, 1.0, 4.0, 16.0]
experiment = {m: switch_counts(sheaf, m, np.random.default_rng(7)) for m in magnitudes}

fig, axes = plt.subplot_mosaic([[0.1, 1.0, "all"], [4.0, 16.0, "all"]], figsize=(12, 5.5), layout="constrained", width_ratios=[1, 1, 1.5])
for m, counts in experiment.items():
    plot_histogram(axes[m], counts)
    beyond = [count for count in sorted(counts) if count > 10]
    more = f"1 more run: {beyond[0]}" if len(beyond) == 1 else f"{len(beyond)} more runs: {', '.join(map(str, beyond))}"
    axes[m].set(xlim=(-0.5, 10.5), ylim=(0, 12), yticks=range(0, 13, 4), title=f"magnitude {m}", xlabel="switches")
    axes[m].text(0.97, 0.95, f"{more} switches" if beyond else "no run beyond 10", ha="right", va="top", transform=axes[m].transAxes)
dots = axes["all"]
for place, m in enumerate(magnitudes):
    counts = list(experiment[m])
    dots.axvspan(place - 0.5, place + 0.5, color="0.94" if place % 2 else "white", zorder=0)
    for count in set(counts):  # runs of the same count side by side
        aside = -0.1 + 0.06 * (np.arange(counts.count(count)) - (counts.count(count) - 1) / 2)
        dots.plot(place + aside, np.full(len(aside), count), "o", color="#0072B2", ms=4)
    error = np.std(counts, ddof=1) / np.sqrt(len(counts))
    dots.errorbar(place + 0.36, np.mean(counts), error, fmt="s", color="#D55E00", capsize=3, label="mean ± standard error" if not place else "")
    dots.hlines(np.median(counts), place - 0.45, place + 0.25, color="black", lw=2, zorder=1, label="median" if not place else "")
dots.plot([], [], "o", color="#0072B2", ms=4, label="one run")
dots.set_yscale("symlog", linthresh=1, linscale=0.3)
dots.set_yticks([0, 1, 2, 5, 10, 20, 50, 100], [0, 1, 2, 5, 10, 20, 50, 100])
dots.set_xticks(range(len(magnitudes)), magnitudes)
dots.axhline(1, color="0.5", lw=0.8, ls=":", zorder=1)
dots.set(xlabel="magnitude: standard deviation of the start's coordinates", ylabel="switches, logarithmic above 1", xlim=(-0.5, 3.5), title="All runs, 20 for each magnitude")
medians = ", ".join(f"{np.median(counts):g}" for counts in experiment.values())
means = ", ".join(f"{np.mean(counts):.1f}" for counts in experiment.values())
fig.suptitle(rf"Switches in a run, as Euler with $\Delta t = 0.01$ logs them: medians {medians}; means {means}")
dots.legend(fontsize="small", loc="upper left")
plt.show()

# %% [markdown] nbgrader={"grade": false, "grade_id": "reveal-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# <details><summary>Open when you have looked at the figure</summary>
#
# The median does not move. The mean rises, and its standard error with it: one, two or three runs of twenty lie far above
# all others. A mean that hangs on so few runs says little about the others; exercise 3.4 makes a rule of that. All counts are
# sign changes between Euler's steps. Whether the flow itself switches 82 times, and what these runs are, notebook 7 finds out.
#
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-3-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 3.4: does the magnitude matter?
#
# Two samples of 20 runs never have quite the same mean. Use this rule: two samples **differ** if their means are further
# apart than *two standard errors of the difference*,
#
# $$ |\bar a - \bar b| > 2 \sqrt{\frac{s_a^2}{m_a} + \frac{s_b^2}{m_b}}, $$
#
# where $s^2$ is the sample variance (divide by $m - 1$) and $m$ the number of runs. The inequality is strict, and it holds
# as it stands for samples without any spread: there the right-hand side is 0.

# %% nbgrader={"grade": false, "grade_id": "ex-3-4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def differs(a: list[int], b: list[int]) -> bool:
    """Tell whether two samples of counts differ by more than chance explains.

    Parameters
    ----------
    a, b : list of int
        Counts of the two samples; the lengths may differ, each is at least 2.

    Returns
    -------
    bool
        True if the means are more than two standard errors of their difference apart.
    """
    ### BEGIN SOLUTION
    error = np.sqrt(np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b))
    return bool(abs(np.mean(a) - np.mean(b)) > 2 * error)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-3-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("3.4", differs)

# %%
for m in magnitudes[1:]:
    verdict = "differs from" if differs(experiment[magnitudes[0]], experiment[m]) else "cannot be told from"
    print(f"magnitude {m:4}: {verdict} magnitude {magnitudes[0]}")

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-3-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## In your own words
#
# Does the number of switches depend on the magnitude of the initial cochain? Answer in five to ten sentences with **your**
# numbers: which magnitudes did you compare, what did `differs` say, and *why* is that so? (What does the flow look like
# from very far out, where the biases hardly matter? From very close to the origin?) Say one thing that your experiment
# cannot tell.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-3-W", "locked": false, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# **Model answer.** With twenty runs of this network I cannot tell. The medians are 2 at all four magnitudes; the means are
# 1.95 at 0.1 and 1, 3.35 at 4 and about 8 at 16, but `differs` says "cannot be told", because the rise comes from one to three
# runs with 6 to 82 sign changes, and one such run makes the standard error large. Why the typical count does not move: the
# start's *direction* decides which neurons begin on the wrong side of zero, scaling keeps the direction, and a neuron that
# begins on the wrong side has to cross at least once; every other neuron usually does not cross at all. Without biases and
# input the flow is positively homogeneous, $\dot c(s c) = s\,\dot c(c)$, and its regions are cones, so from far out the
# early history is the same at every scale. What can be added is a crossing and a crossing back on the way. The runs with
# dozens of sign changes look like something else than crossings: one neuron changes sign every step or two. (Notebook 7
# shows that there the flow slides along a wall, and that the number says more about Δt than about the flow.) The experiment
# has one network, one input and 20 starts; 200 runs with the exact integrator do show a slow rise with the magnitude.
#
# **Rubric.**
#
# * 1 point: states the comparison with numbers of the student's own (means or counts, and the verdict of `differs`).
# * 1 point: the conclusion agrees with those numbers, also if they differ from the model answer's.
# * 1 point: a reason that uses the flow: scaling far out, or the common drive near the origin, or the fixed final pattern.
# * 1 point: names a limitation (one network, few runs, the step size, sign changes against switches).
# ### END SOLUTION

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-3-5", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Look back.** A count, a generator, a histogram, a rule: with these four you can ask any "does it depend on …?"
# question, and in notebook 5 you will, about the width.
