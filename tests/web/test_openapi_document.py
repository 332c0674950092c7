"""The document, held against what it must be; test_schemathesis.py holds the answers against it."""

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from newsapi.webhooks.event_types import EVENT_NAMES

pytestmark = pytest.mark.one_database

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture
def document(magazine):
    return magazine.get("/openapi.json").json


def operations(document):
    return [
        (path, item[method], item) for path, item in document["paths"].items() for method in sorted(METHODS & set(item))
    ]


def resolved(document, value):
    while "$ref" in value:
        found = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def parameters(document):
    return [
        (path, resolved(document, parameter))
        for path, operation, item in operations(document)
        for parameter in [*operation.get("parameters", []), *item.get("parameters", [])]
    ]


def test_the_document_is_valid_openapi(document):
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_of_the_contract_is_in_it(document):
    assert set(document["paths"]) >= {
        "/v1/articles",
        "/v1/articles/{slug_or_id}",
        "/v1/articles/{slug_or_id}/related",
        *(f"/v1/{kind}" for kind in ("brands", "authors", "sections", "tags")),
        *(f"/v1/{kind}/{{slug}}" for kind in ("brands", "authors", "sections", "tags")),
        "/healthz",
        "/readyz",
        "/problems/{name}",
    }


def test_every_operation_has_a_name_of_its_own(document):
    names = [operation["operationId"] for _, operation, _ in operations(document)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+[A-Za-z]*", name)] == []


def test_every_operation_says_what_it_is_for(document):
    assert [path for path, operation, _ in operations(document) if not operation.get("summary")] == []
    assert [path for path, operation, _ in operations(document) if not operation.get("description")] == []


def test_every_parameter_is_described_and_has_a_schema(document):
    bad = [
        (path, parameter["name"])
        for path, parameter in parameters(document)
        if not parameter.get("description") or not parameter.get("schema")
    ]
    assert bad == []


def test_every_response_is_described(document):
    bad = [
        (path, status)
        for path, operation, _ in operations(document)
        for status, response in operation["responses"].items()
        if not resolved(document, response).get("description")
    ]
    assert bad == []


def test_every_error_is_documented_as_a_problem(document):
    bad = [
        (path, status, list(content))
        for path, operation, _ in operations(document)
        for status, response in operation["responses"].items()
        if status[0] in "45"
        and path != "/readyz"
        and list(content := resolved(document, response).get("content", {})) != ["application/problem+json"]
    ]
    assert bad == []


def reads(document):
    """Those that need no key."""
    return [
        (path, operation)
        for path, operation, _ in operations(document)
        if path.startswith("/v1/") and "security" not in operation
    ]


@pytest.mark.parametrize("status", ["200", "304", "400", "401", "429", "503"])
def test_every_read_documents_what_any_read_can_answer(document, status):
    assert [path for path, operation in reads(document) if status not in operation["responses"]] == []


@pytest.mark.parametrize("status", ["401", "403", "415", "422", "429", "503"])
def test_every_operation_with_a_key_documents_what_any_of_them_can_answer(document, status):
    keyed = [
        (path, operation)
        for path, operation, _ in operations(document)
        if path.startswith("/v1/") and "security" in operation
    ]
    assert len(keyed) > 20
    assert [path for path, operation in keyed if status not in operation["responses"]] == []


def test_every_body_is_documented_with_its_media_type(document):
    for path, operation, _ in operations(document):
        if (body := operation.get("requestBody")) and operation["operationId"] != "createImport":  # files, not JSON
            kind = (
                "application/merge-patch+json"
                if operation is document["paths"][path].get("patch")
                else "application/json"
            )
            forms = (
                ["application/x-www-form-urlencoded"] if operation["operationId"] == "unsubscribe" else []
            )  # RFC 8058
            assert list(body["content"]) == [kind, *forms]


def test_a_patch_requires_no_field_and_has_no_default_that_a_client_would_send(document):
    for path, item in document["paths"].items():
        if "patch" in item:
            body = resolved(document, item["patch"]["requestBody"]["content"]["application/merge-patch+json"]["schema"])
            assert "required" not in body, path
            defaults = {name for name, node in body["properties"].items() if "default" in node}
            assert defaults <= {"update_type", "correction"}, path  # they are no fields of the resource


def test_a_list_with_cursors_documents_that_they_expire(document):
    for path in ("/v1/articles", "/v1/brands", "/v1/authors", "/v1/sections", "/v1/tags"):
        assert "410" in document["paths"][path]["get"]["responses"]


def walk(value, path=""):
    if isinstance(value, dict):
        yield path, value
        for name, inner in value.items():
            yield from walk(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from walk(inner, f"{path}/{number}")


def test_answers_may_gain_fields(document):
    sent, todo = set(), [operation["responses"] for _, operation, _ in operations(document)]
    while todo:
        node = todo.pop()
        assert node.get("additionalProperties") is not False, node
        for _, inner in walk(node):
            if (name := inner.get("$ref")) and name not in sent:
                sent.add(name)
                todo.append(resolved(document, inner))
    assert len(sent) > 20


def test_open_values_are_no_closed_list(document):
    for name, field in (("ArticleWithRelated", "format"), ("ArticleSummary", "format"), ("Relation", "level")):
        node = document["components"]["schemas"][name]["properties"][field]
        assert "enum" not in node
        assert node["x-extensible-enum"]


@pytest.mark.parametrize(("field", "values"), [("status", 4), ("published_precision", 2)])
def test_closed_values_are_a_closed_list(document, field, values):
    assert len(document["components"]["schemas"]["ArticleWithRelated"]["properties"][field]["enum"]) == values


NULLABLE = {"brand", "section", "standfirst", "image", "source", "byline", "body_html", "body_text"}


def test_what_may_be_null_is_what_the_contract_says(document):
    def nullable(node):
        types = node.get("type", [])
        return "null" in types or any("null" in inner.get("type", []) for inner in node.get("anyOf", []))

    properties = document["components"]["schemas"]["ArticleWithRelated"]["properties"]
    assert {name for name, node in properties.items() if nullable(node)} == NULLABLE


def test_every_field_that_is_always_there_is_required(document):
    for name, optional in (
        ("ArticleWithRelated", {"adjacent", "related", "blocks", "jsonld"}),
        ("ArticleSummary", set()),
        ("Brand", set()),
        ("PageInfo", {"total"}),
    ):
        schema = document["components"]["schemas"][name]
        assert set(schema["properties"]) - set(schema["required"]) <= optional | {"total_is_lower_bound"}


def test_examples_are_valid(document):
    for path, node in walk(document["components"]["schemas"]):
        if "example" in node and "properties" not in node:
            Draft202012Validator(node).validate(node["example"])
            assert path


def test_patterns_can_be_read_and_match_what_is_taken(document):
    for _, parameter in parameters(document):
        for _, node in walk(parameter["schema"]):
            if "pattern" in node:
                re.compile(node["pattern"])


def test_the_document_is_the_same_each_time(magazine, build):
    assert build(magazine.settings).test_client().get("/openapi.json").data == magazine.get("/openapi.json").data


def test_every_event_is_a_webhook_with_its_body_and_the_headers_of_standard_webhooks(document):
    assert list(document["webhooks"]) == list(EVENT_NAMES)
    for name, item in document["webhooks"].items():
        operation = item["post"]
        headers = [resolved(document, parameter) for parameter in operation["parameters"]]
        assert [(header["in"], header["name"], header["required"]) for header in headers] == [
            ("header", header, True) for header in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ]
        body = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])
        assert name in body["properties"]["type"]["enum"]
        assert {"type", "timestamp", "data"} == set(body["required"])


def test_names_of_webhooks_are_no_names_of_operations(document):
    names = [item["post"]["operationId"] for item in document["webhooks"].values()]
    assert len(set(names)) == len(names)
    assert set(names).isdisjoint(operation["operationId"] for _, operation, _ in operations(document))
