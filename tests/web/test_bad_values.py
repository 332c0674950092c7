"""Every field of every write takes every kind of wrong value without an internal error.

The fields come from the OpenAPI document, so that a new one is tried without a change here.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from click.testing import CliRunner

from newsapi.cli.main import main
from tests.support.client import PATCH, Editor
from tests.support.import_records import article, brand, term
from tests.support.imports import import_accepted
from tests.support.sample_content import PICTURE, RICH

pytestmark = pytest.mark.one_database

SCOPES = ("content:write", "content:publish", "drafts:read", "webhooks", "subscribers", "admin")
BAD = [
    None, "", [], {}, [None], [""], [{}], {"a": None}, True, -1, 1.5, 2**63 - 1, 1e308, "NaN", "9" * 30, "a" * 2_001,
    "\x1b", "\u202e\ufeff", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00+14:60",
    "2026-06-30T23:59:60Z", "2099-01-01T00:00:00Z", "http://[", "https://a:b@c:99999/", "javascript:x", "%00",
]  # fmt: skip
NESTED = [None, "", [], {"a": None}, 2**63 - 1, 1e308, "a" * 2_001, "\x1b", "http://["]
"""Those that are tried inside objects and lists."""

RAW = ['"\\ud800"', '"\\u0000"', "NaN", "Infinity", "-0", "1e999", "9" * 5_000, "[" * 40 + "]" * 40, "'"]
"""Values that cannot be written with a JSON library, or not with every one."""

EXAMPLES: dict[str, Any] = {
    "url": "https://img.example.com/a.jpg",
    "headline": "Titolo",
    "name": "Nome",
    "body_html": "<p>Testo.</p>",
    "brand": "fiat",
    "section": "prove",
    "authors": ["anna"],
    "mentions": [],
    "tags": ["suv"],
    "slugs": ["altro"],
    "ban": [],
    "into": "lancia",
    "parent": None,
    "status": "draft",
    "update_type": "minor",
    "correction": None,
    "events": ["article.published"],
    "email": "anna@example.com",
    "token": "a",
    "ai": "denied",
    "expires_at": "2090-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def document():
    """The OpenAPI document."""
    return yaml.load(CliRunner().invoke(main, ["openapi"]).output, Loader=yaml.CSafeLoader)


def resolve(document: Any, schema: Any) -> Any:
    """Return a schema without reference, and the other one of two of which one is null."""
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
        else:
            return schema


SIMPLE = {"integer": 60, "number": 0.5, "boolean": True, "string": "it", "null": None}
FORMATS = {"uri": EXAMPLES["url"], "date-time": "2026-01-01T00:00:00Z", "uuid": None}


def example(document: Any, schema: Any, name: str = "") -> Any:
    """Return a value that a schema allows; `name` is that of the field."""
    schema = resolve(document, schema)
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", ["object"])
    choices = schema.get("enum") or schema.get("x-extensible-enum")
    if name in EXAMPLES:
        value = EXAMPLES[name]
    elif choices:
        value = choices[0]
    elif "array" in kinds:
        value = [example(document, schema["items"])]
    elif "object" in kinds:
        value = {key: example(document, inner, key) for key, inner in schema.get("properties", {}).items()}
    else:
        value = FORMATS.get(schema.get("format"), SIMPLE[kinds[0]])
    return value


def places(value: Any) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value inside an object, itself left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (key,)
        for rest in places(inner):
            yield (key, *rest)


def with_value(body: Any, path: tuple[str | int, ...], raw: str) -> str:
    """Return a body as JSON with another value, given as JSON, at a path."""
    changed = deepcopy(body)
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = "@@@"
    return json.dumps(changed).replace('"@@@"', raw)


def bodies(example: dict[str, Any], *, is_patch: bool) -> Iterator[str]:
    """Yield the example with each of its values replaced by each bad one; a patch has one field."""
    bad, nested = [*map(json.dumps, BAD)], [*map(json.dumps, NESTED)]
    yield from [*bad, *RAW]
    for number, path in enumerate(places(example)):
        body = {path[0]: example[path[0]]} if is_patch else example
        for raw in nested if len(path) > 1 else [*bad, *RAW] if number == 0 else bad:
            yield with_value(body, path, raw)


def writes(document: Any) -> Iterator[tuple[str, str, str, Any]]:
    """Yield method, path, operation and schema of each write with a JSON body."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}) if method != "parameters" else {}
            for media_type, body in content.items():
                if "json" in media_type and "ndjson" not in media_type:
                    yield method.upper(), path, operation["operationId"], body["schema"]


OPERATIONS = [
    "createArticle", "updateArticle", "setRelatedPicks", "createPreviewLink", "createWebhook", "updateWebhook",
    "createBrand", "updateBrand", "createAuthor", "updateAuthor", "createSection", "updateSection", "createTag",
    "updateTag", "mergeBrand", "mergeAuthor", "mergeSection", "mergeTag", "subscribeToBrand", "subscribeToAuthor",
    "subscribeToSection", "confirmSubscription", "unsubscribe", "eraseSubscriber", "setPreferences",
    "exportSubscriber", "reportBounces",
]  # fmt: skip


def test_every_write_is_tried(document):
    assert {operation for _, _, operation, _ in writes(document)} == set(OPERATIONS)


@pytest.fixture
def settings(settings, tmp_path):
    return replace(settings, smtp_url=f"file://{tmp_path}/mail", webhook_private="allow")


@pytest.fixture
def desk(hire, database, settings, clock):
    """A client that may do everything, in a newsroom with a published article, another one and one of each term."""
    kinds = {"brand": "fiat", "author": "anna", "section": "prove", "tag": "suv"}
    records = [term(kind, slug) for kind, slug in kinds.items()]
    records += [brand("lancia"), article("velar", brand="fiat"), article("altro"), article("bozza", status="draft")]
    import_accepted(database, settings, records, clock)
    return hire(*SCOPES)


def failures(desk: Editor, method: str, path: str, requests: Iterator[str]) -> list[tuple[str, int]]:
    """Send the bodies and return those that end in another status than 2xx or 4xx, shortened."""
    headers = desk.headers | ({"If-Match": "*"} if method != "POST" else {})
    media_type = PATCH if method == "PATCH" else "application/json"
    failed = []
    for body in requests:
        answer = desk.client.open(path, method=method, data=body.encode(), content_type=media_type, headers=headers)
        if not 200 <= answer.status_code < 300 and not 400 <= answer.status_code < 500:
            failed.append((body[:300], answer.status_code))
    return failed


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_value_of_any_field_is_an_internal_error(desk, document, operation):
    [(method, path, _, schema)] = [write for write in writes(document) if write[2] == operation]
    if "{id}" in path:
        webhook = desk.post("/v1/webhooks", {"url": "https://a.example/", "events": ["article.published"]})
        path = path.replace("{id}", webhook.json["data"]["id"])
    kind = path.split("/")[2].removesuffix("s")
    slug = {"author": "anna", "section": "prove", "tag": "suv"}.get(kind, "fiat")
    body = example(document, schema)
    for name in ("velar", "bozza") if "{slug_or_id}" in path else ("",):
        concrete = path.format(slug_or_id=name, slug=slug)
        assert failures(desk, method, concrete, bodies(body, is_patch=method == "PATCH")) == []


RECORDS = [
    article("ricca", **RICH, brand="fiat", section="prove", authors=["anna"], tags=["suv"], mentions=["lancia"]),
    brand("alfa", aliases=["AR"], description="x", logo=PICTURE, parent="fiat"),
    term("author", "bruno", email="b@example.com", bio="x", avatar=PICTURE),
    term("section", "mercato"),
    term("tag", "berline"),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["type"])
def test_no_value_of_any_field_ends_an_import(desk, load, record):
    lines = [body.encode() + b"\n" for body in bodies(record, is_patch=False)]
    counts, rejects = load(*lines)
    assert sum(counts) == len(lines)
    assert len(rejects) >= counts[3] > 0


def test_a_published_article_keeps_its_time(desk):
    for changes in ({"published_at": None}, {"published_at": None, "status": "published"}):
        answer = desk.patch("velar", changes, 1)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/published_at")
    assert desk.get("/v1/articles/velar").json["data"]["published_at"] == "2016-07-26T10:00:00Z"


@pytest.mark.parametrize("offset", ["+14:60", "+24:00", "-00:99", "+1:00", "+01", "+0100"])
def test_an_offset_has_hours_of_a_day_and_minutes_of_an_hour(desk, offset):
    time = f"2026-01-01T00:00:00{offset}"
    assert desk.patch("bozza", {"published_at": time}, 1).status_code == 422
    assert desk.get(f"/v1/articles?published_from={quote(time)}").status_code == 400


def test_an_article_that_is_published_without_a_time_gets_one(desk, clock):
    answer = desk.patch("bozza", {"published_at": None, "status": "published"}, 1)
    assert (answer.status_code, answer.json["data"]["published_at"]) == (200, f"{clock():%Y-%m-%dT%H:%M:%SZ}")
