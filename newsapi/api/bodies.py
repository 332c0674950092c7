"""What a write brings: a body in JSON, the version it is set against, a word by which it is known again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from flask import Response, request
from marshmallow import Schema

from newsapi.actions import repeats
from newsapi.actions.repeats import Keep, Reply
from newsapi.api.access import writer
from newsapi.api.parts import parts
from newsapi.errors import BadBody, Fault, Invalid, WrongMediaType
from newsapi.intake.ndjson import Unreadable, parse

JSON: Final = "application/json"
PATCH: Final = "application/merge-patch+json"

_WORD: Final = re.compile(r"[\x21-\x7e]{1,255}")
_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_VERSION: Final = re.compile(r"v([1-9][0-9]{0,8})", re.ASCII)


def body(media_type: str = JSON, *, needed: bool = True) -> dict[str, Any]:
    """Read the body of this request as an object; raises WrongMediaType, BadBody.

    It is read as strictly as a line of an import: what one reader takes for one thing and another for another is
    refused. Forms are refused by their media type: a page elsewhere could have a browser send one.
    """
    plain()
    raw = request.get_data(cache=True)
    if not raw.strip() and not needed:
        return {}
    if request.mimetype != media_type or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise WrongMediaType(media_type)
    try:
        return parse(raw.strip())
    except Unreadable as error:
        raise BadBody([Fault(error.pointer, error.message)]) from error


def plain() -> None:
    """Refuse parameters of a query where there are none to be given. Raises Invalid."""
    if request.args:
        raise Invalid([Fault(name[:100], "is not a parameter here; there are none") for name in request.args])


def versions() -> Sequence[int] | None:
    """The versions that If-Match names: none where it is not sent, None where it says any will do."""
    told = request.headers.get("If-Match")
    if told is None:
        return ()
    if told.strip() == "*":
        return None
    # A weak tag never matches here (RFC 9110, 13.1.1), nor does one that we never gave.
    strong = [_VERSION.fullmatch(tag) for weak, tag in _TAG.findall(told) if not weak]
    return [int(found[1]) for found in strong if found] or [-1]


def once(act: Callable[[Keep], Reply]) -> Response:
    """Do something, and with an Idempotency-Key no more than once; answer the response."""
    word = request.headers.get("Idempotency-Key")
    if word is None:
        return sent(act(repeats.plainly))
    if not _WORD.fullmatch(word):
        raise Invalid([Fault("Idempotency-Key", "must be 1 to 255 visible characters of ASCII")])
    asked = b"\0".join((request.method.encode(), request.path.encode(), request.get_data(cache=True)))
    return sent(repeats.once(parts().desk, writer(), word, hashlib.sha256(asked).digest(), act))


def sent(reply: Reply) -> Response:
    """Send the answer to a write, after this process took note of it."""
    parts().pages.follower.wrote()
    response = Response(reply.body, reply.status, content_type=JSON)
    if not reply.body:
        response.headers.pop("Content-Type")
    response.headers.update(reply.headers)
    return response


# --- how the document tells of it -------------------------------------------------------------------------------------

_TAG_HEADER = {"description": "Its version, for If-Match", "schema": {"type": "string", "example": '"v7"'}}
TAGGED: Final = {"ETag": _TAG_HEADER}
MADE: Final = {**TAGGED, "Location": {"description": "Where it is", "schema": {"type": "string", "format": "uri"}}}


def keyed() -> dict[str, Any]:
    """What the document says of an operation that wants a key."""
    return {"security": [{"key": []}]}


def taken(
    schema: type[Schema] | None = None, *, media_type: str = JSON, once: bool = False, versioned: bool = False
) -> dict[str, Any]:
    """What the document says of a write: its body, and the headers it goes by."""
    headers = []
    if once:
        text = "A word of yours, kept for 24 hours: the same request again has one effect and gets the same answer"
        headers.append(("Idempotency-Key", text, {"type": "string", "minLength": 1, "maxLength": 255}))
    if versioned:
        headers.append(("If-Match", "The version it is set against", {"type": "string", "example": '"v7"'}))
    parameters = [
        {"in": "header", "name": name, "description": text, "schema": schema_} for name, text, schema_ in headers
    ]
    said: dict[str, Any] = {**keyed(), **({"parameters": parameters} if parameters else {})}
    if schema is not None:
        said["requestBody"] = {"required": True, "content": {media_type: {"schema": schema}}}
    return said
