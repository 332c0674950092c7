"""Health checks, and the documentation pages of problems."""

from __future__ import annotations

from html import escape

from flask import Response
from flask.views import MethodView
from marshmallow import fields

from newsapi import __version__
from newsapi.changelog import offsets as changelog_offsets
from newsapi.errors import NotFound, Unavailable
from newsapi.migrations.upgrade import is_current
from newsapi.web.blueprint import Blueprint
from newsapi.web.context import app_context
from newsapi.web.fast_dump import dump_json
from newsapi.web.params import SLUG_OR_ID_SCHEMA
from newsapi.web.problem_types import PROBLEM_TYPES
from newsapi.web.wire import OutputSchema

blueprint = Blueprint("system", __name__, description="Health checks and problem documentation")


class Health(OutputSchema):
    """Liveness of the process."""

    status = fields.String(required=True, metadata={"example": "ok"})
    version = fields.String(required=True)


class Readiness(OutputSchema):
    """Readiness of the process to serve requests, with the state of each part."""

    status = fields.String(required=True, metadata={"x-extensible-enum": ["ready", "not ready"]})
    parts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


@blueprint.route("/healthz")
class Healthz(MethodView):
    """Liveness check."""

    @blueprint.doc(operationId="getHealth", summary="Check liveness")
    @blueprint.response(200, Health)
    def get(self) -> Response:
        """Return 200 while the process runs. No other service is checked."""
        return Response(dump_json({"status": "ok", "version": __version__}), content_type="application/json")


@blueprint.route("/readyz")
class Readyz(MethodView):
    """Readiness check."""

    @blueprint.doc(operationId="getReadiness", summary="Check readiness")
    @blueprint.response(200, Readiness)
    @blueprint.alt_response(503, schema=Readiness, description="Not ready; `parts` names the cause")
    def get(self) -> Response:
        """Return 200 if the database can be read and its schema is current. Reads work without Redis."""
        state = {"database": _database(), "cache": app_context().response_cache.shared.state()}
        if state["database"] == "ok":
            state |= {name: _index_lag(consumer) for name, consumer in app_context().index_consumers.items()}
        ready = state["database"] == "ok"
        body = {"status": "ready" if ready else "not ready", "parts": state}
        return Response(dump_json(body), 200 if ready else 503, content_type="application/json")


def _database() -> str:
    if app_context().response_cache.follower.is_unavailable:
        return "does not respond"
    try:
        with app_context().database.read_transaction() as connection:
            return "ok" if is_current(connection) else "not up to date: run newsapi db upgrade"
    except Unavailable:
        return "does not respond"


def _index_lag(consumer: str) -> str:
    """Return how far an index of the worker is behind the changelog; a lag does not affect readiness."""
    try:
        with app_context().database.read_transaction() as connection:
            lag = changelog_offsets.lag(connection, consumer)
    except Unavailable:
        return "unknown"
    if lag is None:
        return "waiting for a worker"
    return f"{lag} changes behind" if lag else "ok"


@blueprint.route(
    "/problems/<name>",
    parameters=[{"in": "path", "name": "name", "description": "Name of the problem type", "schema": SLUG_OR_ID_SCHEMA}],
)
class ProblemPage(MethodView):
    """The documentation page of a problem type."""

    @blueprint.doc(operationId="getProblem", summary="Get the documentation of a problem type")
    @blueprint.response(200, {"type": "string"}, content_type="text/html")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The problem type does not exist")
    def get(self, name: str) -> Response:
        """Return an HTML page that explains the problem and what to do."""
        problem_type = PROBLEM_TYPES.get(name)
        if problem_type is None:
            raise NotFound
        page = _PAGE.format(
            name=escape(name),
            statuses=" or ".join(map(str, problem_type.statuses)),
            title=escape(problem_type.title),
            explanation=escape(problem_type.explanation),
            remedy=escape(problem_type.remedy),
        )
        return Response(page, content_type="text/html; charset=utf-8", headers={"Cache-Control": "max-age=86400"})


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;color:#222}}
code{{background:#eee;padding:.1em .3em}}</style>
<h1>{title}</h1><p><code>{name}</code>, status {statuses}</p><p>{explanation}</p>
<p>{remedy}</p></html>
"""
