"""``python -m sheaflab``: the command where its own program is not on the path."""

from sheaflab.cli import main

raise SystemExit(main())
