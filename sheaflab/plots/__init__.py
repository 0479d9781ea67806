"""The lab's figures of one run. Each function draws on the `Axes` it is given and returns the artists it added.

One colour stands for one mode vector (which neurons are active or slide) in all figures of a trajectory, in the order
in which the trajectory meets them. White stripes stand for sliding: dashes along a line, hatching in a band. Switches
have the same numbers everywhere. So the figures can be read in grey, too.

Examples
--------
>>> import matplotlib.pyplot as plt
>>> from sheaflab import Exact, Network, Sheaf
>>> sheaf = Sheaf(Network.random([2, 4, 1], seed=0), x=[1.0, -1.0])
>>> run = Exact().run(sheaf, [0.7, 1.6, 0.7, -2.6, 1.8])
>>> panels = plot_run(plt.figure(), run, rate=0.277, t_max=5.0)
>>> switching_plane(run)
(0, 2)
>>> figure, (plane, edges) = plt.subplots(2)
>>> artists = plot_projection(plane, run, coordinates=(0, 2)), plot_discrepancy(edges, run, t_max=5.0)
>>> figure, (above, middle, below) = plt.subplots(3)
>>> artists = plot_energy(above, run, rate=0.277), plot_slope(middle, run), plot_bands(below, run, t_max=5.0)
"""

from sheaflab.plots.layers import plot_discrepancy
from sheaflab.plots.over_time import plot_bands, plot_energy, plot_run, plot_slope, sample_times
from sheaflab.plots.signs import coordinate_label, mode_colors
from sheaflab.plots.space import plot_projection, switching_plane

__all__ = [
    "coordinate_label",
    "mode_colors",
    "plot_bands",
    "plot_discrepancy",
    "plot_energy",
    "plot_projection",
    "plot_run",
    "plot_slope",
    "sample_times",
    "switching_plane",
]
