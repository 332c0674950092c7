"""From a finished answer to a response: kept if it is still true, built if not, refused with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request

from newsapi.api import access, problems, requests
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer, Asked, reply
from newsapi.cache.bridge import FRONT, GIVEN, HOLD, Hold
from newsapi.cache.follower import DUE
from newsapi.cache.front import AGAIN
from newsapi.cache.pages import Given
from newsapi.errors import Behind, NotFound, Renamed, Withdrawn
from newsapi.store.database import Connection
from newsapi.store.keyset import period


def cached(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Response:
    """Send the answer kept for an address, where it is still true, or else build one in one snapshot and keep it.

    What is not there, is gone or has another name is kept like any answer.
    """
    if access.caller() is not None or "preview" in query:
        return private(address, query, build)
    return _respond(_given(address, query, build))


def held(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer], seconds: int) -> Response:
    """Send an answer as it is now; where it says that nothing happened, wait for so many seconds until something did.

    The front waits, without a thread; under another server a few threads may, and who comes on top is told to ask
    again. Nobody keeps it.
    """
    found, public = parts(), access.caller() is None
    end = time.monotonic() + seconds

    def answered() -> Answer:
        if public:
            return _given(address, query, build).answer
        stamp = found.pages.follower.known()
        answer = _built(query, build)
        answer.line = stamp.line if stamp is not None else None
        return answer

    answer = answered()
    if FRONT in request.environ:
        request.environ[HOLD] = Hold(answer, seconds) if answer.idle else None
        return _private(answer)
    if not answer.idle:
        return _private(answer)
    if not found.held.acquire(blocking=False):
        response = _private(answer)
        response.headers["Retry-After"] = str(AGAIN)
        return response
    try:
        while time.monotonic() < end:
            time.sleep(DUE)
            stamp = found.pages.follower.known()
            if stamp is not None and not found.pages.follower.judge(answer, stamp):
                answer = answered()
                if not answer.idle:
                    break
    finally:
        found.held.release()
    return _private(answer)


def _given(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Given:
    """Answer what is kept for an address, where it is still true, or else what is built for it."""
    found = parts()

    def built() -> Answer:
        found.limits.count()
        with found.database.reading() as connection:
            try:
                return build(connection)
            except (NotFound, Renamed, Withdrawn) as error:
                return problems.refusal(error, address)

    key = f"{period(found.now())}:{address}"
    return found.pages.get(key, built, min_seq=query["min_seq"])


def private(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Response:
    """Send an answer that is for this caller alone: built for him, and kept by nobody."""
    try:
        return _private(_built(query, build))
    except Renamed as error:
        return _private(problems.refusal(error, address))


def _built(query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Answer:
    """Build an answer for one caller. Raises Behind, beside what `build` raises."""
    found = parts()
    found.limits.count()
    with found.database.reading() as connection:
        answer = build(connection)
    if answer.seq < query.get("min_seq", 0):
        raise Behind(query["min_seq"], answer.seq)
    return answer


def _private(answer: Answer) -> Response:
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
