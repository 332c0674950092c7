"""flask-smorest as we use it: strict queries, problems documented as such, and which fields mean what in OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from importlib.resources import files
from typing import Any, NoReturn

import flask_smorest
import orjson
from flask import Flask, Request
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser

from newsapi import __version__
from newsapi.errors import Fault, Invalid
from newsapi.schemas import wire
from newsapi.schemas.queries import Moments, Paged, Read, allowed

DESCRIPTION = """\
News content for front ends, apps and partners: articles, brands, authors, sections and related lists as JSON.

Times are RFC 3339 in UTC. Lists are read page by page with the cursors they answer. Errors are RFC 9457 problems.
Unknown parameters are refused. Answers gain fields over time: expect more than you know."""


class StrictParser(FlaskParser):
    """Refuses what it does not know, what comes twice, and says what it does know."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": RAISE}

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """Read the query; raises Invalid where a parameter comes twice."""
        del schema
        found = req.args.to_dict(flat=False)
        twice = [name for name, values in found.items() if len(values) > 1]
        if twice:
            raise Invalid([Fault(_shown(name), "may be given once; join values by commas") for name in twice])
        return {name: value for name, (value,) in found.items()}

    def handle_error(
        self, error: ValidationError, req: Request, schema: Schema, *, error_status_code: int | None, error_headers: Any
    ) -> NoReturn:
        """Turn what marshmallow found into our own error."""
        del req, error_status_code, error_headers
        messages: dict[str, Any] = error.messages.get("query", {})  # type: ignore[union-attr]
        raise Invalid(list(_faults(messages, schema))) from error


def _faults(messages: dict[str, Any], schema: Schema) -> Iterable[Fault]:
    known = allowed(type(schema))
    for name, found in messages.items():
        for fault in wire.faults(found):
            unknown = name not in known
            text = f"is not a parameter here; allowed are {', '.join(known)}" if unknown else fault.message
            yield Fault(_shown(name), text)


def _shown(name: str) -> str:
    """A parameter's name as it may be repeated: no end of it, and nothing that cannot be printed."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name[:100])


class Blueprint(flask_smorest.Blueprint):
    """A blueprint with the strict parser, and a document that says what every read can answer."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Take what flask-smorest takes."""
        super().__init__(name, *args, **kwargs)
        self._prepare_doc_cbks.append(self._complete)

    def write(self, *statuses: int) -> Callable[[Any], Any]:
        """Say which errors an operation with a key can answer, beside those that all of them can."""

        def decorate(view: Any) -> Any:
            for status in sorted({*EVERY_WRITE, *statuses}):
                view = self.alt_response(status, HTTPStatus(status).name)(view)
            return view

        return decorate

    def _complete(self, doc: dict[str, Any], info: dict[str, Any], **_: object) -> dict[str, Any]:
        """Give an operation its docstring as the description, and the answers that its view need not name."""
        info["docstring"] = {"description": info["docstring"]["summary"]}
        responses = doc.setdefault("responses", {})
        if "security" in info["manual_doc"]:
            everywhere: tuple[HTTPStatus, ...] = ()
        else:
            everywhere = EVERY_READ if self._reads(doc) else (HTTPStatus.UNAUTHORIZED,)
        for status in everywhere:
            responses.setdefault(str(status.value), status.name)
        if any(isinstance(parameter.get("schema"), Paged) for parameter in doc.get("parameters", ())):
            responses.setdefault("410", HTTPStatus.GONE.name)
        for status in [status for status, response in responses.items() if response == "DEFAULT_ERROR"]:
            if str(status) != "default":
                responses[status] = HTTPStatus(int(status)).name
        _illustrate(responses, EXAMPLES.get(info["manual_doc"]["operationId"], {}))
        return doc

    def _reads(self, doc: dict[str, Any]) -> bool:
        """Whether an operation reads content, as all below /v1 do."""
        queries = [parameter.get("schema") for parameter in doc.get("parameters", ())]
        return (self.url_prefix or "").startswith("/v1") or any(isinstance(query, Read) for query in queries)


def _illustrate(responses: dict[str, Any], examples: dict[str, dict[str, Any]]) -> None:
    """Give answers their examples; one that is told by its name alone is first spelt out."""
    for status in [status for status in responses if str(status) in examples]:
        code = HTTPStatus(int(status))
        if responses[status] == code.name:
            problem = {"application/problem+json": {"schema": wire.Problem}}
            responses[status] = {"description": code.phrase, "content": problem}
        for content in responses[status]["content"].values():
            content["examples"] = examples[str(status)]


EXAMPLES = orjson.loads((files("newsapi.api") / "examples.json").read_bytes())
"""By operation and status: answers of the demo, each with the address that it answers as its `summary`."""

EVERY_READ = (
    HTTPStatus.NOT_MODIFIED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)

EVERY_WRITE = (400, 401, 403, 415, 422, 429, 503)


KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "Public reads need no key. One that is sent must be known, or the answer is 401.",
}


class Api(flask_smorest.Api):
    """The document: made from the views and schemas, with errors as problem+json."""

    ERROR_SCHEMA = wire.Problem

    def __init__(self, app: Flask) -> None:
        """Take the application, whose version and title stand here."""
        settings = app.extensions["newsapi"].settings
        docs = f"{settings.api_url}/docs"
        app.config.update(
            API_TITLE="newsapi",
            API_VERSION=__version__,
            OPENAPI_VERSION="3.1.0",
            API_SPEC_OPTIONS={
                "info": {
                    "description": DESCRIPTION,
                    "contact": {"name": settings.publisher or "The publisher of this server", "url": docs},
                    "license": {"name": "Each article under its own rights", "url": f"{docs}#/articles/getArticle"},
                },
                "servers": [{"url": "/", "description": "This server"}],
                "security": [{}, {"key": []}],
            },
        )
        super().__init__()
        for field, kind in FIELDS.items():
            self.register_field(field, *kind)
        self.init_app(app)
        self.spec.components.security_scheme("key", KEY)

    def _register_responses(self) -> None:
        """Document every error as what it is sent as."""
        usual = "application/json"
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = usual

    def _register_etag_headers(self) -> None:
        """Leave out headers of theirs that we do not send."""

    def _register_pagination_header(self) -> None:
        """Leave out their way of paging."""

    def _register_error_handlers(self) -> None:
        """Leave errors to `api.problems`."""


FIELDS: dict[type, tuple[str | None, str | None]] = {
    wire.Instant: ("string", "date-time"),
    fields.Url: ("string", "uri"),
    Moments: (None, None),  # either of two, each with its type
}
