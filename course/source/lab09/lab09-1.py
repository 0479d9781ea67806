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

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-1-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# # Lab 09, notebook 1: build the sheaf
#
# **You will be able to** write a ReLU network as a cellular sheaf: its activation pattern, its coboundary restricted to
# the free coordinates, and the energy that measures how far a guess is from being a forward pass.
#
# **Why it matters.** A forward pass computes layer after layer. A sheaf turns the same network into one system of *local*
# conditions, one for each edge between layers, that can be violated, measured and repaired everywhere at once. The rest
# of the lab watches such a repair happen.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sheaflab import Network, Sheaf
from sheaflab.checks.lab09 import check

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-1-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Worked example: what an edge disagrees about
#
# A network $[2, 4, 1]$ has two edges. The first compares the hidden layer with what the input predicts for it, the second
# compares the output with what the hidden layer predicts. Write $z^\ell_i$ for the value (the pre-activation) of neuron $i$ in
# layer $\ell$; layers count from 1, neurons from 0 as in Python.
#
# $$ r^1 = z^1 - (W^1 x + b^1), \qquad r^2 = z^2 - (W^2\,\mathrm{relu}(z^1) + b^2). $$
#
# A *free cochain* $c = (z^1, z^2)$ is any guess for the five numbers inside the network; the input $x$ is pinned. For a
# random guess both edges disagree. For the forward pass, neither does.

# %%
net = Network.random([2, 4, 1], seed=0)
sheaf = Sheaf(net, x=[1.0, -1.0])
guess = np.random.default_rng(1).standard_normal(sheaf.n)
forward = sheaf.harmonic_extension()  # the forward pass, as a free cochain

fig, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
names = [f"$r^1_{i}$" for i in range(4)] + ["$r^2$"]
ax.bar(np.arange(5) - 0.2, sheaf.residual(guess), 0.4, color="#0072B2", label="random guess")
ax.plot(np.arange(5) + 0.2, sheaf.residual(forward), "D", color="#D55E00", label="forward pass (all zero)")
ax.axhline(0, color="0.3", lw=0.8)
ax.set_xticks(range(5), names)
ax.set(xlabel="edge", ylabel="disagreement on the edge", title="A guess is a forward pass when no edge disagrees")
ax.legend()
plt.show()

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-1-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 1.1: the activation pattern
#
# ReLU makes the network a *different linear map* in each region of its state space. The **activation pattern** tells which
# one: $\sigma = \mathbf 1[z > 0]$, one entry for each hidden neuron. Convention of the whole lab: the inequality is
# strict, so a neuron at exactly zero counts as inactive.
#
# Booleans or the numbers 0 and 1 are equally welcome. One neuron has a pattern of one entry, an array of shape `(1,)`;
# several hundred neurons have one of several hundred entries.

# %% nbgrader={"grade": false, "grade_id": "ex-1-1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def activation_pattern(z: np.ndarray) -> np.ndarray:
    """Return the activation pattern of hidden pre-activations.

    Parameters
    ----------
    z : ndarray, shape (h,)
        Pre-activations of the hidden neurons.

    Returns
    -------
    ndarray, shape (h,)
        1 (or True) where z > 0, else 0 (or False).
    """
    ### BEGIN SOLUTION
    return z > 0
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-1-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("1.1", activation_pattern)

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-1-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 1.2: the restricted coboundary
#
# While $\sigma$ stands still, relu is the diagonal matrix $\Sigma = \mathrm{diag}(\sigma)$, and the residual is linear in
# the free cochain: $r = \delta_\Omega(\sigma)\,c - \tilde b$ with $\tilde b = (W^1 x + b^1,\ b^2)$. Sort the two edges
# of the example by $z^1$ and $z^2$ and you can read off
#
# $$ \delta_\Omega(\sigma) = \begin{pmatrix} I & 0 \\ -W^2 \Sigma & I \end{pmatrix}. $$
#
# Write it for one hidden layer of any width $h$ and any number $k$ of outputs. Before you start: which entries of $W^2$
# does $\Sigma$ switch off, rows or columns?

# %% nbgrader={"grade": false, "grade_id": "ex-1-2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def restricted_coboundary(w2: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """Return the coboundary restricted to the free coordinates of a network with one hidden layer.

    Parameters
    ----------
    w2 : ndarray, shape (k, h)
        Weights from the hidden layer to the output.
    pattern : ndarray of bool, shape (h,)
        Activation pattern of the hidden neurons.

    Returns
    -------
    ndarray, shape (h + k, h + k)
        The free coordinates are ordered hidden layer first, then output.
    """
    ### BEGIN SOLUTION
    k, h = w2.shape
    delta = np.eye(h + k)
    delta[h:, :h] = -w2 * pattern  # broadcasting over rows: column i of W² is multiplied by σ_i
    return delta
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-1-2", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("1.2", restricted_coboundary)

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-1-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# The matrix is lower triangular with ones on its diagonal, so its determinant is 1 *whatever the weights and the pattern
# are*. It can be inverted in every region: there is exactly one forward pass per input, and the sheaf knows it.

# %% [markdown] nbgrader={"grade": false, "grade_id": "task-1-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Exercise 1.3: the Dirichlet energy
#
# One number for the whole disagreement: $V(c) = \tfrac12 \sum_\ell \lVert r^\ell \rVert^2$, with
#
# $$ r^\ell = z^\ell - W^\ell\, \mathrm{relu}(z^{\ell-1}) - b^\ell \quad (\ell \ge 2), \qquad r^1 = z^1 - W^1 x - b^1. $$
#
# The input is *not* rectified. Write it for **any number of layers**: `net.weights` and `net.biases` are tuples with one
# entry per layer, and `c` holds $z^1, z^2, \dots$ one after the other. Add up the edges yourself: do
# not call the library's `energy`, `residual` or `discrepancy`, and let no integrator (`Euler`, `EventEuler`, `Exact`, or a
# subclass of `Integrator`) do the sum. (Other helpers, such as `Sheaf.split`, are welcome.)

# %% nbgrader={"grade": false, "grade_id": "ex-1-3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dirichlet_energy(net: Network, x: np.ndarray, c: np.ndarray) -> float:
    """Return the Dirichlet energy of a free cochain.

    Parameters
    ----------
    net : Network
    x : ndarray, shape (n_0,)
        The pinned input.
    c : ndarray, shape (n,)
        Free cochain: the layers' pre-activations in order, output last.

    Returns
    -------
    float
        Half the sum of the squared residuals of all edges.
    """
    ### BEGIN SOLUTION
    total, start, signal = 0.0, 0, x
    for w, b in zip(net.weights, net.biases):
        z = c[start : start + len(b)]
        r = z - w @ signal - b
        total += r @ r
        signal = np.maximum(z, 0.0)  # what the next edge sees of this layer
        start += len(b)
    return 0.5 * float(total)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "check-1-3", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("1.3", dirichlet_energy)

# %% [markdown] nbgrader={"grade": false, "grade_id": "text-1-4", "locked": true, "schema_version": 3, "solution": false, "task": false}
# **Look back.** You have the three ingredients of the heat equation: the pattern says which linear map is in force, the
# coboundary is that map, and the energy is what the flow is going to use up. Notebook 2 lets it flow.
