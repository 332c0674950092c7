"""Images of the demo, served by the API so that the demo needs no other host, in the sizes that responses link to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import flask
from flask import Response, request

from newsapi.demo.content import PICTURES, PICTURES_PATH
from newsapi.demo.resizing import PictureResizer
from newsapi.errors import NotFound

_NAME = re.compile(r"[a-z0-9-]+\.jpg", re.ASCII)
_SIZE = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,3})-(0(?:\.\d{1,4})?|1)-(0(?:\.\d{1,4})?|1)", re.ASCII)
_HEADERS: Final = {"Cache-Control": "max-age=86400", "Vary": "Accept"}


def blueprint(folder: Path) -> flask.Blueprint:
    """Return the blueprint of the demo's images; only the demo registers it, and OpenAPI does not document it.

    Args:
        folder: The folder in which resized images are kept.
    """
    flask_blueprint = flask.Blueprint("demo_pictures", __name__)
    resizer = PictureResizer(folder)

    @flask_blueprint.get(f"{PICTURES_PATH}/<name>")
    def image(name: str) -> Response:
        file = PICTURES / name
        if not _NAME.fullmatch(name) or not file.is_file():
            raise NotFound
        query = request.query_string.decode("ascii", "replace")
        if not query:
            return Response(file.read_bytes(), content_type="image/jpeg", headers=_HEADERS)
        size = _SIZE.fullmatch(query)
        accepts_webp = "image/webp" in request.headers.get("Accept", "")
        resized = size and resizer.resize(
            Path(str(file)),
            (int(size[1]), int(size[2])),
            (float(size[3]), float(size[4])),
            accepts_webp=accepts_webp,
        )
        if not resized:
            raise NotFound
        return Response(resized.content, content_type=resized.media_type, headers=_HEADERS)

    return flask_blueprint
