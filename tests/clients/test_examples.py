"""The examples of the document are what the demo answers."""

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.clients.answers import ADDRESSES, ask, without_chance

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text())
REGISTRY = Registry().with_resource("document", DRAFT202012.create_resource(DOCUMENT))

pytestmark = pytest.mark.long

SHOWN = [
    pytest.param(int(status), content["schema"], example, id=f"{item['get']['operationId']}-{name}")
    for item in DOCUMENT["paths"].values()
    if "get" in item
    for status, response in item["get"]["responses"].items()
    for content in response.get("content", {}).values()
    for name, example in content.get("examples", {}).items()
]


def test_every_read_has_an_example():
    gets = [item["get"] for path, item in DOCUMENT["paths"].items() if path.startswith("/v1/") and "get" in item]
    reads = {read["operationId"] for read in gets if "security" not in read}  # what needs a key, the demo shows nobody
    assert reads <= set(ADDRESSES)
    assert len(SHOWN) == sum(map(len, ADDRESSES.values()))


@pytest.mark.parametrize(("status", "schema", "example"), SHOWN)
def test_an_example_is_what_the_demo_answers(demo, status, schema, example):
    found, value = ask(demo.base, example["summary"])
    assert (found, without_chance(value)) == (status, without_chance(example["value"])), (
        "if the answer is right: python -m tests.clients.answers, then make openapi"
    )


@pytest.mark.parametrize(("status", "schema", "example"), SHOWN)
def test_an_example_is_valid(status, schema, example):
    rooted = _rooted(schema)
    Draft202012Validator(rooted, registry=REGISTRY).validate(example["value"])


def _rooted(schema):
    """The schema with references into the document."""
    if isinstance(schema, dict):
        return {name: f"document{inner}" if name == "$ref" else _rooted(inner) for name, inner in schema.items()}
    return [_rooted(inner) for inner in schema] if isinstance(schema, list) else schema
