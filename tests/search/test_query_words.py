"""Which words of a text are highlighted: exactly those that the index finds."""

import pytest

from newsapi.search.highlights import highlight, snippets
from newsapi.search.query_words import QueryWords
from newsapi.text.analysis import get_lexicon
from newsapi.text.folding import fold
from newsapi.text.words import joined_spans, numbered_spans, word_spans

TEXTS = {
    "it": "È l'Èra dell'ELETTRICITÀ: elettrica, (elettrici) e non-elettrico; l’elettrico. Città\xadgiardino, cittadino",
    "de": "Über Äpfel und äpfel, ÖL und öle: die Straßen der STRASSE, Apfelöl.",
    "en": "Dying stars die; the sky and skies, e-mail, MX-5 and MX 5, 2017 in '17.",
    "sr": "Београд и београдски аутомобили; Beograd, automobil.",
    "id": "Menulis tulisan, penulis menuliskan tulis.",
    "fr": "L’œuvre d'Œuvre, les œuvres; coeur, cœur.",
    "xx": "e\u0301cole E\u0301COLE école Ecole \u200becole ﬁat fiat İstanbul",
}


@pytest.mark.parametrize("language", TEXTS)
def test_every_word_of_a_text_is_found_by_each_of_its_forms(language):
    text, lexicon = TEXTS[language], get_lexicon(language)
    for span in word_spans(text):
        token = lexicon.searched(span.word)
        if token is None:
            continue
        same = [(other.start, other.end) for other in word_spans(text) if lexicon.searched(other.word) == token]
        joined = [*joined_spans(text), *(numbered for _, numbered in numbered_spans(text))]
        inside = [(one.start, one.end) for one in joined if lexicon.searched(one.word) == token]
        found = QueryWords(frozenset({token}), "", language).spans(text)
        assert {(one.start, one.end) for one in found} == {*same, *inside}, span.word


@pytest.mark.parametrize("language", TEXTS)
def test_a_beginning_finds_the_words_that_begin_with_it(language):
    text, lexicon = TEXTS[language], get_lexicon(language)
    words = QueryWords(frozenset({f"{language}:xqz"}), "e", language)
    found = words.spans(text)
    for span in word_spans(text):
        if lexicon.searched(span.word) is not None:
            is_found = any(one.start <= span.start and span.end <= one.end for one in found)
            assert is_found or not fold(span.word).startswith("e"), span.word
    assert all(fold(text[one.start : one.end]).startswith("e") for one in found)


def test_a_text_without_the_words_has_no_highlights():
    words = QueryWords(frozenset({get_lexicon("it").token("auto")}), "", "it")
    assert highlight("Una bicicletta", words) is None
    assert snippets("Una bicicletta", words) == []
    assert highlight("Un'auto & <b>un'auto</b>", words) == (
        "Un&#x27;<mark>auto</mark> &amp; &lt;b&gt;un&#x27;<mark>auto</mark>&lt;/b&gt;"
    )
