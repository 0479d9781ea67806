"""The class list: the students' ids, with names, numbers and logins by which systems know them."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graders.classroom.intake.layouts import Claim
from graders.classroom.intake.names import name_key, plain_key, student_id

LARGEST = 64 * 2**20  # bytes of a list
# Columns by what they hold, in lower case. Of the ids the first that a row has is the student's.
_IDS = ("student_id", "student id", "username", "user name", "sis login id", "id number", "idnumber", "sis user id",
        "org defined id", "orgdefinedid", "matriculation", "sid", "anmeldename", "id-nummer",
        "email address", "email", "e-mail-adresse")  # fmt: skip
_LOGINS = ("student_id", "student id", "username", "user name", "sis login id", "login", "anmeldename")
_NUMBERS = (
    "id number",
    "idnumber",
    "sis user id",
    "org defined id",
    "orgdefinedid",
    "matriculation",
    "sid",
    "student id",
    "id-nummer",
)
_EMAILS = ("email address", "email", "e-mail-adresse")
_FULL = ("full name", "student", "name", "student name", "participant", "vollständiger name")
_FIRST, _LAST = ("first name", "first_name", "firstname", "vorname"), (
    "last name", "last_name", "surname", "lastname", "nachname",
)  # fmt: skip
_TIMES = ("last modified (submission)", "submission_timestamp")


@dataclass
class Person:
    """A student on the class lists.

    Attributes
    ----------
    id : str
    keys : set of str
        As `Claim.keys`.
    names : set of str
        Their full names as `name_key` has them.
    time : str
        When the system says that the work was handed in; empty if it does not.
    rivals : tuple of str
        Ids of other students that the same row of a list has: whose it is, nobody knows.
    """

    id: str
    keys: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    time: str = ""
    rivals: tuple[str, ...] = ()


class Roster:
    """All people of the class lists; finds a person by key or by name.

    Parameters
    ----------
    lists : iterable of iterable of Person
        Two rows of one list are two people. A row of a further list is somebody of an earlier one by a key in common,
        else by a name that only one has in either.
    """

    def __init__(self, lists: Iterable[Iterable[Person]]) -> None:
        self.people: list[Person] = []
        self._keys: dict[str, set[int]] = defaultdict(set)
        self._names: dict[str, set[int]] = defaultdict(set)
        self._plain: dict[str, set[int]] = defaultdict(set)
        for people in map(list, lists):
            earlier = len(self.people)
            shared = Counter(name for person in people for name in person.names)
            for person, known in [(person, self._known(person, shared, earlier)) for person in people]:
                self._add(person, known)

    def _known(self, person: Person, shared: Counter[str], earlier: int) -> set[int]:
        by_key = set().union(*(self._keys.get(key, set()) for key in person.keys))
        names = [name for name in person.names if shared[name] == 1]
        found = by_key or set().union(*(self._names.get(name, set()) for name in names))
        return {number for number in found if number < earlier}

    def _add(self, person: Person, known: set[int]) -> None:
        if len(known) == 1:
            number = known.pop()
            self.people[number].keys |= person.keys
            self.people[number].names |= person.names
            self.people[number].time = person.time or self.people[number].time
        else:
            number = len(self.people)
            self.people.append(person)
        for key in person.keys:
            self._keys[key].add(number)
        for name in person.names:
            self._names[name].add(number)
            self._plain[plain_key(name)].add(number)

    def who(self, claim: Claim) -> list[Person]:
        """Return the people whom a claim fits.

        What the system says beyond the name decides first, then the whole name, then the name without accents.
        """
        if found := set().union(*(self._keys.get(key.casefold(), set()) for key in claim.keys)):
            return [self.people[n] for n in sorted(found)]
        for text in claim.names:
            for kind in ("id", "login", "sid", "number", "email"):
                if found := self._keys.get(f"{kind}:{text.strip()}".casefold(), set()):
                    return [self.people[n] for n in sorted(found)]
        for index, key_of in ((self._names, name_key), (self._plain, plain_key)):
            for text in claim.names:
                if (key := key_of(text)) and (found := index.get(key, set())):
                    return [self.people[n] for n in sorted(found)]
        return []

    def has(self, name: str) -> Person | None:
        """Return the person whose id or login is the name of a folder; None if there is none."""
        found = self._keys.get(f"id:{name}".casefold()) or self._keys.get(f"login:{name}".casefold()) or set()
        return self.people[next(iter(found))] if len(found) == 1 else None


def load(paths: Iterable[str], known: Iterable[str] = ()) -> Roster:
    """Read class lists: nbgrader's database (a file, or a URL), or CSV files.

    Parameters
    ----------
    paths : iterable of str
    known : iterable of str
        Ids that the gradebook has: of several ids in a row of a CSV file, the one that is known is the student's.

    Raises
    ------
    ValueError
        If one cannot be read, or has no column that names people.
    """
    # A gradebook's ids are those that grading uses: it comes first, whatever the order of the arguments.
    paths = list(paths)
    books = [list(_database(path)) for path in paths if _is_database(path)]
    ids = {id_.casefold(): id_ for id_ in (*known, *(person.id for people in books for person in people))}
    return Roster([*books, *(_csv(path, ids) for path in paths if not _is_database(path))])


def _is_database(path: str) -> bool:
    if "://" in path:
        return True
    try:
        with open(path, "rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError as error:
        raise ValueError(f"`--roster` must be a file that can be read, got {path}: {error.strerror}") from None


def _database(path: str) -> Iterator[Person]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    url = path if "://" in path else f"sqlite:///file:{Path(path).resolve()}?mode=ro&uri=true"
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT id, first_name, last_name, email, lms_user_id FROM student")).all()
    except SQLAlchemyError as error:
        raise ValueError(f"`--roster` must be a gradebook of nbgrader, got {path}: {str(error)[:200]}") from None
    finally:
        engine.dispose()
    for id_, first, last, email, lms in rows:
        said = {"first_name": first, "last_name": last, "email": email}
        person = _person(str(id_), {key: str(value) for key, value in said.items() if value})
        if lms:
            person.keys |= {f"{kind}:{lms}".casefold() for kind in ("canvas", "number", "login")}
        yield person


def _csv(path: str, ids: Mapping[str, str]) -> Iterator[Person]:
    if Path(path).stat().st_size > LARGEST:
        raise ValueError(f"`--roster` must be smaller than {LARGEST // 2**20} MB, got {path}")
    try:
        text = _decoded(Path(path).read_bytes())
        first_line = text.partition("\n")[0]
        delimiter = max(",;\t", key=first_line.count)
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"`--roster` must be a CSV file in UTF-8, UTF-16 or cp1252, or nbgrader's database, got {path}: {error}"
        ) from None
    raw = [" ".join(cell.split()) for cell in rows[0]] if rows else []
    found = False
    known: dict[str, Person] = {}
    for cells in rows[1:]:
        row = {head.lower(): cell.strip() for head, cell in zip(raw, cells, strict=False) if cell.strip()}
        if (person := _of_row(row, ids)) is not None:
            found = True
            if known.setdefault(person.id, person) != person and name_key(person.id) not in person.names:
                raise ValueError(f"`--roster` must have each id once, got {path} with {person.id} in two rows")
            yield person
    if not found:
        raise ValueError(
            f"`--roster` must have a column that names people (such as username, SIS Login ID, ID number, "
            f"Email address, Full name), got {path} with {', '.join(raw)[:200] or 'no columns'}"
        )


def _decoded(raw: bytes) -> str:
    """Return the text of a list; Excel writes UTF-16 with a mark, and cp1252 without one."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252")


def _of_row(row: Mapping[str, str], known: Mapping[str, str]) -> Person | None:
    """Return the person of a row; None if it is about nobody. Ids that are known are given in lower case."""
    canvas = "student" in row and "id" in row and ("sis login id" in row or "sis user id" in row or "section" in row)
    if canvas and not row["id"].isdigit():
        return None  # "Points Possible"
    ids = [row[key] for key in _IDS if key in row]
    if "github_username" in row and "identifier" in row:  # GitHub Classroom's roster
        ids.insert(0, row["identifier"])
    if "id" in row and not canvas:
        ids.insert(0, row["id"])
    fitting = list(dict.fromkeys(known[made] for one in ids if (made := student_id(one).casefold()) in known))
    keys = set()
    identifier = row.get("identifier", "").rpartition(" ")[2]
    if identifier.isdigit() and "github_username" not in row:  # "Participant 101" of Moodle's grading worksheet
        keys.add(f"moodle:{identifier}")
        ids.append(row["identifier"])
    if canvas:
        keys.add(f"canvas:{row['id']}")
        ids.append(row["student"])
    if "github_username" in row:
        keys.add(f"github:{row['github_username']}")
    names = [row[key] for key in _FULL if key in row]
    if not ids and not names and not any(key in row for key in (*_FIRST, *_LAST)):
        return None
    own = next((made for made in [*fitting, *map(student_id, [*ids, *names])] if made), "")
    person = _person(own, row) if own else None
    if person is not None and len(fitting) > 1:  # by its platform's number it may be either, by an id it is that one
        person = Person(own, rivals=tuple(fitting[1:]))
    if person is not None:
        person.keys |= {key.casefold() for key in keys}
        person.time = next((row[key] for key in _TIMES if row.get(key, "-") != "-"), "")
    return person


def _person(id_: str, row: Mapping[str, str]) -> Person:
    keys = {f"id:{id_}", f"login:{id_}"}
    for kind, columns in (("login", _LOGINS), ("number", _NUMBERS), ("sid", _NUMBERS), ("email", _EMAILS)):
        keys |= {f"{kind}:{row[column]}" for column in columns if column in row}
    names = set()
    for full in (row[key] for key in _FULL if key in row):
        names |= {name_key(full)}
        last, comma, first = full.partition(",")
        if comma:
            names |= {name_key(first + last)}
    first = next((row[key] for key in _FIRST if key in row), "")
    last = next((row[key] for key in _LAST if key in row), "")
    if first or last:
        names |= {name_key(first + last), name_key(last + first)}
    return Person(id_, {key.casefold() for key in keys}, {name for name in names if name})
