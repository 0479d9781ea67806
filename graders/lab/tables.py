"""A TOML table that is read by type, and whose errors name the place, the rule and the value."""

from __future__ import annotations

from typing import Any


class ManifestError(ValueError):
    """The manifest breaks a rule; the text says where, which, and what it found."""


class Table:
    """A TOML table that reports errors by its place, as a manifest's if nothing else is said."""

    def __init__(self, data: Any, where: str, error: type[ValueError] = ManifestError) -> None:
        self.error = error
        if not isinstance(data, dict):
            raise error(f"{where} must be a table, got {data!r:.60}")
        self.data, self.where = data, where
        self._known, self._inner = set[str](), list[Table]()

    def _get(self, key: str, kind: tuple[type, ...], what: str, default: Any = None) -> Any:
        self._known.add(key)
        value = self.data.get(key, default)
        if value is None:
            raise self.error(f"{self.where} must have `{key}` ({what})")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.error(f"`{key}` of {self.where} must be {what}, got {value!r:.60}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value: str = self._get(key, (str,), "a text", default)
        if not value.strip() and default is None:
            raise self.error(f"`{key}` of {self.where} must not be empty")
        return value

    def points(self, key: str) -> float:
        value = self._get(key, (int, float), "a number of points")
        if not 0 < value < 1000:
            raise self.error(f"`{key}` of {self.where} must be between 0 and 1000, got {value}")
        return float(value)

    def count(self, key: str) -> int:
        return int(self._get(key, (int,), "a whole number", 0))

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._get(key, (list,), "a list of texts", [])
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise self.error(f"`{key}` of {self.where} must be a list of texts, got {values!r:.60}")
        return tuple(values)

    def table(self, key: str) -> Table:
        self._inner.append(Table(self._get(key, (dict,), "a table"), f"[{key}]", self.error))
        return self._inner[-1]

    def tables(self, key: str) -> list[Table]:
        items = self._get(key, (list,), "an array of tables", [])
        made = [Table(item, f"{key} {k + 1} of {self.where}", self.error) for k, item in enumerate(items)]
        self._inner += made
        return made

    def refuse_others(self) -> None:
        """Refuse what nobody has asked for, here and in inner tables: a misspelt key would be lost without a word."""
        if strange := sorted(set(self.data) - self._known):
            told = " and ".join(f"`{key}`" for key in strange)
            known = ", ".join(f"`{key}`" for key in sorted(self._known))
            raise self.error(f"{self.where} must not have {told}; it may have {known}")
        for table in self._inner:
            table.refuse_others()
