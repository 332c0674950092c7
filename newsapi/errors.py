"""What can go wrong, in the words of the trade; no HTTP in it. Each error carries its facts as attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict
from uuid import UUID


class Gone(TypedDict):
    """Why an article that was public is no more: the `gone` object of the contract."""

    at: str
    action: Literal["unpublished", "withdrawn"]
    reason: str
    note: str | None
    replaced_by: str | None


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input: where it is and what would be right.

    `place` is a JSON pointer (RFC 6901) for a body and the name of a parameter for a query.
    """

    place: str
    message: str


class NewsError(Exception):
    """Anything this package refuses to do, or cannot do; `str()` is a sentence for the person who asked.

    `seq` is the change as of which it is true, where it is an answer of its own: there is nothing here, it is gone.
    """

    seq: int | None = None


class NotFound(NewsError):
    """There is no such thing, or none that the caller may know of: the two are told in the same words."""

    def __init__(self, *, seq: int | None = None) -> None:
        """Say it without naming what was asked for."""
        super().__init__("There is nothing at this address.")
        self.seq = seq


class Withdrawn(NewsError):
    """The article was public and is no more."""

    def __init__(self, gone: Gone, id_: UUID, *, seq: int | None = None) -> None:
        """Keep when, how and why it went, and which it was."""
        super().__init__("This article was published and is no longer available.")
        self.gone = gone
        self.id = id_
        self.seq = seq


class Renamed(NewsError):
    """The thing is now under another slug."""

    def __init__(self, slug: str, id_: UUID | None = None, *, seq: int | None = None) -> None:
        """Keep the slug it has now, and the id of an article."""
        super().__init__(f"It is now called {slug}.")
        self.id = id_
        self.slug = slug
        self.seq = seq


class Invalid(NewsError):
    """An input that cannot be taken, with every place that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults in the order they were found."""
        super().__init__("; ".join(f"{fault.place}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class BadCursor(NewsError):
    """A cursor that was not made here, or was altered."""

    def __init__(self, reason: str) -> None:
        """Say what is wrong with it; start again without one."""
        super().__init__(reason)


class ExpiredCursor(NewsError):
    """A cursor that was good once."""

    def __init__(self) -> None:
        """Say how to go on."""
        super().__init__("This cursor has expired; start again from the first page.")


class Behind(NewsError):
    """The database has not reached the change the caller wants to see."""

    def __init__(self, wanted: int, reached: int) -> None:
        """Keep both numbers."""
        super().__init__(f"Change {wanted} is not here yet; the last one is {reached}.")
        self.wanted, self.reached = wanted, reached


class Unavailable(NewsError):
    """The database does not answer, or not in time."""

    def __init__(self) -> None:
        """Say no more: what it said may hold what is not for everybody."""
        super().__init__("The database does not answer.")


class ReaderDied(NewsError):
    """A process that read lines for an import was killed."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "A process that read lines was killed, perhaps for want of memory. What was imported stays; run it again."
        )


class SchemaMissing(NewsError):
    """The database has no tables of ours, or older ones."""

    def __init__(self) -> None:
        """Say what to run."""
        super().__init__("The database is not up to date; run `newsapi db upgrade`.")
