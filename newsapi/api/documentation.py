"""The document: as JSON at `/openapi.json`, to read and try at `/docs`, from files that are all served here."""

from __future__ import annotations

from importlib.resources import files

import flask
from flask import Response

from newsapi.api.blueprints import Api
from newsapi.schemas.dump import json

_FILES = files("newsapi.api") / "swagger"

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


def blueprint(api: Api) -> flask.Blueprint:
    """Make the routes; they are not in the document that they show."""
    made = flask.Blueprint("documentation", __name__)

    @made.get("/openapi.json")
    def document() -> Response:
        return Response(json(api.spec.to_dict()), content_type="application/json", headers=_KEEP)

    @made.get("/docs")
    def page() -> Response:
        return Response(_PAGE, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})

    @made.get("/docs/<name>")
    def file(name: str) -> Response:
        if name == "start.js":
            return Response(_START, content_type="text/javascript", headers=_KEEP)
        found, ending = _FILES / name, name[name.rfind(".") :]
        if ending not in _TYPES or "/" in name or not found.is_file():
            flask.abort(404)
        return Response(found.read_bytes(), content_type=_TYPES[ending], headers=_KEEP)

    return made


_KEEP = {"Cache-Control": "max-age=3600"}
