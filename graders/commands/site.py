"""`graders site`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from graders.commands.choice import add_course_arguments, chosen_course
from graders.publish.site.edition import Edition
from graders.publish.site.jupyterlite import build_site


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `graders site`."""
    parser.description = "Build the course as a JupyterLite site: a folder of static files for any web server."
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="where to put it: a new or empty folder, or an older site"
    )
    parser.add_argument(
        "--pyodide", type=Path, metavar="DIR", help="what `graders pyodide` made: a site for offline use"
    )
    parser.add_argument(
        "--edition",
        type=Edition,
        choices=list(Edition),
        default=Edition.STUDENT,
        help="student: as released; self-study: with all checks and keys in the page (default: %(default)s)",
    )
    add_course_arguments(parser)
    parser.add_argument(
        "--release", type=Path, help="released notebooks (default: the assignment's folder in COURSE/release)"
    )


def run(args: argparse.Namespace) -> int:
    """Carry out `graders site`."""
    course = chosen_course(args)
    site = build_site(args.out, course, release=args.release, pyodide=args.pyodide, edition=args.edition)
    print(site)
    print(f"Look at it: {Path(sys.executable).name} -m http.server --directory {args.out} 8000")
    return 0
