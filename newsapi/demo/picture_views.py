"""Images of the demo, served by the API so that the demo needs no other host."""

from __future__ import annotations

import re

import flask
from flask import Response

from newsapi.demo.content import PICTURES, PICTURES_PATH
from newsapi.errors import NotFound

_NAME = re.compile(r"[a-z0-9-]+\.jpg", re.ASCII)


def blueprint() -> flask.Blueprint:
    """Return the blueprint of the demo's images; only the demo registers it, and OpenAPI does not document it."""
    flask_blueprint = flask.Blueprint("demo_pictures", __name__)

    @flask_blueprint.get(f"{PICTURES_PATH}/<name>")
    def image(name: str) -> Response:
        file = PICTURES / name
        if not _NAME.fullmatch(name) or not file.is_file():
            raise NotFound
        return Response(file.read_bytes(), content_type="image/jpeg", headers={"Cache-Control": "max-age=86400"})

    return flask_blueprint
