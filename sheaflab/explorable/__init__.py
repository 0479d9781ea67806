"""The explorable: one HTML page without Python and without the network. A start is dragged, and the flow follows.

:class:`Explorable` is the page in a notebook.
"""

from sheaflab.explorable.notebook import Explorable

__all__ = ["Explorable"]
