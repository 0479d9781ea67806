"""A class: hand-ins taken in, graded in parallel, graded again, reported."""
