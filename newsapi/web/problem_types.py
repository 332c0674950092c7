"""Problem types: the status code, title and documentation text of each, and the type of each error."""

from __future__ import annotations

from typing import NamedTuple

from newsapi.errors import (
    CursorExpired,
    CursorInvalid,
    DiskFull,
    IdempotencyKeyReused,
    IdempotentRequestInProgress,
    InvalidBody,
    InvalidParameter,
    KeyMissing,
    KeyUnknown,
    MailNotConfigured,
    MigrationsPending,
    NewsError,
    NoLongerPublic,
    NotFound,
    PreconditionRequired,
    RateLimited,
    ReplicaBehind,
    ResourceInUse,
    ScopeMissing,
    TokenExpired,
    TransitionNotAllowed,
    Unavailable,
    VersionConflict,
)


class ProblemType(NamedTuple):
    """A problem type: its status code, its title, and the text of its documentation page."""

    status: int
    title: str
    text: str


PROBLEM_TYPES = {
    "bad-parameter": ProblemType(
        400,
        "Invalid query parameter",
        "A query parameter is unknown, is given more than once, or has an invalid value. Each entry of errors names the"
        " parameter and says what is allowed.",
    ),
    "cursor-invalid": ProblemType(
        400,
        "Invalid cursor",
        "A cursor is an opaque text made by this API: use page.next or page.prev of a response unchanged. This cursor"
        " was altered or truncated, or was made for another list. Start again without a cursor.",
    ),
    "cursor-expired": ProblemType(
        410,
        "Cursor expired",
        "The cursor is too old, or its list cannot be continued from it any more. Cursors of lists are valid for at"
        " least 30 days, those of /v1/changes for at least 400 days. Start again without a cursor.",
    ),
    "not-found": ProblemType(404, "Not found", "There is no resource at this URL, or it is not public."),
    "gone": ProblemType(
        410,
        "No longer public",
        "The article was published, and has been unpublished or withdrawn. The member gone says when, how and, if it"
        " was stated, why. Delete your copies of the article.",
    ),
    "key-unknown": ProblemType(
        401,
        "Invalid API key",
        "The API key of the request does not exist, has expired or was revoked. Public reads need no key.",
    ),
    "key-missing": ProblemType(
        401,
        "API key required",
        "Send an API key: Authorization: Bearer KEY. Writes need a key; most reads do not.",
    ),
    "scope-missing": ProblemType(
        403,
        "Insufficient scope",
        "The API key is valid, but lacks the scope that the member scope names. Ask the issuer of the key for that"
        " scope.",
    ),
    "bad-body": ProblemType(
        422,
        "Invalid request body",
        "Each entry of errors points to a location in the request body (a JSON pointer) and says what is wrong there.",
    ),
    "version-missing": ProblemType(
        428,
        "If-Match required",
        "Read the article with your API key and send its ETag as If-Match. The API then rejects the update if the"
        " article has changed since, so that you do not overwrite changes that you have not seen.",
    ),
    "version-stale": ProblemType(
        412,
        "The resource has changed",
        "The resource has changed since the version in If-Match. The ETag of this response is the current version: read"
        " it, and repeat your change if it still applies.",
    ),
    "move-not-allowed": ProblemType(
        409,
        "Status transition not allowed",
        "The article cannot change from its current status to the requested one. The member allowed lists the possible"
        " statuses.",
    ),
    "in-use": ProblemType(
        409,
        "Resource in use",
        "The slug belongs to another resource, or other resources depend on the one to be deleted. Nothing was"
        " changed.",
    ),
    "idempotency-conflict": ProblemType(
        422,
        "Idempotency-Key conflict",
        "An Idempotency-Key identifies one request for 24 hours: the same request gets the first response, another"
        " request with the same key is rejected with 422. While the first request is being executed, the status is 409:"
        " try again a second later.",
    ),
    "token-expired": ProblemType(
        410, "Link expired", "The link was valid, and has expired or was revoked. Request a new link."
    ),
    "rate-limited": ProblemType(
        429,
        "Too many requests",
        "Wait for the number of seconds in Retry-After. RateLimit-Policy states the number of requests per time"
        " window.",
    ),
    "behind": ProblemType(
        503,
        "Requested change not available yet",
        "min_seq asks for a change that the database has not reached. Try again after the number of seconds in"
        " Retry-After.",
    ),
    "unavailable": ProblemType(
        503,
        "Service unavailable",
        "A service that this API depends on does not respond. Try again after the number of seconds in Retry-After.",
    ),
}

PROBLEM_OF_ERROR: dict[type[NewsError], str] = {
    InvalidParameter: "bad-parameter",
    CursorInvalid: "cursor-invalid",
    CursorExpired: "cursor-expired",
    NotFound: "not-found",
    NoLongerPublic: "gone",
    ReplicaBehind: "behind",
    InvalidBody: "bad-body",
    ResourceInUse: "in-use",
    KeyMissing: "key-missing",
    IdempotencyKeyReused: "idempotency-conflict",
    KeyUnknown: "key-unknown",
    RateLimited: "rate-limited",
    TransitionNotAllowed: "move-not-allowed",
    ScopeMissing: "scope-missing",
    IdempotentRequestInProgress: "idempotency-conflict",
    TokenExpired: "token-expired",
    PreconditionRequired: "version-missing",
    VersionConflict: "version-stale",
    MigrationsPending: "unavailable",
    MailNotConfigured: "unavailable",
    DiskFull: "unavailable",
    Unavailable: "unavailable",
}
