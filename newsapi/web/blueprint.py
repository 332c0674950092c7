"""flask-smorest adapted to this API: strict query parsing, documented problems and examples, OpenAPI field types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from http import HTTPStatus
from importlib.resources import files
from typing import NoReturn, TypeVar

import flask_smorest
import orjson
import yaml
from flask import Flask, Request
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser

from newsapi import __version__
from newsapi.errors import FieldError, InvalidParameter
from newsapi.text.json_types import JsonObject, JsonValue
from newsapi.web import wire
from newsapi.web.fast_dump import dump_json
from newsapi.web.params import InstantOrDateParam, PageParams, ReadParams, parameter_names
from newsapi.web.problem_types import response_description

DESCRIPTION = """\
News content for front ends, apps and partners: articles, brands, authors, sections and related lists as JSON.

Times are RFC 3339 in UTC. Lists are paginated with opaque cursors: follow `page.next` and `page.prev`. Errors are
RFC 9457 problem details (`application/problem+json`). Unknown query parameters are rejected with 400, except that reads
ignore `utm_*`, `fbclid`, `gclid` and `_`, and feeds and sitemaps ignore all unknown ones. New fields may be added to
responses at any time; clients must ignore fields they do not know."""


_View = TypeVar("_View")


class StrictParser(FlaskParser):
    """Query parser that rejects unknown and repeated parameters, and names the allowed ones."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": RAISE}

    def load_querystring(self, req: Request, schema: Schema) -> dict[str, str]:
        """Return the query parameters of a request, without those that the read ignores.

        Raises:
            InvalidParameter: A parameter is given more than once.
        """
        values_by_name = req.args.to_dict(flat=False)
        if isinstance(schema, ReadParams):
            values_by_name = {name: values for name, values in values_by_name.items() if not schema.ignores(name)}
        repeated = [name for name, values in values_by_name.items() if len(values) > 1]
        if repeated:
            message = "must be given only once; separate several values with commas"
            raise InvalidParameter([FieldError(_shown(name), message) for name in repeated])
        return {name: value for name, (value,) in values_by_name.items()}

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: object,
    ) -> NoReturn:
        """Convert a marshmallow error to the API's own.

        Raises:
            InvalidParameter: Always.
        """
        del req, error_status_code, error_headers
        messages: dict[str, object] = error.messages.get("query", {})  # type: ignore[union-attr]
        raise InvalidParameter(list(_faults(messages, schema))) from error


def _faults(messages: dict[str, object], schema: Schema) -> Iterable[FieldError]:
    known = parameter_names(type(schema))
    for name, details in messages.items():
        for field_error in wire.field_errors(details):
            message = field_error.message if name in known else f"is not a parameter; allowed are {', '.join(known)}"
            yield FieldError(_shown(name), message)


def _shown(name: str) -> str:
    """Return a parameter name that is safe to repeat: at most 100 characters, unprintable ones replaced."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name[:100])


class Blueprint(flask_smorest.Blueprint):
    """Blueprint with the strict query parser, which also documents the responses that all operations share."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, *args: JsonValue, **kwargs: JsonValue) -> None:
        """Take the arguments of flask-smorest's blueprint."""
        super().__init__(name, *args, **kwargs)
        self._prepare_doc_cbks.append(self._complete)

    def documents_errors(self, *statuses: int) -> Callable[[_View], _View]:
        """Document the error responses of an operation that needs a key.

        Args:
            *statuses: Status codes in addition to `EVERY_WRITE`.

        Returns:
            A decorator for view methods.
        """

        def decorate(view: _View) -> _View:
            for status in sorted({*EVERY_WRITE, *statuses}):
                view = self.alt_response(status, HTTPStatus(status).name)(view)
            return view

        return decorate

    def _complete(self, doc: JsonObject, info: JsonObject, **_: object) -> JsonObject:
        """Use the whole docstring as the description of an operation, and add the responses that operations share."""
        info["docstring"] = {"description": _description(**info["docstring"])}
        responses = doc.setdefault("responses", {})
        if "security" in info["manual_doc"]:
            shared: tuple[HTTPStatus, ...] = ()
        else:
            shared = EVERY_READ if self._reads(doc) else (HTTPStatus.UNAUTHORIZED,)
        for status in shared:
            responses.setdefault(str(status.value), status.name)
        if any(isinstance(parameter.get("schema"), PageParams) for parameter in doc.get("parameters", ())):
            responses.setdefault("410", HTTPStatus.GONE.name)
        for status in [status for status, response in responses.items() if response == "DEFAULT_ERROR"]:
            if str(status) != "default":
                responses[status] = HTTPStatus(int(status)).name
        _add_examples(responses, EXAMPLES.get(info["manual_doc"]["operationId"], {}))
        return doc

    def _reads(self, doc: JsonObject) -> bool:
        """Whether an operation reads content, as all operations below /v1 do."""
        queries = [parameter.get("schema") for parameter in doc.get("parameters", ())]
        return (self.url_prefix or "").startswith("/v1") or any(isinstance(query, ReadParams) for query in queries)


def _description(summary: str, description: str = "") -> str:
    """Return a docstring as Markdown with one line for each paragraph."""
    paragraphs = [*summary.split("\n\n"), *description.split("\n\n")]
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip())


def _add_examples(responses: JsonObject, examples: dict[str, JsonObject]) -> None:
    """Add examples to responses; a response that is given by name only is first written out as a problem."""
    for status in [status for status in responses if str(status) in examples]:
        code = HTTPStatus(int(status))
        if responses[status] == code.name:
            problem = {"application/problem+json": {"schema": wire.Problem}}
            responses[status] = {"description": code.phrase, "content": problem}
        for content in responses[status]["content"].values():
            content["examples"] = examples[str(status)]


EXAMPLES = orjson.loads((files("newsapi.web") / "examples.json").read_bytes())
"""Responses of the demo, by operationId and status; the `summary` of each is the URL of its request."""

EVERY_READ = (
    HTTPStatus.NOT_MODIFIED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)

EVERY_WRITE = (400, 401, 403, 415, 422, 429, 503)


API_KEY_SECURITY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key. Public reads need none; a request with an invalid key is rejected with 401.",
}


_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The dumper in C, where there is one, writes the same text in a third of the time."""


class Api(flask_smorest.Api):
    """OpenAPI document, generated from the views and schemas, with errors as `application/problem+json`."""

    ERROR_SCHEMA = wire.Problem

    def __init__(self, app: Flask) -> None:
        """Set the title, version and servers of the document, and register the application's routes in it.

        The attribute `webhooks` takes the path items of the calls that the server makes, by their names.

        Args:
            app: The application; its `extensions["newsapi"]` must hold the `AppContext`.
        """
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
                    "license": {"name": "See the `rights` of each article", "url": f"{docs}#/articles/getArticle"},
                },
                "servers": [{"url": "/", "description": "This server"}],
                "security": [{}, {"key": []}],
            },
        )
        super().__init__()
        self.webhooks: Mapping[str, object] = {}
        for field, type_and_format in FIELD_PLUGIN.items():
            self.register_field(field, *type_and_format)
        self.init_app(app)
        self.spec.components.security_scheme("key", API_KEY_SECURITY)

    @cached_property
    def document(self) -> JsonObject:
        """The OpenAPI document. It is built once, when all routes are registered."""
        return {**self.spec.to_dict(), "webhooks": self.webhooks}

    @cached_property
    def document_as_json(self) -> bytes:
        """The OpenAPI document as JSON."""
        return dump_json(self.document)

    @cached_property
    def document_as_yaml(self) -> str:
        """The OpenAPI document as YAML, as in the file `openapi.yaml` of the repository."""
        return yaml.dump(self.document, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120)

    def _register_responses(self) -> None:
        """Document the shared error responses as `application/problem+json`."""
        default = "application/json"
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = default
        for status in HTTPStatus:
            self.spec.components.responses_lazy[status.name]["description"] = response_description(status)

    def _register_etag_headers(self) -> None:
        """Document no ETag request headers: the views document their own."""

    def _register_pagination_header(self) -> None:
        """Document no pagination header: pages are described by the response body."""

    def _register_error_handlers(self) -> None:
        """Register no error handlers: `api.problems` does."""


FIELD_PLUGIN: dict[type, tuple[str | None, str | None]] = {
    wire.Instant: ("string", "date-time"),
    fields.Url: ("string", "uri"),
    InstantOrDateParam: (None, None),  # the field documents its two alternatives itself
}
