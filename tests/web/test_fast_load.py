"""The fast way in gives what marshmallow's own way gives: the same values, the same errors in the same places."""

import random
from copy import deepcopy

import pytest
from marshmallow import Schema, ValidationError, fields

from newsapi.content.schemas.article_inputs import ArticleCreate, ArticleImport
from newsapi.content.schemas.terms import AuthorInput, BrandInput, TagInput
from newsapi.web.fast_load import FastLoadingSchema
from newsapi.web.wire import InputSchema
from tests.content.test_validation_errors import REFUSED
from tests.support.import_records import archive

IMAGE = {"url": "https://img.example.com/a.jpg", "alt": " ", "width": 1600, "height": None, "focal": {"x": 0.5, "y": 1}}
FULL = {
    "id": "0192d3a0-0000-7000-8000-000000000000",
    "source_id": "guid-1",
    "base_url": "https://www.example.it/",
    "slug": "velar",
    "headline": " Velar ",
    "standfirst": "Una\nfrase",
    "body_html": "<p>Testo.</p>",
    "language": "EN-gb",
    "format": "gallery",
    "brand": "land-rover",
    "mentions": ["jaguar"],
    "section": None,
    "authors": ["anna", "bruno"],
    "tags": [],
    "image": IMAGE,
    "media": [
        {"kind": "image", "image": IMAGE},
        {"kind": "video", "sources": [{"url": "https://a.example/v.mp4", "type": ""}], "duration_seconds": 3},
    ],
    "status": "published",
    "published_at": "2017-02-22",
    "published_precision": "day",
    "updated_at": "2017-02-22T10:00:00.5+01:00",
    "source": {"name": "ANSA"},
    "rights": {"syndicatable": False, "expires_at": "2030-01-01T00:00:00Z", "ai": "denied"},
    "seo": {"title": "", "robots": "noindex"},
    "translation_group": "velar",
    "previous_slugs": ["Vecchio-nome"],
    "corrections": [{"at": "2017-03-01T00:00:00Z", "text": "Errata"}],
    "picks": ["evoque"],
    "bans": ["defender"],
}
VALUES = [
    None,
    "",
    " ",
    "a",
    "A b",
    "a\nb",
    "a\x00",
    0,
    1,
    -1,
    1.5,
    True,
    [],
    ["a"],
    ["a", "a"],
    ["A"],
    [None],
    {},
    {"a": 1},
]
VALUES += [
    ("a",),
    "x" * 600,
    "2017-02-30",
    "https://a.example/",
    [IMAGE],
    IMAGE,
    IMAGE | {"url": None},
    IMAGE | {"a": 1},
]


def outcome(schema, record):
    """The loaded values with their types and order, or the messages."""
    try:
        return repr(schema.load(deepcopy(record)))
    except ValidationError as error:
        return error.messages


@pytest.fixture
def same(monkeypatch):
    def check(schema, record):
        fast = outcome(schema, record)
        with monkeypatch.context() as patch:
            patch.delattr(FastLoadingSchema, "_deserialize")
            assert outcome(schema, record) == fast, record
        return fast

    return check


def test_valid_records_are_loaded_in_the_fast_way(same, monkeypatch):
    records = [FULL, *(item for item in archive(50) if item["type"] == "article")]
    records = [{name: value for name, value in item.items() if name != "type"} for item in records]
    for record in records:
        assert isinstance(same(ArticleImport(), record), str)
    monkeypatch.setattr(Schema, "_deserialize", None)
    for record in records:
        ArticleImport().load(record)


@pytest.mark.parametrize("schema", [ArticleImport, ArticleCreate, BrandInput, AuthorInput, TagInput])
def test_any_value_of_any_field_loads_alike(same, schema):
    loaded = schema()
    record = {name: value for name, value in FULL.items() if name in loaded.load_fields} | {"name": "Nome"}
    for name in [*loaded.load_fields, "unknown"]:
        for value in VALUES:
            same(loaded, record | {name: value})
        same(loaded, {key: value for key, value in record.items() if key != name})


def test_refused_values_are_refused_alike(same):
    for change, _ in REFUSED:
        assert isinstance(same(ArticleImport(), FULL | change), dict)


@pytest.mark.parametrize("record", [[], "a", None, 7, [FULL]])
def test_what_is_no_object_is_refused_alike(same, record):
    assert isinstance(same(ArticleImport(), record), dict)


@pytest.mark.parametrize("seed", [1, 2])
def test_several_errors_are_all_named(same, seed):
    chance = random.Random(seed)
    for _ in range(100):
        same(ArticleImport(), FULL | {name: chance.choice(VALUES) for name in chance.sample(sorted(FULL), 4)})


def test_patches_load_alike(same, monkeypatch):
    schema = ArticleCreate(partial=True)
    for record in ({}, {"headline": "Velar"}, {"headline": None}, {"image": {"alt": "a"}}):
        same(schema, record)


def test_processing_of_fields_applies():
    class Processed(InputSchema):
        name = fields.String(data_key="Name", attribute="title", pre_load=str.strip, post_load=str.upper)

    assert Processed().load({"Name": " a "}) == {"title": "A"}
