"""ReLU networks as cellular sheaves: integrate their heat equation exactly and log every switch.

Plots are in :mod:`sheaflab.plots` (it loads matplotlib), the course's teaching checks in :mod:`sheaflab.checks`.
`check`, `hint`, `problem`, `solution` and `progress` guide through the course, in a notebook as in a terminal.
"""

from sheaflab.certificate import Certificate, certify
from sheaflab.ensemble import Ensemble
from sheaflab.exact_trajectory import ExactTrajectory
from sheaflab.network import Network
from sheaflab.region import ActivationRegion
from sheaflab.results import Outcome
from sheaflab.schemes.driver import Integrator
from sheaflab.schemes.euler import Euler, EventEuler
from sheaflab.schemes.exact import Exact
from sheaflab.schemes.scheme import Scheme
from sheaflab.sheaf import Sheaf
from sheaflab.study.notebook import check, hint, problem, progress, solution
from sheaflab.switchlog import Switch, SwitchLog
from sheaflab.trajectory import Trajectory

__version__ = "0.2.0"
__all__ = [
    "ActivationRegion",
    "Certificate",
    "Ensemble",
    "Euler",
    "EventEuler",
    "Exact",
    "ExactTrajectory",
    "Integrator",
    "Network",
    "Outcome",
    "Scheme",
    "Sheaf",
    "Switch",
    "SwitchLog",
    "Trajectory",
    "certify",
    "check",
    "hint",
    "problem",
    "progress",
    "solution",
]
