"""What keeps a service running: is it alive, can it serve, and what its problems mean."""

from __future__ import annotations

from html import escape

from flask import Response
from flask.views import MethodView
from marshmallow import fields

from newsapi import __version__
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.api.problems import KINDS
from newsapi.errors import NotFound, Unavailable
from newsapi.migrations.upgrade import is_current
from newsapi.schemas.dump import json
from newsapi.schemas.queries import ONE_NAME
from newsapi.schemas.wire import Out
from newsapi.store import places, profiles, search_index

blueprint = Blueprint("system", __name__, description="Whether it runs, and what its words mean")


class Health(Out):
    """That the process answers."""

    status = fields.String(required=True, metadata={"example": "ok"})
    version = fields.String(required=True)


class Readiness(Out):
    """Whether requests should be sent here, and why not."""

    status = fields.String(required=True, metadata={"x-extensible-enum": ["ready", "not ready"]})
    parts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


@blueprint.route("/healthz")
class Healthz(MethodView):
    """Alive."""

    @blueprint.doc(operationId="getHealth", summary="Whether the process answers")
    @blueprint.response(200, Health)
    def get(self) -> Response:
        """Always 200 while the process answers at all: it asks nobody else."""
        return Response(json({"status": "ok", "version": __version__}), content_type="application/json")


@blueprint.route("/readyz")
class Readyz(MethodView):
    """Ready."""

    @blueprint.doc(operationId="getReadiness", summary="Whether it can serve, part by part")
    @blueprint.response(200, Readiness)
    @blueprint.alt_response(503, schema=Readiness, description="Not ready; `parts` says why")
    def get(self) -> Response:
        """200 when every part that reads need is there. Redis may be away: reads go on without it."""
        state = {"database": _database(), "cache": parts().pages.shared.state()}
        if state["database"] == "ok":
            state |= {"related": _followed(profiles.LISTENER), "search": _followed(search_index.LISTENER)}
        ready = state["database"] == "ok"
        body = {"status": "ready" if ready else "not ready", "parts": state}
        return Response(json(body), 200 if ready else 503, content_type="application/json")


def _database() -> str:
    if parts().pages.follower.away:
        return "does not answer"
    try:
        with parts().database.reading() as connection:
            return "ok" if is_current(connection) else "not up to date: run newsapi db upgrade"
    except Unavailable:
        return "does not answer"


def _followed(listener: str) -> str:
    """How far the worker is with an index, of related articles or of searches: they are served whatever it says."""
    try:
        with parts().database.reading() as connection:
            behind = places.behind(connection, listener)
    except Unavailable:
        return "is not known"
    return "waits for a worker" if behind is None else f"{behind} changes behind" if behind else "ok"


@blueprint.route(
    "/problems/<name>",
    parameters=[{"in": "path", "name": "name", "description": "Name of the problem", "schema": ONE_NAME}],
)
class ProblemPage(MethodView):
    """A page about one kind of problem."""

    @blueprint.doc(operationId="getProblem", summary="What a problem means")
    @blueprint.response(200, {"type": "string"}, content_type="text/html")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="There is no such problem")
    def get(self, name: str) -> Response:
        """A page for people: what the problem is and what to do."""
        kind = KINDS.get(name)
        if kind is None:
            raise NotFound
        page = _PAGE.format(name=escape(name), status=kind.status, title=escape(kind.title), text=escape(kind.text))
        return Response(page, content_type="text/html; charset=utf-8", headers={"Cache-Control": "max-age=86400"})


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;color:#222}}
code{{background:#eee;padding:.1em .3em}}</style>
<h1>{title}</h1><p><code>{name}</code>, status {status}</p><p>{text}</p></html>
"""
