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

    def __str__(self) -> str:
        """The place and what is wrong there; of the whole, what is wrong."""
        return f"{self.place}: {self.message}" if self.place else self.message


class NewsError(Exception):
    """Anything this package refuses to do, or cannot do; `str()` is a sentence for the person who asked.

    `seq` is the change as of which it is true, where it is an answer of its own: there is nothing here, it is gone.
    """

    seq: int | None = None


class NotFound(NewsError):
    """There is no such thing, or none that the caller may know of: the two are told in the same words."""

    def __init__(self, *, seq: int | None = None, words: frozenset[int | str] = frozenset()) -> None:
        """Say it without naming what was asked for; `words` are those of the changes that may bring it."""
        super().__init__("There is nothing at this address.")
        self.seq = seq
        self.words = words


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
        super().__init__("; ".join(str(fault) for fault in faults))
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
    """Something that is needed is not there, or not in time: the database, if nothing else is said."""

    told = "The database does not answer."

    def __init__(self) -> None:
        """Say no more: what it said may hold what is not for everybody."""
        super().__init__(self.told)


class NoRoom(Unavailable):
    """The disk of the database is full: it answers, and can take nothing more."""

    told = "The database has no room left; reading goes on."


class NoMail(Unavailable):
    """No mail server is set, so nobody can subscribe to anything."""

    told = "No mail is sent from here (NEWSAPI_SMTP_URL is not set), so nobody can subscribe."


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


class KeyMissing(NewsError):
    """Nobody may do this without a key."""

    def __init__(self) -> None:
        """Say where a key belongs."""
        super().__init__("This needs a key: Authorization: Bearer KEY.")


class KeyUnknown(NewsError):
    """The key does not exist, has expired or was revoked: the three are told in the same words."""

    def __init__(self) -> None:
        """Say no more."""
        super().__init__("No such key.")


class ScopeMissing(NewsError):
    """The key is good, but not for this."""

    def __init__(self, scope: str) -> None:
        """Keep the scope that is missing."""
        super().__init__(f"This needs a key with the scope {scope}.")
        self.scope = scope


class VersionMissing(NewsError):
    """A write that does not say which version it is set against."""

    def __init__(self) -> None:
        """Say how."""
        super().__init__('Send If-Match with the version you have read, such as If-Match: "v7".')


class VersionStale(NewsError):
    """Somebody else wrote in between."""

    def __init__(self, version: int) -> None:
        """Keep the version that is there now."""
        super().__init__(f"It is at version {version} by now: read it again and decide anew.")
        self.version = version


class MoveNotAllowed(NewsError):
    """A status that cannot follow the present one."""

    def __init__(self, start: str, end: str, allowed: Sequence[str]) -> None:
        """Keep both, and what could follow."""
        super().__init__(f"{start} cannot become {end}; it can become {', '.join(allowed) or 'nothing else'}.")
        self.start, self.end, self.allowed = start, end, tuple(allowed)


class InUse(NewsError):
    """Something is taken, or others depend on it."""


class KeyReused(NewsError):
    """An Idempotency-Key that came with another request before."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("This Idempotency-Key was sent with another request in the last 24 hours; take a new one.")


class StillRunning(NewsError):
    """The request with this Idempotency-Key is being worked on."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("The first request with this Idempotency-Key is still being worked on; try again in a second.")


class Limited(NewsError):
    """Too many requests in too short a time; `seconds` is when to try again."""

    def __init__(self, seconds: int) -> None:
        """Keep the seconds."""
        super().__init__(f"Too many requests; try again in {seconds} s.")
        self.seconds = seconds


class TokenExpired(NewsError):
    """A link that was good once: its time is over, or it was revoked."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("This link has expired or was revoked; ask for a new one.")


class BadBody(Invalid):
    """The body of a request cannot be taken; the places of its faults are JSON pointers."""


class WrongMediaType(NewsError):
    """The body is of a media type that is not taken here."""

    def __init__(self, wanted: str) -> None:
        """Keep the one that is."""
        super().__init__(f"Send the body as {wanted}.")
        self.wanted = wanted
