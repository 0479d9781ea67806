"""Visible checks of the small course: none."""
