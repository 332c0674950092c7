"""Results show what the caller may read, however many searches before kept texts and highlights."""

import pytest

from newsapi.search import hits


@pytest.fixture
def bodies(public):
    """The fragments of bodies in the results of a query, by headline."""

    def bodies(query, reader=public):
        data = reader.get(f"/v1/search?q={query}").json["data"]
        return {hit["headline"]: hit["highlights"]["body"] for hit in data}

    return bodies


def test_an_edited_text_is_highlighted_as_it_is_now(editor, bodies):
    article = editor.write(headline="Prova", body_html="<p>Azzurra una berlina.</p>", status="published")
    assert bodies("berlina") == {"Prova": ["Azzurra una <mark>berlina</mark>."]}
    assert bodies("azzurra") == {"Prova": ["<mark>Azzurra</mark> una berlina."]}
    editor.change(article, body_html="<p>Poi una berlina nuova.</p>")
    assert bodies("berlina") == {"Prova": ["Poi una <mark>berlina</mark> nuova."]}
    assert bodies("nuova") == {"Prova": ["Poi una berlina <mark>nuova</mark>."]}


def test_the_database_is_asked_for_a_body_once(editor, bodies, statements):
    editor.write(headline="Prova", body_html="<p>Una berlina nuova e vuota.</p>", status="published")
    bodies("berlina")
    statements.clear()
    bodies("nuova")
    bodies("vuota")
    assert not any("body_html" in statement for statement in statements)


def test_nothing_is_lost_where_nothing_is_kept(editor, bodies, monkeypatch):
    monkeypatch.setattr(hits, "MAX_HIGHLIGHTS", 0)
    monkeypatch.setattr(hits, "MAX_BODIES", 0)
    caches = editor.client.application.extensions["newsapi"].search_index.caches
    monkeypatch.setattr(caches, "hits", hits.HitPresenter())
    editor.write(headline="Prova", body_html="<p>Una berlina.</p>", status="published")
    assert bodies("berlina") == {"Prova": ["Una <mark>berlina</mark>."]}
