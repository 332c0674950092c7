"""Mapping files: read, or refused with the place that is wrong."""

import orjson
import pytest

from newsapi.imports import mapping as import_mapping
from newsapi.text.strict_json import InvalidJson


def test_toml_and_json_say_the_same(mapping):
    by_json = orjson.dumps(
        {
            "others": "tag",
            "defaults": {"section": "attualita", "author": "redazione"},
            "categories": {"land-rover": "brand", "prove": "section", "Curiosità": "section", "varie": "drop"},
        }
    )
    assert import_mapping.build_mapping(import_mapping.parse_mapping(mapping)) == import_mapping.build_mapping(
        import_mapping.parse_mapping(by_json)
    )
    assert import_mapping.build_mapping(import_mapping.parse_mapping(mapping)).categories == {
        "land-rover": ("brand", "land-rover"),
        "prove": ("section", "prove"),
        "curiosita": ("section", "curiosita"),
        "varie": None,
    }


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"[", ""),
        (b"{", ""),
        (b"\xff", ""),
        pytest.param(b"a = " + b"[" * 20_000, "", id="deep"),
        (b"x = 1", "/x"),
        (b'others = "brand"', "/others"),
        (b'defaults = "it"', "/defaults"),
        (b'[defaults]\nlanguage = "italiano!"', "/defaults/language"),
        (b'[defaults]\nsection = "Non slug"', "/defaults/section"),
        (b"[defaults]\nauthor = 1", "/defaults/author"),
        (b'[categories]\nx = "author"', "/categories/x"),
        (b'[categories]\nx = "brand:Non Slug"', "/categories/x"),
        (b'[categories]\n"a/b" = 1', "/categories/a~1b"),
    ],
)
def test_what_is_wrong_is_named(raw, place):
    with pytest.raises(InvalidJson) as raised:
        import_mapping.parse_mapping(raw)
    assert raised.value.pointer == place
