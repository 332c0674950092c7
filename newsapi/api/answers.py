"""Read responses: cached, private and long-polled."""

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
    """Return the cached response of a URL if it is still valid; otherwise build and cache it.

    404, 410 and 308 responses are cached like 200s. Requests with a key or a preview token are never cached.

    Args:
        url: Canonical URL of the read, the cache key.
        query: Parsed query parameters.
        build: Builds the response inside one read transaction. It may raise NotFound, NoLongerPublic or Renamed.

    Returns:
        The Flask response; in the asynchronous server, a placeholder for the response that the server sends itself.
    """
    if access.caller() is not None or "preview" in query:
        return private(address, query, build)
    return _respond(_given(address, query, build))


def held(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer], seconds: int) -> Response:
    """Return a response; if it has no news, wait until a dependency changes or the timeout expires.

    In the asynchronous server, waiting requests are parked on the event loop and hold no thread. Under another server
    at most `MAX_HELD_THREADS` threads wait; further requests get their response at once, with `Retry-After`. The
    response is sent as `private, no-store`.

    Args:
        url: Canonical URL of the read.
        query: Parsed query parameters.
        build: Builds the response inside one read transaction; it sets `has_no_news` if there is nothing to report.
        seconds: Maximum time to wait.

    Returns:
        The response as of the last build.
    """
    context, is_public = parts(), access.caller() is None
    end = time.monotonic() + seconds

    def load() -> Answer:
        if is_public:
            return _given(address, query, build).answer
        changelog_snapshot = context.pages.follower.known()
        built = _built(query, build)
        built.line = changelog_snapshot.line if changelog_snapshot is not None else None
        return built

    current = load()
    if FRONT in request.environ:
        request.environ[HOLD] = Hold(current, seconds) if current.idle else None
        return _private(current)
    if not current.idle:
        return _private(current)
    if not context.held.acquire(blocking=False):
        response = _private(current)
        response.headers["Retry-After"] = str(AGAIN)
        return response
    try:
        while time.monotonic() < end:
            time.sleep(DUE)
            changelog_snapshot = context.pages.follower.known()
            if changelog_snapshot is not None and not context.pages.follower.judge(current, changelog_snapshot):
                current = load()
                if not current.idle:
                    break
    finally:
        context.held.release()
    return _private(current)


def _given(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Given:
    """Return the cached response of a URL if it is still valid; otherwise build and cache it."""
    context = parts()

    def build_or_refuse() -> Answer:
        context.limits.count()
        with context.database.reading() as connection:
            try:
                return build(connection)
            except (NotFound, Renamed, Withdrawn) as error:
                return problems.refusal(error, address)

    key = f"{period(context.now())}:{address}"
    return context.pages.get(key, build_or_refuse, min_seq=query["min_seq"])


def private(address: str, query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Response:
    """Build a response for this caller only, which is never cached.

    Args:
        url: Canonical URL or path of the read, used in redirects.
        query: Parsed query parameters.
        build: Builds the response inside one read transaction.

    Returns:
        The response, with `Cache-Control: private, no-store`; 308 if `build` raises Renamed.
    """
    try:
        return _private(_built(query, build))
    except Renamed as error:
        return _private(problems.refusal(error, address))


def _built(query: Mapping[str, Any], build: Callable[[Connection], Answer]) -> Answer:
    """Return a response built for one caller.

    Raises:
        ReplicaBehind: The database has not reached the change that `min_seq` names.
    """
    context = parts()
    context.limits.count()
    with context.database.reading() as connection:
        built = build(connection)
    if built.seq < query.get("min_seq", 0):
        raise Behind(query["min_seq"], built.seq)
    return built


def _private(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, content_type=answer.media_type)
    headers = {
        "ETag": f'"v{answer.version}"' if answer.version else None,
        "Cache-Control": "private, no-store",
        "Content-Seq": str(answer.seq),
        "Link": answer.link,
        "Location": answer.location,
        "Content-Language": answer.language,
    }
    response.headers.update({name: value for name, value in headers.items() if value})
    return response


def _respond(result: Given) -> Response:
    if FRONT in request.environ:
        request.environ[GIVEN] = result
        return _HANDED_ON
    context = parts()
    headers = request.headers
    conditions = Asked(headers.get("Accept-Encoding"), headers.get("If-None-Match"), headers.get("If-Modified-Since"))
    age = context.pages.age(result)
    status, response_headers, body = reply(
        result.answer,
        conditions,
        result.answer.coding(conditions),
        result.how,
        request_id=requests.request_id(),
        lifetime=context.cdn_lifetime,
        age=age,
        now=context.now(),
    )
    response = Response(body, status)
    response.headers.clear()
    response.headers.extend(response_headers)
    return response


class _HandedOn(Response):
    """Placeholder for a response that the asynchronous server sends itself."""

    def __call__(self, _environ: object, _start_response: object) -> Any:
        """Send nothing."""
        return ()


_HANDED_ON = _HandedOn(status=204)
