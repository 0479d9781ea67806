# %% [markdown] nbgrader={"grade": false, "grade_id": "text-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
# # Doubling

# %%
import matplotlib.pyplot as plt  # noqa: F401
import numpy as np  # noqa: F401


# %% nbgrader={"grade": false, "grade_id": "ex-1-1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    return 2 * x + 0 * x  # instructor's version of it
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "check-1-1", "locked": true, "schema_version": 3, "solution": false, "task": false}
assert double(2) == 4, "double(2) must be 4"

# %% nbgrader={"grade": false, "grade_id": "ex-1-2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def twice(f, x):
    """Return f(f(x))."""
    ### BEGIN SOLUTION
    return f(f(x))
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "ex-1-3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def plot_parabola(ax, x):
    """Draw x² over x."""
    ### BEGIN SOLUTION
    ax.plot(x, x**2, label="parabola")
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "ex-1-4", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Doubler:
    """Multiplies by its factor."""

    ### BEGIN SOLUTION
    def __init__(self, factor):
        self.factor = factor

    def run(self, x):
        return self.factor * x

    ### END SOLUTION


# %% [markdown] nbgrader={"grade": true, "grade_id": "written-1-W", "locked": false, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Because twice the half is the whole; the rubric gives a point a reason.
# ### END SOLUTION
