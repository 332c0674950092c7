"""What an import file has in place of a record, or beside it: problems, omissions and warnings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """A problem with a line or a value in it: a JSON pointer (RFC 6901) and a message."""

    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class Omission:
    """Something of a file that is not imported, for the report.

    Attributes:
        kind: What it is: a singular noun in lower case, such as `page`, `comment` or `menu item`.
        detail: The title, URL or reason that identifies it to a reader; empty if there is none.
    """

    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RecordWarning:
    """Something that was changed or assumed in a record that is imported: a JSON pointer (RFC 6901) and a message."""

    pointer: str
    message: str
