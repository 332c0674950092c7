"""Names: folded, made into slugs, written as by-lines, and those of languages."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi.text.bylines import format_byline
from newsapi.text.folding import fold
from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import SLUG_PATTERN, is_slug, is_uuid, slugify

DAY = date(2016, 7, 26)
UUID = "0190b1c4-7e1a-7000-8000-00000000000f"
ANY_TEXT = st.text(alphabet=st.characters(), max_size=300)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Škoda", "skoda"),
        ("SKODA", "skoda"),
        ("Lynk & Co", "lynk co"),
        ("L'Aquila", "l aquila"),
        ("L’Aquila", "l aquila"),
        ("Citroën  DS 3\n", "citroen ds 3"),
        ("Mercedes-Benz", "mercedes benz"),
        ("Straße", "strasse"),
        ("Łódź, Ærø, Đà Nẵng, Œuvre, Iğdır", "lodz aero da nang oeuvre igdir"),
        ("DIYARBAKIR İzmir ılık", "diyarbakir izmir ilik"),
        ("ＡＢＣ ﬁat ①", "abc fiat 1"),
        ("Привет", "привет"),
        ("大众汽车", "大众汽车"),
        ("& – 😀", ""),
        ("", ""),
    ],
)
def test_folding(text, folded):
    assert fold(text) == folded


@given(ANY_TEXT)
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(ANY_TEXT)
def test_folded_text_has_single_spaces(text):
    folded = fold(text)
    assert folded == " ".join(folded.split())


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("Jaguar Land Rover, allo studio una fabbrica", "jaguar-land-rover-allo-studio-una-fabbrica"),
        ("L'Aquila & dell’auto “nuova”", "l-aquila-dell-auto-nuova"),
        ("Škoda: 1.500 euro?", "skoda-1-500-euro"),
        ("Motore 1,6 litri", "motore-1-6-litri"),
        ("Привет мир", "privet-mir"),
        ("大众汽车", "da-zhong-qi-che"),
        ("&amp; &#233; <b>", "amp-233-b"),
        ("😀 !?", "articolo"),
        ("", "articolo"),
        (UUID, f"articolo-{UUID}"),
        (UUID.upper(), f"articolo-{UUID}"),
    ],
)
def test_slug_of_a_headline(headline, slug):
    assert slugify(headline) == slug


def test_a_long_slug_is_cut_between_words():
    assert slugify("automobile " * 50) == "-".join(["automobile"] * 18)


def test_a_word_longer_than_a_slug_is_cut():
    assert slugify("a" * 50_000) == "a" * 200


def test_a_slug_that_fits_exactly_is_not_cut():
    assert slugify("a" * 195 + " bcde " + "f" * 30) == "a" * 195 + "-bcde"


@given(ANY_TEXT)
def test_every_headline_has_a_slug(headline):
    assert is_slug(slugify(headline))


@given(ANY_TEXT)
def test_the_slug_of_a_slug_is_itself(headline):
    slug = slugify(headline)
    assert slugify(slug) == slug


@pytest.mark.parametrize("text", ["a", "0", "a-b", "land-rover-90", "a" * 200])
def test_a_slug_is_one(text):
    assert is_slug(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-a",
        "a-",
        "a--b",
        "A",
        "à",
        "a_b",
        "a b",
        "a\n",
        "a\r\nb",
        "a\0",
        "a" * 201,
        UUID,
        "a/b",
        "٣",
        "a-" * 25_000,
    ],
)
def test_what_is_no_slug(text):
    assert not is_slug(text)


def test_a_line_feed_at_the_end_is_no_slug():
    assert SLUG_PATTERN.fullmatch("a-b\n") is None


@pytest.mark.parametrize("text", [UUID, UUID.upper(), "00000000-0000-0000-0000-000000000000"])
def test_a_uuid_in_either_case_is_one(text):
    assert is_uuid(text)


@pytest.mark.parametrize(
    "text", ["", UUID.replace("-", ""), f"{{{UUID}}}", f"{UUID}\n", f"urn:uuid:{UUID}", UUID[:-1] + "g"]
)
def test_what_is_no_uuid(text):
    assert not is_uuid(text)


@pytest.mark.parametrize(
    ("names", "language", "line"),
    [
        (["Francesco Donnici"], "it", "di Francesco Donnici | 26 luglio 2016"),
        (
            ["Anna Amato", "Bruno Bassi", "Carla Colli"],
            "it",
            "di Anna Amato, Bruno Bassi e Carla Colli | 26 luglio 2016",
        ),
        (["Anna", "Elena"], "it-IT", "di Anna ed Elena | 26 luglio 2016"),
        (["Anna", "Èva"], "it-CH", "di Anna ed Èva | 26 luglio 2016"),
        (["Anna", "Edoardo"], "it", "di Anna e Edoardo | 26 luglio 2016"),
        (["Elena"], "it", "di Elena | 26 luglio 2016"),
        (["Anna", "Bob"], "en", "by Anna and Bob | July 26, 2016"),
        (["Anna", "Bob"], "en-GB", "by Anna and Bob | 26 July 2016"),
        (["Anna"], "fr", "par Anna | 26 juillet 2016"),
        (["Anna"], "de-CH-1901", "von Anna | 26. Juli 2016"),
        (["Anna"], "es", "por Anna | 26 de julio de 2016"),
        (["Anna"], "pt-BR", "por Anna | 26 de julho de 2016"),
        (["Anna"], "nl", "door Anna | 26 juli 2016"),
        (["Anna"], "pl", "Anna | 26 lipca 2016"),
        (["Anna"], "zh-Hant-TW", "Anna | 2016年7月26日"),
        (["Anna", "Bob"], "tlh", "Anna, Bob | July 26, 2016"),
        (["Anna"], "no such language", "Anna | July 26, 2016"),
        (["Anna"], "it-u-ca-buddhist", "di Anna | 26 luglio 2016"),
        (["Anna"], "it-XX", "di Anna | 26 luglio 2016"),
    ],
)
def test_byline_in_the_language_of_the_article(names, language, line):
    assert format_byline(names, DAY, language) == line


def test_the_first_of_a_month_is_written_as_cldr_has_it():
    assert format_byline([], date(2017, 1, 1), "it") == "1 gennaio 2017"


def test_without_names_the_day_stands_alone():
    assert format_byline([], DAY, "it") == "26 luglio 2016"


def test_names_of_white_space_are_no_names():
    assert format_byline([" ", ""], DAY, "it") == "26 luglio 2016"


def test_without_a_day_the_names_stand_alone():
    assert format_byline(["Anna"], None, "it") == "di Anna"


def test_without_either_there_is_no_byline():
    assert format_byline([], None, "it") is None


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("it", "it"),
        ("IT", "it"),
        ("it-it", "it-IT"),
        ("ZH-hANT-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("sl-ROZAJ-biske-1994", "sl-rozaj-biske-1994"),
        ("de-CH-1901", "de-CH-1901"),
        ("zh-cmn-Hans-CN", "zh-cmn-Hans-CN"),
        ("en-US-u-islamcal", "en-US-u-islamcal"),
        ("en-a-myExt-b-another", "en-a-myext-b-another"),
        ("de-CH-x-Phonebk", "de-CH-x-phonebk"),
        ("qaa-Qaaa-QM-x-southern", "qaa-Qaaa-QM-x-southern"),
        ("abcd", "abcd"),
        ("abcdefgh", "abcdefgh"),
    ],
)
def test_a_language_tag_in_its_canonical_case(text, tag):
    assert canonicalize_tag(text) == tag


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i",
        "it_IT",
        "it-",
        "-it",
        "it--IT",
        "it-I",
        "it IT",
        "it\n",
        "it\0",
        "abcdefghi",
        "it-IT-IT",
        "it-1",
        "it-u",
        "it-x",
        "x-private",
        "i-klingon",
        "ıt",
        "\u212aa",
        "it-" + "a" * 33,
        "it" + "-abcde" * 6,
        "en-a-" * 10_000,
    ],
)
def test_a_malformed_language_tag_is_none(text):
    assert canonicalize_tag(text) is None


@given(st.text(alphabet="abAB01-x_", max_size=40) | ANY_TEXT)
def test_a_canonical_tag_is_its_own(text):
    tag = canonicalize_tag(text)
    assert tag is None or (canonicalize_tag(tag) == tag and tag.lower() == text.lower())
