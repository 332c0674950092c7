"""The registry of problem types (RFC 9457).

The error handlers, the pages at `/problems/NAME`, the error responses of the OpenAPI document and
`docs/reference/problems.md` are derived from it. A new problem type is an entry here and an exception in
`newsapi.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from newsapi import errors
from newsapi.errors import NewsError


@dataclass(frozen=True)
class ProblemType:
    """A problem type.

    Attributes:
        name: The last part of the URL in `type`.
        status: Status code of the response.
        title: The same text in every response of this type.
        explanation: What happened.
        remedy: What the client can do.
        errors: The exceptions that become this problem.
        other_statuses: Status codes of exceptions for which it is not `status`.
    """

    name: str
    status: int
    title: str
    explanation: str
    remedy: str
    errors: tuple[type[NewsError], ...]
    other_statuses: Mapping[type[NewsError], int] = field(default_factory=dict)

    @property
    def statuses(self) -> tuple[int, ...]:
        """All status codes of this type, the usual one first."""
        return (self.status, *self.other_statuses.values())

    def status_of(self, error: type[NewsError]) -> int:
        """Return the status code of the response to an exception of this type."""
        return self.other_statuses.get(error, self.status)


_ALL = (
    ProblemType(
        "bad-parameter",
        400,
        "Invalid query parameter",
        "A query parameter is unknown, is given more than once, or has an invalid value.",
        "Each entry of errors names the parameter and says what is allowed.",
        (errors.InvalidParameter,),
    ),
    ProblemType(
        "cursor-invalid",
        400,
        "Invalid cursor",
        "A cursor is an opaque text made by this API: use page.next or page.prev of a response unchanged. This cursor"
        " was altered or truncated, or was made for another list.",
        "Start again without a cursor.",
        (errors.CursorInvalid,),
    ),
    ProblemType(
        "key-missing",
        401,
        "API key required",
        "The operation needs an API key. Writes need a key; most reads do not.",
        "Send an API key: Authorization: Bearer KEY.",
        (errors.KeyMissing,),
    ),
    ProblemType(
        "key-unknown",
        401,
        "Invalid API key",
        "The API key of the request does not exist, has expired or was revoked.",
        "Use a valid key; public reads need none.",
        (errors.KeyUnknown,),
    ),
    ProblemType(
        "scope-missing",
        403,
        "Insufficient scope",
        "The API key is valid, but lacks the scope that the member scope names.",
        "Ask the issuer of the key for that scope.",
        (errors.ScopeMissing,),
    ),
    ProblemType(
        "not-found",
        404,
        "Not found",
        "There is no resource at this URL, or it is not public.",
        "Check the URL.",
        (errors.NotFound,),
    ),
    ProblemType(
        "move-not-allowed",
        409,
        "Status transition not allowed",
        "The article cannot change from its current status to the requested one.",
        "Choose one of the statuses in the member allowed.",
        (errors.TransitionNotAllowed,),
    ),
    ProblemType(
        "in-use",
        409,
        "Resource in use",
        "The slug belongs to another resource, or other resources depend on the one to be deleted. Nothing was"
        " changed.",
        "Choose another slug; merge a term that is in use instead of deleting it.",
        (errors.ResourceInUse,),
    ),
    ProblemType(
        "cursor-expired",
        410,
        "Cursor expired",
        "The cursor is too old, or its list cannot be continued from it any more. Cursors of lists are valid for at"
        " least 30 days, those of /v1/changes for at least 400 days.",
        "Start again without a cursor.",
        (errors.CursorExpired,),
    ),
    ProblemType(
        "gone",
        410,
        "No longer public",
        "The article was published, and has been unpublished or withdrawn. The member gone says when, how and, if it"
        " was stated, why.",
        "Delete your copies of the article.",
        (errors.NoLongerPublic,),
    ),
    ProblemType(
        "token-expired",
        410,
        "Link expired",
        "The link was valid, and has expired, was used or was revoked.",
        "Request a new link.",
        (errors.TokenExpired,),
    ),
    ProblemType(
        "version-stale",
        412,
        "The resource has changed",
        "The resource has changed since the version in If-Match. The ETag of this response and its member version are"
        " the current version.",
        "Read the resource again, and repeat your change if it still applies.",
        (errors.VersionConflict,),
    ),
    ProblemType(
        "bad-body",
        422,
        "Invalid request body",
        "The request body cannot be processed.",
        "Each entry of errors points to a location in the request body (a JSON pointer) and says what is wrong there.",
        (errors.InvalidBody,),
    ),
    ProblemType(
        "idempotency-conflict",
        422,
        "Idempotency-Key conflict",
        "An Idempotency-Key identifies one request for 24 hours: the same request gets the first response, another"
        " request with the same key is rejected with 422. While the first request is being executed, the status is"
        " 409.",
        "After 422 use a new key; after 409 try again a second later.",
        (errors.IdempotencyKeyReused, errors.IdempotentRequestInProgress),
        {errors.IdempotentRequestInProgress: 409},
    ),
    ProblemType(
        "version-missing",
        428,
        "If-Match required",
        "The update needs the header If-Match. With it, the API rejects the update if the article has changed since, so"
        " that you do not overwrite changes that you have not seen.",
        "Read the article with your API key and send its ETag as If-Match.",
        (errors.PreconditionRequired,),
    ),
    ProblemType(
        "rate-limited",
        429,
        "Too many requests",
        "RateLimit-Policy states the number of requests per time window.",
        "Wait for the number of seconds in Retry-After.",
        (errors.RateLimited,),
    ),
    ProblemType(
        "behind",
        503,
        "Requested change not available yet",
        "min_seq asks for a change that the database has not reached.",
        "Try again after the number of seconds in Retry-After.",
        (errors.ReplicaBehind,),
    ),
    ProblemType(
        "unavailable",
        503,
        "Service unavailable",
        "A service that this API depends on does not respond: the database, its disk, the search index or the mail"
        " server.",
        "Try again after the number of seconds in Retry-After.",
        (
            errors.Unavailable,
            errors.DiskFull,
            errors.SearchUnavailable,
            errors.MailNotConfigured,
            errors.MigrationsPending,
        ),
    ),
)

PROBLEM_TYPES = {problem_type.name: problem_type for problem_type in _ALL}
"""Every problem type by its name, in the order of the status codes."""

PROBLEM_TYPE_OF_ERROR = {error: problem_type for problem_type in _ALL for error in problem_type.errors}
"""The problem type of each exception that becomes a problem."""

BLANK_PROBLEMS: Mapping[int, str] = {
    400: "The request is malformed.",
    405: "The resource does not support this method. The header Allow lists those that it supports.",
    406: "The resource has no media type that the header Accept names.",
    408: "The request body arrived too slowly.",
    413: "The request body is too large.",
    415: "The request body has another media type than the one in Accept-Post or Accept-Patch.",
}
"""Meaning of the status codes of problems without a type of their own (`about:blank`, titled as the status code)."""


def response_description(status: HTTPStatus) -> str:
    """Return the description of the error responses with a status code, for the OpenAPI document."""
    types = [problem_type for problem_type in _ALL if status in problem_type.statuses]
    if types:
        return "; ".join(f"{problem_type.title} (`{problem_type.name}`)" for problem_type in types)
    return BLANK_PROBLEMS.get(status, status.phrase)
