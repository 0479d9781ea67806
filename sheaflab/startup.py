"""What the commands do before anything else, so that they work from any folder."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path


def own_programs_first() -> None:
    """Let what is started by its bare name be this Python's own program, as in an activated environment."""
    scripts, path = sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)
    if path.split(os.pathsep)[0] != scripts:
        os.environ["PATH"] = scripts + os.pathsep + path


def exit_status(program: str, command: Callable[[], int], mendable: tuple[type[Exception], ...]) -> int:
    """Run a command; return its status, 2 after an error that its user can mend, 130 after an interrupt.

    Parameters
    ----------
    program : str
        What the line on stderr begins with, such as ``"graders grade"``.
    command : callable
    mendable : tuple of type
        Kinds of errors that end with one line in the place of a traceback.
    """
    try:
        return command()
    except mendable as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def import_matplotlib() -> None:
    """Import matplotlib without the style file of the folder that a command is run in, and for files, not for windows.

    matplotlib reads a file named ``matplotlibrc`` there before any other, once, when it is imported; one that cannot
    be read ends the import, and so does a window system that it does not know in ``MPLBACKEND``. The user's own style,
    in matplotlib's configuration folder, counts as ever. Programs that a command starts find the variable as it was.
    """
    given = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "Agg"  # a command opens no window
    try:
        with contextlib.chdir(Path(__file__).parent):
            import matplotlib  # noqa: F401
    finally:
        del os.environ["MPLBACKEND"]
        if given is not None:
            os.environ["MPLBACKEND"] = given
