"""The `sheaflab` command."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sheaflab
from sheaflab import demo
from sheaflab.startup import exit_status, import_matplotlib
from sheaflab.study.commands import add_commands


def _widths(text: str) -> list[int]:
    try:
        return [int(part) for part in text.strip("[]").split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be integers with commas, like 2,4,1, got {text!r}") from None


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 on, got {text!r}")
    return int(text)


def _folder(text: str) -> Path:
    """A folder that is there or can be made; said before anything is computed."""
    folder = Path(text)
    nearest = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if nearest.exists() and not nearest.is_dir():
        raise argparse.ArgumentTypeError(f"must be a folder, and {nearest} is a file; name another")
    return folder


class Subcommand(argparse.ArgumentParser):
    """The parser of one command among several: an option that it does not know is answered with its own usage."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; what is left over ends the program here, where argparse would hand it to the parser above."""
        options, left = super().parse_known_args(args, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return options, left


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    about = "ReLU networks as cellular sheaves: run the experiment, take the course."
    whole = argparse.ArgumentParser(prog="sheaflab", description=about)
    whole.add_argument("--version", action="version", version=f"sheaflab {sheaflab.__version__}")
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Subcommand)
    show = commands.add_parser("demo", help="run the lab's experiment, print the results, write the figures")
    show.add_argument("--out", type=_folder, default="sheaflab-demo", help="folder for the figures (%(default)s)")
    show.add_argument("--widths", type=_widths, default=[2, 4, 1], help="neurons per layer (2,4,1)")
    show.add_argument("--network-seed", type=_seed, default=0, help="seed of the random weights (%(default)s)")
    show.add_argument("--start-seed", type=_seed, default=1, help="seed of the start's random direction (%(default)s)")
    show.add_argument("--magnitude", type=float, default=2.0, help="size of the start's coordinates (%(default)s)")
    show.add_argument("--t-end", type=float, default=60.0, help="time at which the run ends (%(default)s)")
    show.set_defaults(run=_demo)
    add_commands(commands)
    return whole


def _demo(options: argparse.Namespace) -> int:
    experiment = demo.run(options.widths, options.network_seed, options.start_seed, options.magnitude, options.t_end)
    print(demo.report(experiment))
    if experiment.trajectory.sheaf.h < 2:
        print("\nNo trajectory.png: it is drawn in the plane of two hidden neurons, and this network has one.")
    print("\nWritten:")
    for path in demo.save(experiment, options.out):
        print(f"  {path}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; bad input ends with one line on stderr and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without σ shows ? and the rest
    options = parser().parse_args(arguments)

    def command() -> int:
        import_matplotlib()
        return int(options.run(options))

    return exit_status("sheaflab", command, (ValueError, OSError))


if __name__ == "__main__":
    raise SystemExit(main())
