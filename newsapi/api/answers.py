"""From a finished answer to a response: kept if it is still true, built if not, refused with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request

from newsapi.api import problems, requests
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer, Asked, reply
from newsapi.cache.bridge import FRONT, GIVEN
from newsapi.cache.pages import Given
from newsapi.errors import NotFound, Renamed, Withdrawn
from newsapi.store.database import Connection
from newsapi.store.keyset import period


def cached(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Response:
    """Send the answer kept for an address, where it is still true, or else build one in one snapshot and keep it.

    What is not there, is gone or has another name is kept like any answer.
    """
    found = parts()

    def built() -> Answer:
        with found.database.reading() as connection:
            try:
                return build(connection)
            except (NotFound, Renamed, Withdrawn) as error:
                return problems.refusal(error, address)

    key = f"{period(found.now())}:{address}"
    return _respond(found.pages.get(key, built, min_seq=query["min_seq"]))


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
