"""The pictures of the demo, served by the demo itself so that it needs no other host."""

from __future__ import annotations

import re

import flask
from flask import Response

from newsapi.demo.content import PATH, PICTURES
from newsapi.errors import NotFound

_NAME = re.compile(r"[a-z0-9-]+\.jpg", re.ASCII)


def blueprint() -> flask.Blueprint:
    """Make the route; it is registered by a demo alone and is not in the document."""
    made = flask.Blueprint("demo_pictures", __name__)

    @made.get(f"{PATH}/<name>")
    def picture(name: str) -> Response:
        found = PICTURES / name
        if not _NAME.fullmatch(name) or not found.is_file():
            raise NotFound
        return Response(found.read_bytes(), content_type="image/jpeg", headers={"Cache-Control": "max-age=86400"})

    return made
