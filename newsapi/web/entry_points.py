"""The entry points of the API at `/v1`, and its OpenAPI document at `/openapi.json` and `/openapi.yaml`.

The list of entry points is derived from the document, so a new resource appears in it without further work.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import TypedDict

from flask import Response, current_app
from flask.views import MethodView
from marshmallow import fields

from newsapi import __version__
from newsapi.web import authorization, write_requests
from newsapi.web.blueprint import Api, Blueprint
from newsapi.web.context import app_context
from newsapi.web.fast_dump import dump_json
from newsapi.web.wire import OutputSchema

blueprint = Blueprint("entry-points", __name__, description="Entry points and the description of the API")

PATH = "/v1"
DOCUMENTATION_PATH = "/docs"
JSON_PATH, YAML_PATH = "/openapi.json", "/openapi.yaml"
JSON_TYPE, YAML_TYPE = "application/json", "application/yaml"
CACHE_FOR_AN_HOUR = {"Cache-Control": "max-age=3600"}
NO_KEY: dict[str, list[dict[str, list[str]]]] = {"security": [{}]}
"""OpenAPI attribute of operations that need no key, whatever the settings."""


class EntryPoint(OutputSchema):
    """A resource without parameters in its path, from which the others can be reached."""

    name = fields.String(required=True, metadata={"example": "articles"})
    title = fields.String(required=True, metadata={"description": "What a GET does", "example": "List articles"})
    href = fields.Url(required=True)
    requires_key = fields.Boolean(required=True, metadata={"description": "Whether a GET needs an API key"})


class EntryPoints(OutputSchema):
    """The entry points of the API."""

    version = fields.String(required=True, metadata={"description": "Version of the server"})
    resources = fields.List(fields.Nested(EntryPoint), required=True)


class EntryPointLinks(OutputSchema):
    """URLs of this response and of the description of the API."""

    self = fields.Url(required=True)
    documentation = fields.Url(required=True, metadata={"description": "Documentation to read and try"})
    openapi_json = fields.Url(required=True, metadata={"description": "The OpenAPI document as JSON"})
    openapi_yaml = fields.Url(required=True, metadata={"description": "The OpenAPI document as YAML"})


class EntryPointsResponse(OutputSchema):
    """The entry points of the API, and where it is described."""

    data = fields.Nested(EntryPoints, required=True)
    links = fields.Nested(EntryPointLinks, required=True)


class EntryPointRecord(TypedDict):
    """One item of the list of entry points."""

    name: str
    title: str
    href: str
    requires_key: bool


def link_header(api_url: str) -> str:
    """Return the `Link` header (RFC 8288) that leads to the description of the API, with the relations of RFC 8631."""
    return ", ".join(
        (
            f'<{api_url}{JSON_PATH}>; rel="service-desc"; type="{JSON_TYPE}"',
            f'<{api_url}{YAML_PATH}>; rel="service-desc"; type="{YAML_TYPE}"',
            f'<{api_url}{DOCUMENTATION_PATH}>; rel="service-doc"; type="text/html"',
        )
    )


def iter_entry_points(api: Api, api_url: str) -> Iterator[EntryPointRecord]:
    """Yield the resources of the OpenAPI document that have no parameters in their path and can be read.

    Args:
        api: The API, whose routes are all registered.
        api_url: Base URL of the links.
    """
    for path, operations in sorted(api.document["paths"].items()):
        if path.startswith(f"{PATH}/") and "{" not in path and "get" in operations:
            rule = authorization.RULES[f"GET {path}"]
            yield EntryPointRecord(
                name=path.removeprefix(f"{PATH}/"),
                title=operations["get"]["summary"],
                href=f"{api_url}{path}",
                requires_key=rule not in {authorization.PUBLIC, authorization.ALWAYS_PUBLIC},
            )


def _api() -> Api:
    api: Api = current_app.extensions["newsapi-document"]
    return api


@blueprint.route(PATH)
class EntryPointsView(MethodView):
    """The entry points."""

    @blueprint.doc(operationId="getEntryPoints", summary="List the entry points", **NO_KEY)
    @blueprint.response(200, EntryPointsResponse)
    @blueprint.alt_response(400, HTTPStatus.BAD_REQUEST.name)
    def get(self) -> Response:
        """Return the resources from which all others can be reached, and where the API is described."""
        write_requests.reject_query_params()
        api_url = app_context().settings.api_url
        body = {
            "data": {"version": __version__, "resources": list(iter_entry_points(_api(), api_url))},
            "links": {
                "self": f"{api_url}{PATH}",
                "documentation": f"{api_url}{DOCUMENTATION_PATH}",
                "openapi_json": f"{api_url}{JSON_PATH}",
                "openapi_yaml": f"{api_url}{YAML_PATH}",
            },
        }
        headers = {**CACHE_FOR_AN_HOUR, "Link": link_header(api_url)}
        return Response(dump_json(body), content_type=JSON_TYPE, headers=headers)


@blueprint.route(JSON_PATH)
class JsonDocument(MethodView):
    """The OpenAPI document as JSON."""

    @blueprint.doc(operationId="getOpenApiJson", summary="Get this document as JSON", **NO_KEY)
    @blueprint.response(200, {"type": "object"})
    @blueprint.alt_response(429, HTTPStatus.TOO_MANY_REQUESTS.name)
    def get(self) -> Response:
        """Return the OpenAPI document of the API."""
        return Response(_api().document_as_json, content_type=JSON_TYPE, headers=CACHE_FOR_AN_HOUR)


@blueprint.route(YAML_PATH)
class YamlDocument(MethodView):
    """The OpenAPI document as YAML."""

    @blueprint.doc(operationId="getOpenApiYaml", summary="Get this document as YAML", **NO_KEY)
    @blueprint.response(200, {"type": "object"}, content_type=YAML_TYPE)
    @blueprint.alt_response(429, HTTPStatus.TOO_MANY_REQUESTS.name)
    def get(self) -> Response:
        """Return the OpenAPI document of the API, with the same content as the JSON one."""
        return Response(_api().document_as_yaml, content_type=YAML_TYPE, headers=CACHE_FOR_AN_HOUR)
