"""Visible checks of lab09; the wheel that students get has them as `sheaflab.checks.lab09`."""
