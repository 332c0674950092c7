"""Names of models are found joined and split, whichever way the article and the query write them."""

from urllib.parse import urlencode

import pytest


@pytest.fixture
def found(editor, public):
    """The slugs that a query finds among articles with these headlines."""

    def found(query, *headlines):
        for headline in headlines:
            editor.write(headline=headline, status="published")
        answer = public.get(f"/v1/search?{urlencode({'q': query})}")
        return {hit["headline"] for hit in answer.json["data"]}

    return found


@pytest.mark.parametrize(
    ("headlines", "queries"),
    [
        (("La Mazda MX-5", "La Mazda MX5", "La Mazda MX 5"), ("mx5", "MX-5", "mx 5", "MX\u20115")),
        (("Volkswagen ID.3", "Volkswagen ID3"), ("id3", "ID.3", "id 3", "ID-3")),
        (("Il Wi-Fi a bordo", "Il wifi a bordo"), ("wifi", "wi-fi", "Wi Fi")),
        (("La e-tron", "La etron"), ("etron", "e-tron", "E-Tron")),
    ],
)
def test_a_model_is_found_however_it_is_written(found, headlines, queries):
    found(queries[0], *headlines)
    assert {query: found(query) for query in queries} == {query: {*headlines} for query in queries}


def test_the_joined_form_of_one_model_does_not_find_another(found):
    assert found("mx5", "La Mazda MX-30", "Modello X e 5 porte") == set()


def test_a_name_that_was_found_joined_is_highlighted_as_a_whole(editor, public):
    editor.write(headline="La Mazda MX-5", body_html="<p>Con la MX 5 e il wi\xad-fi.</p>", status="published")
    highlights = public.get("/v1/search?q=mx5").json["data"][0]["highlights"]
    assert highlights["headline"] == "La Mazda <mark>MX-5</mark>"
    assert highlights["body"] == ["Con la <mark>MX 5</mark> e il wi\xad-fi."]


@pytest.mark.parametrize("query", ["istanbul", "İstanbul", "ISTANBUL", "ıstanbul"])
def test_a_dotted_capital_i_is_an_i(found, query):
    assert found(query, "Un giorno a İstanbul", "Da Istanbul a Roma") == {"Un giorno a İstanbul", "Da Istanbul a Roma"}


@pytest.mark.parametrize("query", ["automobile", "auto\xadmobile", "auto\u200bmobile"])
def test_soft_hyphens_and_zero_width_spaces_do_not_split_words(found, query):
    assert found(query, "Un'auto\xadmobile", "Altra automobile", "Terza auto\u200bmobile") == {
        "Un'auto\xadmobile",
        "Altra automobile",
        "Terza auto\u200bmobile",
    }


def test_a_brand_is_found_by_the_joined_form_of_its_name(editor, public):
    editor.post("/v1/brands", {"name": "e-tron", "aliases": ["ID.3"]})
    for query in ("etron", "e-tron", "id3", "id.3"):
        answer = public.get(f"/v1/brands?{urlencode({'q': query})}")
        assert [brand["name"] for brand in answer.json["data"]] == ["e-tron"], query
