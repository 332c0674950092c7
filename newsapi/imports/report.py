"""The report of an import: what became of the records of a file, and what is not in the result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final, TypedDict, cast

from newsapi.errors import FieldError
from newsapi.imports.record_notes import Omission

MAX_REPORTED: Final = 100
"""Errors, warnings and articles left as they are that a report contains; further ones are only counted."""

MAX_PLACES: Final = 5
"""Places of the file that a report names for each kind of omission."""

MAX_KINDS: Final = 100
"""Kinds of omissions that are counted apart; further ones count as `other`."""

MAX_DETAIL_CHARACTERS: Final = 200
"""Length to which titles and other details of a file are cut."""


class RecordError(TypedDict):
    """An error or a warning: the line on which the record begins, a JSON pointer (RFC 6901) into it, and a message."""

    line: int
    pointer: str
    message: str


class Place(TypedDict):
    """A place in a file: a line, and the title, URL or reason that identifies what is there."""

    line: int
    detail: str


class OmissionCount(TypedDict):
    """Things of one kind that are in the file and not in the result, with the first places."""

    kind: str
    count: int
    places: list[Place]


class LeftArticle(TypedDict):
    """An article of which an import left fields as they are, because they were changed here."""

    line: int
    slug: str
    left_fields: list[str]


class LeftArticles(TypedDict):
    """The number of articles that were left as they are, wholly or in some fields, and the first ones."""

    count: int
    places: list[LeftArticle]


class OutcomeNumbers(TypedDict):
    """Numbers of records by outcome."""

    created: int
    updated: int
    unchanged: int
    rejected: int


class ReportDocument(TypedDict, total=False):
    """A report as a JSON object; a report that was not begun has no members."""

    created: int
    updated: int
    unchanged: int
    rejected: int
    articles: OutcomeNumbers
    terms: OutcomeNumbers
    left_out: dict[str, int]
    omissions: list[OmissionCount]
    left_as_is: LeftArticles
    warning_count: int
    warnings: list[RecordError]
    errors: list[RecordError]


@dataclass(slots=True)
class Counts:
    """Number of records by outcome."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def add(self, outcome: str, count: int = 1) -> None:
        """Count records with an outcome."""
        setattr(self, outcome, getattr(self, outcome) + count)

    def to_json(self) -> OutcomeNumbers:
        """Return the numbers as a JSON object."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
        }


@dataclass(slots=True)
class ImportReport:
    """What an import did so far.

    Attributes:
        articles: The articles by outcome; rejected records whose type is unknown count as articles.
        terms: The brands, authors, sections and tags by outcome.
        omissions: What is not in the result, by kind.
        left: The articles with fields that were left as they are.
        warnings: The first warnings.
        warning_count: The number of all warnings.
        errors: The first errors of rejected records.
    """

    articles: Counts = field(default_factory=Counts)
    terms: Counts = field(default_factory=Counts)
    omissions: dict[str, OmissionCount] = field(default_factory=dict)
    left: LeftArticles = field(default_factory=lambda: LeftArticles(count=0, places=[]))
    warnings: list[RecordError] = field(default_factory=list)
    warning_count: int = 0
    errors: list[RecordError] = field(default_factory=list)

    @property
    def total(self) -> Counts:
        """The number of all records by outcome."""
        names = ("created", "updated", "unchanged", "rejected")
        return Counts(*(getattr(self.articles, name) + getattr(self.terms, name) for name in names))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found in the file."""
        return self.total == Counts() and not self.omissions

    def add_omission(self, line: int, omission: Omission, count: int = 1) -> None:
        """Count something that is not in the result."""
        kind = omission.kind[:MAX_DETAIL_CHARACTERS]
        if kind not in self.omissions and len(self.omissions) >= MAX_KINDS:
            kind = "other"
        entry = self.omissions.setdefault(kind, {"kind": kind, "count": 0, "places": []})
        entry["count"] += count
        place: Place = {"line": line, "detail": omission.detail[:MAX_DETAIL_CHARACTERS]}
        if len(entry["places"]) < MAX_PLACES and place not in entry["places"]:
            entry["places"].append(place)

    def add_warning(self, line: int, pointer: str, message: str) -> None:
        """Add a warning about a record that is imported."""
        self.warning_count += 1
        if len(self.warnings) < MAX_REPORTED:
            self.warnings.append({"line": line, "pointer": pointer, "message": message})

    def add_left_article(self, line: int, slug: str, fields: Iterable[str]) -> None:
        """Add an article with the fields that were left as they are."""
        self.left["count"] += 1
        if len(self.left["places"]) < MAX_REPORTED:
            self.left["places"].append({"line": line, "slug": slug, "left_fields": list(fields)})

    def add_error(self, line: int, error: FieldError) -> None:
        """Add an error; the rejected record is counted apart, because it may have several errors."""
        if len(self.errors) < MAX_REPORTED:
            self.errors.append({"line": line, "pointer": error.location, "message": error.message})

    def to_json(self) -> ReportDocument:
        """Return the report as a JSON object."""
        return {
            **self.total.to_json(),
            "articles": self.articles.to_json(),
            "terms": self.terms.to_json(),
            "left_out": {kind: entry["count"] for kind, entry in self.omissions.items()},
            "omissions": list(self.omissions.values()),
            "left_as_is": {
                "count": self.left["count"],
                "places": sorted(self.left["places"], key=itemgetter("line")),  # batches skip known lines first
            },
            "warning_count": self.warning_count,
            "warnings": self.warnings,
            "errors": self.errors,
        }

    @classmethod
    def from_json(cls, document: ReportDocument) -> ImportReport:
        """Return the report that `to_json` wrote; missing members are empty."""
        report = cls(warning_count=document.get("warning_count", 0))
        for counts, numbers in ((report.articles, document.get("articles")), (report.terms, document.get("terms"))):
            for outcome, number in (numbers or {}).items():
                counts.add(outcome, cast("int", number))
        report.omissions = {entry["kind"]: entry for entry in document.get("omissions", [])}
        report.left = document.get("left_as_is", report.left)
        report.warnings, report.errors = document.get("warnings", []), document.get("errors", [])
        return report
