"""From a finished answer to a response: kept if it is still true, built if not, refused with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request

from newsapi.api import access, problems, requests
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer, Asked, reply
from newsapi.cache.bridge import FRONT, GIVEN
from newsapi.cache.pages import Given
from newsapi.errors import Behind, NotFound, Renamed, Withdrawn
from newsapi.store.database import Connection
from newsapi.store.keyset import period


def cached(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Response:
    """Send the answer kept for an address, where it is still true, or else build one in one snapshot and keep it.

    What is not there, is gone or has another name is kept like any answer.
    """
    found = parts()
    if access.caller() is not None or "preview" in query:
        return private(address, query, build)

    def built() -> Answer:
        found.limits.count()
        with found.database.reading() as connection:
            try:
                return build(connection)
            except (NotFound, Renamed, Withdrawn) as error:
                return problems.refusal(error, address)

    key = f"{period(found.now())}:{address}"
    return _respond(found.pages.get(key, built, min_seq=query["min_seq"]))


def private(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Response:
    """Send an answer that is for this caller alone: built for him, and kept by nobody."""
    found = parts()
    found.limits.count()
    with found.database.reading() as connection:
        try:
            answer = build(connection)
        except Renamed as error:
            answer = problems.refusal(error, address)
    if answer.seq < query.get("min_seq", 0):
        raise Behind(query["min_seq"], answer.seq)
    response = Response(answer.body, answer.status, content_type=answer.media_type)
    named = {
        "ETag": f'"v{answer.version}"' if answer.version else None,
        "Cache-Control": "private, no-store",
        "Content-Seq": str(answer.seq),
        "Link": answer.link,
        "Location": answer.location,
        "Content-Language": answer.language,
    }
    response.headers.update({name: value for name, value in named.items() if value})
    return response


def _respond(given: Given) -> Response:
    if FRONT in request.environ:
        request.environ[GIVEN] = given
        return _HANDED_ON
    found = parts()
    headers = request.headers
    asked = Asked(headers.get("Accept-Encoding"), headers.get("If-None-Match"), headers.get("If-Modified-Since"))
    age = found.pages.age(given)
    status, named, body = reply(
        given.answer,
        asked,
        given.answer.coding(asked),
        given.how,
        request_id=requests.request_id(),
        lifetime=found.cdn_lifetime,
        age=age,
        now=found.now(),
    )
    response = Response(body, status)
    response.headers.clear()
    response.headers.extend(named)
    return response


class _HandedOn(Response):
    """Stands for an answer that the front sends by itself."""

    def __call__(self, _environ: object, _start_response: object) -> Any:
        """Send nothing."""
        return ()


_HANDED_ON = _HandedOn(status=204)
