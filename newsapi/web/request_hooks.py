"""Request hooks: request id, access log, CORS preflight, and the headers of every response."""

from __future__ import annotations

import time
from uuid import uuid4

import structlog
from flask import Flask, Response, current_app, g, request

from newsapi.cache.cached_response import EXPOSED_HEADERS
from newsapi.server.response_sender import REQUEST_ID
from newsapi.server.wsgi_bridge import ENV_CACHE_RESULT, ENV_ROUTE
from newsapi.tracing import spans
from newsapi.web import authorization, rate_limits
from newsapi.web.context import app_context

log = structlog.get_logger("newsapi.access")


CORS_ALLOWED_HEADERS = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key"


def register_hooks(app: Flask) -> None:
    """Register the hooks that run before and after every request."""
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str:
    """Return the id of the current request: `X-Request-Id` of the client if it is well-formed, else a new one."""
    if "request_id" not in g:
        client_id = request.headers.get("X-Request-Id", "")
        g.request_id = client_id if REQUEST_ID.fullmatch(client_id) else uuid4().hex
    id_: str = g.request_id
    return id_


def route() -> str:
    """Return the route of the current request, such as `GET /v1/articles/<slug_or_id>`; "" if none matches."""
    return f"{request.method} {request.url_rule.rule}" if request.url_rule else ""


def _begin() -> Response | None:
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id())
    request.environ[ENV_ROUTE] = route()
    if traceparent := spans.current_traceparent():
        structlog.contextvars.bind_contextvars(trace_id=traceparent.split("-")[1])
        if request.url_rule:
            spans.name_request(spans.current(), route())
    if request.method == "OPTIONS" and request.routing_exception is None:
        return _preflight()
    authorization.authenticate_request()
    if (caller := authorization.current_caller()) is not None:
        app_context().usage.count(caller.id, app_context().now())
    if authorization.current_caller() is not None or request.method not in {"GET", "HEAD"}:
        app_context().limits.count()
    return None


def _preflight() -> Response:
    path = request.url_rule.rule if request.url_rule else ""
    rules = [rule for rule in current_app.url_map.iter_rules() if rule.rule == path]
    methods = ", ".join(sorted({method for rule in rules for method in rule.methods or ()}))
    response = Response(status=204)
    response.headers.pop("Content-Type")
    response.headers["Allow"] = methods
    response.headers["Access-Control-Allow-Methods"] = methods
    response.headers["Access-Control-Allow-Headers"] = CORS_ALLOWED_HEADERS
    response.headers["Access-Control-Max-Age"] = "86400"
    return response


def _end(response: Response) -> Response:
    result = request.environ.get(ENV_CACHE_RESULT)
    if result is None:  # otherwise the asynchronous server sends the response and its headers
        headers = response.headers
        headers["X-Request-Id"] = request_id()
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Vary", "Accept-Encoding, Authorization")
        if authorization.current_caller() is not None:
            headers["Cache-Control"] = "private, no-store"
        headers.setdefault("Cache-Control", "no-store")
        rate_limits.add_headers(response)
    log.info(
        "request",
        method=request.method,
        path=request.path[:500],
        status=result.response.status if result else response.status_code,
        ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
    )
    return response
