"""Staff only: builds the course, grades submissions. In no wheel that a student gets."""

import sys

# jsonschema, which nbformat brings along, makes 39 grammars of this package where it is installed: a second of every
# start, for internationalised addresses that no notebook holds.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
