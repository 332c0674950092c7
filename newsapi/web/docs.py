"""The documentation page at `/docs`: Swagger UI, with all assets served locally."""

from __future__ import annotations

from importlib.resources import files

import flask
from flask import Response

from newsapi.web import entry_points
from newsapi.web.context import app_context
from newsapi.web.entry_points import CACHE_FOR_AN_HOUR

_FILES = files("newsapi.web") / "swagger"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>newsapi</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><main id="docs"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></body></html>
"""
_START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", validatorUrl: null, deepLinking: true});
"""
_POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'"
_TYPES = {".css": "text/css", ".js": "text/javascript"}


def blueprint() -> flask.Blueprint:
    """Return the blueprint of the documentation page. It is not part of the OpenAPI document."""
    flask_blueprint = flask.Blueprint("documentation", __name__)

    @flask_blueprint.get("/docs")
    def page() -> Response:
        link = entry_points.link_header(app_context().settings.api_url)
        headers = {"Content-Security-Policy": _POLICY, "Link": link}
        return Response(_PAGE, content_type="text/html; charset=utf-8", headers=headers)

    @flask_blueprint.get("/docs/<name>")
    def file(name: str) -> Response:
        if name == "start.js":
            return Response(_START, content_type="text/javascript", headers=CACHE_FOR_AN_HOUR)
        path, extension = _FILES / name, name[name.rfind(".") :]
        if extension not in _TYPES or "/" in name or not path.is_file():
            flask.abort(404)
        return Response(path.read_bytes(), content_type=_TYPES[extension], headers=CACHE_FOR_AN_HOUR)

    return flask_blueprint
