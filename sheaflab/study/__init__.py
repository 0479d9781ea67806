"""Learning alone: the course's catalogue, hints, checks and progress, from a terminal or from a notebook.

What needs hidden checks or solutions comes from the self-study edition, a wheel of its own that this package finds
through an entry point (:mod:`sheaflab.study.edition`). Without it everything else works.
"""
