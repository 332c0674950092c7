"""Errors of the package, independent of HTTP. Each error carries its facts as attributes.

`newsapi.web.problem_types` maps them to problem types and status codes, which `docs/reference/contract.md` promises to
clients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict
from uuid import UUID


class WithdrawalInfo(TypedDict):
    """When, how and why an article stopped being public: the `gone` object of the API.

    `note` is public. `replaced_by` is the slug of the article that replaces it.
    """

    at: str
    action: Literal["unpublished", "withdrawn"]
    reason: str
    note: str | None
    replaced_by: str | None


@dataclass(frozen=True)
class FieldError:
    """One error in an input: its location, and a message that says what is wrong or what is allowed.

    `location` is a JSON pointer (RFC 6901) into a request body or record, the name of a query parameter, or empty for
    the input as a whole.
    """

    location: str
    message: str

    def __str__(self) -> str:
        """Return the location and the message, or the message alone if it is about the whole input."""
        return f"{self.location}: {self.message}" if self.location else self.message


class NewsError(Exception):
    """Base class of every error that the package raises on purpose; `str()` is a sentence for the client or user.

    `seq` is set where the error is itself a cacheable response (not found, withdrawn, renamed): the changelog position
    at which it is valid.
    """

    seq: int | None = None


class NotFound(NewsError):
    """The resource does not exist, or the caller may not know about it: both cases have the same message."""

    def __init__(self, *, seq: int | None = None, dependencies: frozenset[int | str] = frozenset()) -> None:
        """Build a message that does not name the resource.

        Args:
            seq: The changelog position at which the resource did not exist.
            dependencies: The dependencies of this response: a change to one of them may create the resource.
        """
        super().__init__("There is no resource at this URL.")
        self.seq = seq
        self.words = dependencies


class NoLongerPublic(NewsError):
    """The article was public and no longer is: withdrawn, unpublished, or its rights have expired."""

    def __init__(self, gone: WithdrawalInfo, id_: UUID, *, seq: int | None = None) -> None:
        super().__init__("This article was published and is no longer available.")
        self.gone = gone
        self.id = id_
        self.seq = seq


class Renamed(NewsError):
    """The resource now has another slug; `id` is set if it is an article."""

    def __init__(self, slug: str, id_: UUID | None = None, *, seq: int | None = None) -> None:
        super().__init__(f"The slug of this resource is now {slug}.")
        self.id = id_
        self.slug = slug
        self.seq = seq


class InvalidParameter(NewsError):
    """An invalid input, with all of its field errors."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.faults = tuple(errors)


class CursorInvalid(NewsError):
    """A cursor that this API did not create, that was altered, or that belongs to another list."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class CursorExpired(NewsError):
    """A valid cursor whose lifetime has ended."""

    def __init__(self) -> None:
        super().__init__("This cursor has expired; start again from the first page.")


class ReplicaBehind(NewsError):
    """The database has not reached the change that the client requires with `min_seq`."""

    def __init__(self, requested: int, latest: int) -> None:
        super().__init__(f"Change {requested} is not available yet; the latest change is {latest}.")
        self.wanted, self.reached = requested, latest


class SnapshotOutdated(NewsError):
    """The response has to be built from a newer snapshot of the database; clients never see this."""


class Unavailable(NewsError):
    """A service that the package needs did not respond in time; the database, unless a subclass says otherwise.

    `public_detail` is the message, a sentence for clients. It never includes `cause`, which is for operators: it names
    hosts and files.
    """

    public_detail = "The database is not responding."

    def __init__(self, cause: str | None = None) -> None:
        """Build the message for clients; `cause` says in one line what failed, without credentials."""
        super().__init__(self.public_detail)
        self.cause = cause


def describe_cause(error: BaseException) -> str:
    """Return why an error was raised, for a log line: the cause that it names, or the error that it was raised from."""
    named_cause = error.cause if isinstance(error, Unavailable) else None
    return named_cause or repr(error.__cause__ or error)[:300]


class DiskFull(Unavailable):
    """The disk of the database is full: reads work, writes fail."""

    public_detail = "The disk of the database is full; reads are still possible."


class SearchUnavailable(Unavailable):
    """There is no search index, or it does not follow the changelog in time."""

    public_detail = "The search index is not up to date yet; try again in a moment."


class MailNotConfigured(Unavailable):
    """No mail server is configured, so email subscriptions are disabled."""

    public_detail = "Email subscriptions are disabled: no mail server is configured (NEWSAPI_SMTP_URL is not set)."


class ParserProcessDied(NewsError):
    """A parser process of an import was killed."""

    def __init__(self) -> None:
        super().__init__(
            "A parser process was killed, possibly for lack of memory. Records imported so far are kept; run the"
            " import again to continue."
        )


class MigrationsPending(NewsError):
    """The database has no tables, or migrations have not been applied."""

    def __init__(self) -> None:
        super().__init__("The database is not up to date; run `newsapi db upgrade`.")


class KeyMissing(NewsError):
    """The request requires an API key and has none."""

    def __init__(self) -> None:
        super().__init__("This request requires an API key: Authorization: Bearer KEY.")


class KeyUnknown(NewsError):
    """The API key does not exist, has expired or was revoked: all three have the same message."""

    def __init__(self) -> None:
        super().__init__("Unknown API key.")


class ScopeMissing(NewsError):
    """The API key is valid but lacks a scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This request requires an API key with the scope {scope}.")
        self.scope = scope


class PreconditionRequired(NewsError):
    """An update without `If-Match`."""

    def __init__(self) -> None:
        super().__init__('Send If-Match with the version that you have read, such as If-Match: "v7".')


class VersionConflict(NewsError):
    """An update based on an old version; `version` is the current one."""

    def __init__(self, version: int) -> None:
        super().__init__(f"The current version is {version}: read it again and repeat your change.")
        self.version = version


class TransitionNotAllowed(NewsError):
    """A status transition that is not allowed; `allowed` has the statuses that may follow the current one."""

    def __init__(self, start: str, end: str, allowed: Sequence[str]) -> None:
        super().__init__(f"Cannot change from {start} to {end}; allowed: {', '.join(allowed) or 'none'}.")
        self.start, self.end, self.allowed = start, end, tuple(allowed)


class ResourceInUse(NewsError):
    """A slug that is taken, or a resource that others depend on."""


class IdempotencyKeyReused(NewsError):
    """An Idempotency-Key that was sent with a different request before."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was sent with a different request in the last 24 hours; use a new one.")


class IdempotentRequestInProgress(NewsError):
    """The first request with this Idempotency-Key has not finished."""

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still in progress; try again in a second.")


class RateLimited(NewsError):
    """Too many requests; `seconds` is the time to wait before the next one."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many requests; try again in {seconds} s.")
        self.seconds = seconds


class TokenExpired(NewsError):
    """A token that has expired, was used or was revoked."""

    def __init__(self) -> None:
        super().__init__("This link has expired or was revoked; request a new one.")


class InvalidBody(InvalidParameter):
    """An invalid request body; the locations of its field errors are JSON pointers."""


class WrongMediaType(NewsError):
    """A request body in a media type that is not accepted; `wanted` is the accepted one."""

    def __init__(self, accepted: str) -> None:
        super().__init__(f"Send the request body as {accepted}.")
        self.wanted = accepted
