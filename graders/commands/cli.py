"""The staff's command line: one module per command, imported only when the command is used."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Collection, Sequence

from graders.commands.terminal import plain_streams
from sheaflab.cli import Subcommand
from sheaflab.startup import exit_status, import_matplotlib, own_programs_first

TERM = {
    "Before the term": {
        "demo": ("graders.commands.demo", "release, collect, grade and return four sample submissions, all for real"),
        "doctor": ("graders.commands.doctor", "say how well this machine isolates student code, and what to install"),
        "new": ("graders.commands.new", "start a new lab"),
        "selfcheck": ("graders.commands.selfcheck", "let every planted right and wrong answer meet its checks"),
        "build": ("graders.commands.build", "build the release from its sources and prove that nothing leaks"),
        "keys": ("graders.commands.keys", "write the solution keys as pages"),
        "site": ("graders.commands.site", "build the course as a site that runs in the browser, nothing installed"),
        "pyodide": ("graders.commands.pyodide", "build the offline Pyodide that a site can carry"),
    },
    "Hand-in": {
        "extend": ("graders.commands.extend", "give one student more time"),
        "collect": ("graders.commands.collect", "take downloaded notebooks in, however they are named"),
    },
    "Grading": {
        "grade": ("graders.commands.grade", "grade a class in parallel, in isolation; stop and start it as you like"),
        "assign-markers": ("graders.commands.assign_markers", "assign the written answers to those who mark by hand"),
        "similar": ("graders.commands.similar", "list near-identical solutions: a reason to talk, no proof"),
        "report": ("graders.commands.report", "write grades for other systems, and a page about the class"),
    },
    "After the grades are out": {
        "look-again": ("graders.commands.look_again", "record, list and answer students' requests for another look"),
        "regrade": ("graders.commands.regrade", "grade again after a change; say whose grade changed and why"),
    },
}
"""The commands in the order of a term: module and what it does."""
COMMANDS = {name: entry for part in TERM.values() for name, entry in part.items()}


def overview() -> str:
    """Return the overview that `graders` prints without a command."""
    lines = ["graders COMMAND: build, grade and return the course's assignments. The term in order:"]
    for part, commands in TERM.items():
        lines += ["", f"{part}:", *(f"  {name:<15} {text}" for name, (_, text) in commands.items())]
    return "\n".join([*lines, "", "graders COMMAND --help says more; course/README.md goes through a term."])


def prepare_environment() -> None:
    """Let what a command starts find this Python's own programs, and no module of the folder it is run in.

    Python puts the current folder before everything else on the path of a child run with -c or -m, as
    multiprocessing's are.
    """
    own_programs_first()
    os.environ["PYTHONSAFEPATH"] = "1"


def parser(complete: Collection[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of all commands that are there; those in `complete` are imported and have their arguments."""
    whole = argparse.ArgumentParser(prog="graders", description="Build, grade and return the course's assignments.")
    commands = whole.add_subparsers(
        title="commands", required=True, metavar="COMMAND", dest="command", parser_class=Subcommand
    )
    there = {name: entry for name, entry in COMMANDS.items() if importlib.util.find_spec(entry[0]) is not None}
    for name, (module, text) in there.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in complete:
            importlib.import_module(module).add_arguments(command)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; an error that the user can mend ends with one line on stderr and status 2."""
    with plain_streams():
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given:
        print(overview())
        return 0
    prepare_environment()
    if given[0] in COMMANDS:
        import_matplotlib()
    # The others stay unimported: `graders doctor` must run where nbgrader is missing.
    options = parser(given[:1]).parse_args(given)
    chosen = importlib.import_module(COMMANDS[options.command][0])
    mendable = (ValueError, OSError, RuntimeError, KeyError)

    def command() -> int:
        try:
            return int(chosen.run(options))
        except Exception as error:
            if (why := unreachable_gradebook(error)) is None:
                raise
            raise OSError(
                f"the gradebook cannot be read or written ({why}); what is in it stays as it is: when nothing else is "
                "writing into it and its disk and server can be reached, run the command again"
            ) from error

    return exit_status(f"graders {options.command}", command, mendable)


def unreachable_gradebook(error: Exception) -> str | None:
    """Return why the database failed if an error is of that kind; who has not imported it cannot have met it."""
    if "sqlalchemy.exc" not in sys.modules:
        return None
    from graders.gradebook.record import first_line, is_of_the_database

    return first_line(error) if is_of_the_database(error) else None


if __name__ == "__main__":
    raise SystemExit(main())
