"""Write requests: JSON body, `If-Match` and `Idempotency-Key`, and their OpenAPI documentation."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final

from flask import Response, request
from marshmallow import Schema

from newsapi.cache.cached_response import ENCODING_SUFFIX
from newsapi.errors import FieldError, InvalidBody, InvalidParameter, WrongMediaType
from newsapi.server.front import READ_METHODS
from newsapi.server.ignored_params import is_ignored
from newsapi.text.json_types import JsonObject
from newsapi.text.strict_json import InvalidJson, parse_line
from newsapi.web import idempotency
from newsapi.web.authorization import require_caller
from newsapi.web.context import app_context
from newsapi.web.idempotency import SaveResponse, StoredResponse
from newsapi.web.preconditions import ANY_VERSION, NO_PRECONDITION, VersionPrecondition

JSON: Final = "application/json"
PATCH: Final = "application/merge-patch+json"

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG: Final = re.compile(r'(W/)?"([^"]*)"')
_VERSION: Final = re.compile(rf"v([1-9][0-9]{{0,8}}){ENCODING_SUFFIX}", re.ASCII)


def json_body(media_type: str = JSON, *, required: bool = True) -> JsonObject:
    """Parse the body of the current request as a JSON object.

    JSON that parsers may read in different ways (such as repeated keys) is rejected, as in import records. Form media
    types are rejected because a browser would send them across origins without a preflight.

    Args:
        media_type: The only accepted media type.
        required: Whether an empty body is an error.

    Returns:
        The parsed object; `{}` for an empty body that is not required.

    Raises:
        InvalidParameter: The URL has a query string.
        WrongMediaType: The body has another media type, or a charset other than UTF-8.
        InvalidBody: The body is not a valid JSON object.
    """
    reject_query_params()
    raw = request.get_data(cache=True)
    if not raw.strip() and not required:
        return {}
    if request.mimetype != media_type or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise WrongMediaType(media_type)
    try:
        return parse_line(raw.strip())
    except InvalidJson as error:
        raise InvalidBody([FieldError(error.pointer, error.message)]) from error


def reject_query_params() -> None:
    """Reject any query parameter that is not ignored, for operations that have none.

    Raises:
        InvalidParameter: The URL has a query string.
    """
    names = [name for name in request.args if request.method not in READ_METHODS or not is_ignored(name)]
    if names:
        message = "is not a parameter; this operation has no query parameters"
        raise InvalidParameter([FieldError(name[:100], message) for name in names])


def parse_if_match() -> VersionPrecondition:
    """Return the precondition of the `If-Match` header of the current request.

    A suffix that a compressing proxy has appended is ignored: the version alone says what the client has read.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return NO_PRECONDITION
    if header.strip() == "*":
        return ANY_VERSION
    # If-Match uses strong comparison: a weak ETag never matches (RFC 9110, section 13.1.1).
    matches = [_VERSION.fullmatch(etag) for weak, etag in _ETAG.findall(header) if not weak]
    return VersionPrecondition(frozenset(int(match[1]) for match in matches if match))


def idempotent(command: Callable[[SaveResponse], StoredResponse]) -> Response:
    """Execute a write, at most once per `Idempotency-Key`, and return its response.

    A repeated request (same key, method, path and body) within 24 hours returns the first response.

    Args:
        command: Executes the write. It passes its response to the given function inside its transaction, so that the
            response is stored together with the effect.

    Returns:
        The response of the write, or the stored response of the first request.

    Raises:
        InvalidParameter: The `Idempotency-Key` is malformed.
    """
    idempotency_key = request.headers.get("Idempotency-Key")
    if idempotency_key is None:
        return write_response(command(idempotency.without_key))
    if not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise InvalidParameter([FieldError("Idempotency-Key", "must be 1 to 255 visible ASCII characters")])
    content = b"\0".join((request.method.encode(), request.path.encode(), request.get_data(cache=True)))
    request_digest = hashlib.sha256(content).digest()
    context = app_context()
    context.require_database()
    return write_response(idempotency.run_once(context, require_caller(), idempotency_key, request_digest, command))


def write_response(response: StoredResponse) -> Response:
    """Return the response of a write, and let this process's cache follow the write at once.

    Args:
        response: Status, headers and JSON body; an empty body is sent without a content type.
    """
    app_context().response_cache.follower.after_local_write()
    flask_response = Response(response.body, response.status, content_type=JSON)
    if not response.body:
        flask_response.headers.pop("Content-Type")
    flask_response.headers.update(response.headers)
    return flask_response


# --- OpenAPI documentation --------------------------------------------------------------------------------------------

_TAG_HEADER = {
    "description": "Current version of the resource, to be sent as `If-Match`",
    "schema": {"type": "string", "example": '"v7"'},
}
ETAG_HEADER: Final = {"ETag": _TAG_HEADER}
LOCATION_HEADER: Final = {
    **ETAG_HEADER,
    "Location": {"description": "URL of the new resource", "schema": {"type": "string", "format": "uri"}},
}


def requires_key() -> JsonObject:
    """Return the OpenAPI attributes of an operation that needs a key."""
    return {"security": [{"key": []}]}


def documents_body(
    schema: type[Schema] | None = None,
    *,
    media_type: str = JSON,
    with_idempotency_key: bool = False,
    versioned: bool = False,
) -> JsonObject:
    """Return the OpenAPI attributes of a write: security, request body and headers.

    Args:
        schema: Schema of the request body; None for an operation without a body.
        media_type: Media type of the request body.
        with_idempotency_key: Whether the operation takes an `Idempotency-Key`.
        versioned: Whether the operation takes `If-Match`.

    Returns:
        Keyword arguments for `Blueprint.doc`.
    """
    parameters = []
    if with_idempotency_key:
        parameters.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "description": "Client-generated key. A repeated request with the same key and body within 24 hours"
                " returns the first response and is not executed again.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    if versioned:
        parameters.append(
            {
                "in": "header",
                "name": "If-Match",
                "description": "`ETag` of the version that the change is based on. If the resource has changed since,"
                " the request fails with 412.",
                "schema": {"type": "string", "example": '"v7"'},
            }
        )
    attributes = requires_key()
    if parameters:
        attributes["parameters"] = parameters
    if schema is not None:
        attributes["requestBody"] = {"required": True, "content": {media_type: {"schema": schema}}}
    return attributes
