"""Health checks, and the documentation pages of problems."""

from __future__ import annotations

from html import escape

from flask import Response
from flask.views import MethodView
from marshmallow import fields

from newsapi import __version__
from newsapi.changelog import failed_changes
from newsapi.changelog import offsets as changelog_offsets
from newsapi.changelog.offsets import ConsumerState
from newsapi.db.database import is_read_only
from newsapi.errors import NotFound, Unavailable
from newsapi.migrations.upgrade import is_current
from newsapi.web.blueprint import Blueprint
from newsapi.web.context import app_context
from newsapi.web.fast_dump import dump_json
from newsapi.web.params import SLUG_OR_ID_SCHEMA
from newsapi.web.problem_types import PROBLEM_TYPES
from newsapi.web.wire import OutputSchema, format_instant

blueprint = Blueprint("system", __name__, description="Health checks and problem documentation")


class Health(OutputSchema):
    """Liveness of the process."""

    status = fields.String(required=True, metadata={"example": "ok"})
    version = fields.String(required=True)


class Readiness(OutputSchema):
    """Readiness of the process to serve requests, with the state of each part."""

    status = fields.String(
        required=True,
        metadata={
            "x-extensible-enum": ["ready", "degraded", "not ready"],
            "description": "`degraded` if requests are served, and a part of the background work fails",
        },
    )
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
        """Return 200 if the database can be read, takes writes and has the current schema.

        Reads work without Redis and without replicas, whose states are in `parts`.

        Problems of the background work, such as a CDN that refuses purges, are named in `parts` and do not change the
        HTTP status: requests are served.
        """
        parts = {"database": _database(), "cache": app_context().response_cache.shared.state()}
        if (replicas := app_context().reads.state()) is not None:
            parts["replicas"] = replicas
        status = "ready" if parts["database"] == "ok" else "not ready"
        if status == "ready":
            background_parts, is_degraded = _background_work()
            parts |= background_parts
            status = "degraded" if is_degraded else status
        body = {"status": status, "parts": parts}
        return Response(dump_json(body), 503 if status == "not ready" else 200, content_type="application/json")


def _database() -> str:
    if app_context().response_cache.follower.is_unavailable:
        return "does not respond"
    try:
        with app_context().database.read_transaction() as connection:
            if is_read_only(connection):
                return "refuses writes: it is a replica, or read-only"
            return "ok" if is_current(connection) else "not up to date: run newsapi db upgrade"
    except Unavailable:
        return "does not respond"


def _background_work() -> tuple[dict[str, str], bool]:
    """Return the state of each consumer of the changelog and of the search index, and whether one has a problem.

    The text of an error is not shown: this page is public, and `newsapi consumers list` has it.
    """
    index_consumers = app_context().index_consumers
    try:
        with app_context().database.read_transaction() as connection:
            head = changelog_offsets.changelog_head(connection)
            consumers = changelog_offsets.list_consumers(connection)
            failed_counts = failed_changes.count_by_consumer(connection)
            search = app_context().search_index.state(connection)
    except Unavailable:
        return dict.fromkeys([*index_consumers, "search"], "unknown"), False
    # A consumer that the settings turn off keeps its offset and its problems, which nothing will solve.
    states = [state for state in consumers if state.consumer not in app_context().unused_consumers]
    problems = {state.consumer: _problem(state, failed_counts.get(state.consumer, 0)) for state in states}
    parts = {name: "waiting for a worker" for name, consumer in index_consumers.items() if consumer not in problems}
    for state in states:
        lag = max(0, head.seq - state.seq) if state.consumer in index_consumers.values() else 0
        parts[state.consumer] = problems[state.consumer] or (f"{lag} changes behind" if lag else "ok")
    parts["search"] = search.text
    return parts, search.is_failing or any(problems.values())


def _problem(state: ConsumerState, failed_count: int) -> str:
    """Return what is wrong with a consumer; empty if nothing is."""
    problems = []
    if state.failing_since is not None:
        problems.append(f"failing since {format_instant(state.failing_since)}")
    if failed_count:
        problems.append(f"{failed_count} changes set aside")
    return ", ".join(problems)


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
