"""An article as JSON-LD: what search engines require and recommend is there, in words that schema.org has."""

import json
from datetime import UTC, date, datetime
from uuid import UUID

import orjson
import pytest

from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.content.presentation.renditions import Renditions
from newsapi.reading.jsonld import news_article, script_safe
from newsapi.settings import Settings

RENDITIONS = Renditions("https://img.example.org/{width}x{height}/{url}")

# The properties of each type in use, as schema.org lists them (those of the types it inherits from included).
WORDS = {
    "NewsArticle": "headline description image datePublished dateModified author publisher mainEntityOfPage url"
    " inLanguage articleSection keywords about mentions wordCount isAccessibleForFree correction license video"
    " associatedMedia workTranslation",
    "Article": "url inLanguage",
    "Person": "name url",
    "Organization": "name",
    "Brand": "name url",
    "WebPage": "@id",
    "ImageObject": "url width height caption creditText",
    "CorrectionComment": "text datePublished",
    "VideoObject": "name description thumbnailUrl uploadDate duration contentUrl encodingFormat width height embedUrl"
    " creditText",
}

# developers.google.com/search/docs/appearance/structured-data: article (which requires nothing), video, image.
RECOMMENDED = {"author", "dateModified", "datePublished", "headline", "image"}
REQUIRED_OF_A_VIDEO = {"name", "thumbnailUrl", "uploadDate"}


def photo(name="velar", **changes):
    usual = {
        "url": f"https://www.example.it/foto/{name}.jpg",
        "alt": "Una Velar di profilo",
        "caption": "La Velar a Ginevra",
        "width": 1600,
        "height": 1200,
        "credit": "Ansa",
        "focal": None,
    }
    return usual | changes


def medium(number, kind, **changes):
    names = ("image", "embed_url", "poster", "duration_seconds", "caption", "credit")
    return dict.fromkeys(names) | {"id": str(number), "kind": kind, "sources": [], "captions": []} | changes


def record(**changes):
    """A record as it is shown: stored fields, completed."""
    stored = {
        "id": UUID("01925b6e-7c00-7000-8000-000000000001"),
        "slug": "range-rover-velar",
        "headline": "Range Rover Velar: in arrivo il nuovo SUV-Coupé",
        "standfirst": "Il quarto modello della famiglia.",
        "format": "article",
        "language": "it",
        "section": {"slug": "anteprime", "name": "Anteprime"},
        "brand": {"slug": "land-rover", "name": "Land Rover"},
        "authors": [{"slug": "francesco-donnici", "name": "Francesco Donnici"}, {"slug": "ada", "name": "Ada Neri"}],
        "mentions": [{"slug": "jaguar", "name": "Jaguar"}],
        "tags": [{"slug": "suv", "name": "SUV"}, {"slug": "ginevra", "name": "Salone di Ginevra"}],
        "image": photo(),
        "published_at": datetime(2016, 7, 26, 10, tzinfo=UTC),
        "published_precision": "second",
        "updated_at": datetime(2016, 8, 2, 9, tzinfo=UTC),
        "materially_updated_at": datetime(2016, 7, 28, 8, 30, tzinfo=UTC),
        "word_count": 412,
        "status": "published",
        "version": 3,
        "seq": 17,
        "body_html": "<p>Una frase.</p>",
        "canonical_url": None,
        "source": None,
        "media": [],
        "corrections": [],
        "rights": None,
        "seo": None,
        "previous_slugs": [],
    }
    settings = Settings(article_url="https://www.example.it/{section}/{slug}.html")
    complete = ArticlePresenter(settings).article(stored | changes)
    complete["image"] = RENDITIONS.picture((stored | changes)["image"])
    return complete


VIDEO = record(
    format="video",
    media=[
        medium(
            1,
            "video",
            image=photo("fermo"),
            sources=[
                {"url": "https://www.example.it/v/1.mp4", "type": "video/mp4", "width": 1920, "height": 1080},
                {"url": "https://www.example.it/v/1.webm", "type": "video/webm", "width": None, "height": None},
            ],
            duration_seconds=3_784.4,
            caption="La prova su strada",
            credit="Video di redazione",
        ),
        medium(2, "video", embed_url="https://player.vimeo.com/video/2", poster="https://www.example.it/v/2.jpg"),
        medium(3, "video"),
        medium(4, "embed", embed_url="https://open.spotify.com/x"),
    ],
)
GALLERY = record(
    format="gallery",
    media=[
        medium(1, "image", image=photo("uno"), caption="Il muso", credit="Reuters"),
        medium(2, "image", image=photo("due", width=None, height=None)),
        medium(3, "video", sources=[{"url": "https://www.example.it/v.mp4", "type": None, "width": 1, "height": 1}]),
    ],
)
CORRECTED = record(
    corrections=[{"at": "2016-07-28T08:30:00Z", "text": "L'alluminio pesa un terzo."}],
    rights={"holder": "Editrice", "terms": None, "license_url": "https://www.example.it/licenza", "ai": "denied"},
)
BARE = record(
    image=None,
    standfirst=None,
    section=None,
    brand=None,
    authors=[],
    mentions=[],
    tags=[],
    materially_updated_at=None,
)
RICH = {"article": record(), "video": VIDEO, "gallery": GALLERY, "corrected": CORRECTED}
ALL = RICH | {"bare": BARE}


def things(value):
    """Every thing in a document, at any depth."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from things(inner)


def page_of(kind, slug):
    return f"https://www.example.it/{kind}/{slug}" if kind == "author" else None


def shown(complete):
    return news_article(complete, publisher="Il Giornale dell'Auto", site_url_of=page_of)


# --- what others ask for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RICH)
def test_what_search_engines_recommend_is_there(name):
    document = shown(RICH[name])
    assert document["@context"] == "https://schema.org"
    assert document["@type"] == "NewsArticle"
    assert document.keys() >= RECOMMENDED | {"publisher", "mainEntityOfPage"}
    assert all(author.keys() >= {"@type", "name", "url"} for author in document["author"])


@pytest.mark.parametrize("name", ALL)
def test_every_word_is_one_of_schema_org(name):
    for thing in things(shown(ALL[name])):
        known = {*WORDS[thing["@type"]].split(), "@type"} | ({"@context"} if thing["@type"] == "NewsArticle" else set())
        assert thing.keys() - known == set()


@pytest.mark.parametrize("name", ALL)
def test_what_is_not_known_is_left_out(name):
    assert [value for thing in things(shown(ALL[name])) for value in thing.values() if value in (None, "", [])] == []


@pytest.mark.parametrize("name", ALL)
def test_a_document_is_plain_json(name):
    assert json.loads(json.dumps(shown(ALL[name]))) == orjson.loads(orjson.dumps(shown(ALL[name])))


@pytest.mark.parametrize("name", ALL)
def test_times_are_in_utc_and_say_so(name):
    times = [
        value
        for thing in things(shown(ALL[name]))
        for word, value in thing.items()
        if word in {"datePublished", "dateModified", "uploadDate"}
    ]
    assert times
    assert all(value.endswith("Z") and datetime.fromisoformat(value).tzinfo for value in times)


# --- the article ------------------------------------------------------------------------------------------------------


def test_an_article_says_what_it_is():
    document = shown(record())
    del document["image"]
    assert document == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": "Range Rover Velar: in arrivo il nuovo SUV-Coupé",
        "description": "Il quarto modello della famiglia.",
        "datePublished": "2016-07-26T10:00:00Z",
        "dateModified": "2016-07-28T08:30:00Z",
        "author": [
            {
                "@type": "Person",
                "name": "Francesco Donnici",
                "url": "https://www.example.it/author/francesco-donnici",
            },
            {"@type": "Person", "name": "Ada Neri", "url": "https://www.example.it/author/ada"},
        ],
        "publisher": {"@type": "Organization", "name": "Il Giornale dell'Auto"},
        "mainEntityOfPage": {
            "@type": "WebPage",
            "@id": "https://www.example.it/anteprime/range-rover-velar.html",
        },
        "url": "https://www.example.it/anteprime/range-rover-velar.html",
        "inLanguage": "it",
        "articleSection": "Anteprime",
        "keywords": ["SUV", "Salone di Ginevra"],
        "about": [{"@type": "Brand", "name": "Land Rover"}],
        "mentions": [{"@type": "Brand", "name": "Jaguar"}],
        "wordCount": 412,
        "isAccessibleForFree": True,
    }


def test_an_article_with_nothing_but_a_headline_is_still_one():
    assert news_article(BARE) == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": BARE["headline"],
        "datePublished": "2016-07-26T10:00:00Z",
        "dateModified": "2016-07-26T10:00:00Z",
        "mainEntityOfPage": {"@type": "WebPage", "@id": "https://www.example.it/-/range-rover-velar.html"},
        "url": "https://www.example.it/-/range-rover-velar.html",
        "inLanguage": "it",
        "wordCount": 412,
        "isAccessibleForFree": True,
    }


def test_a_story_kept_from_readers_is_not_free():
    assert news_article(record(), accessible_for_free=False)["isAccessibleForFree"] is False


def test_the_page_that_search_engines_should_know_is_the_canonical_one():
    document = shown(record(canonical_url="https://altro.example/velar"))
    assert document["mainEntityOfPage"]["@id"] == "https://altro.example/velar"
    assert document["url"] == "https://www.example.it/anteprime/range-rover-velar.html"


def test_a_correction_is_told_with_its_time():
    assert shown(CORRECTED)["correction"] == [
        {
            "@type": "CorrectionComment",
            "text": "L'alluminio pesa un terzo.",
            "datePublished": "2016-07-28T08:30:00Z",
        }
    ]


def test_the_licence_is_the_address_of_the_rights():
    assert shown(CORRECTED)["license"] == "https://www.example.it/licenza"
    assert "license" not in shown(record())


def test_the_record_is_only_read():
    complete = record(format="gallery", media=[medium(1, "image", image=photo())])
    before = repr(complete)
    shown(complete)
    assert repr(complete) == before
    assert isinstance(complete["published_on"], date)


# --- pictures and videos ----------------------------------------------------------------------------------------------


def test_a_picture_is_shown_at_its_largest_in_each_of_three_shapes():
    images = shown(record())["image"]
    assert [(image["width"], image["height"]) for image in images] == [(1280, 720), (1280, 960), (640, 640)]
    assert images[0] == {
        "@type": "ImageObject",
        "url": "https://img.example.org/1280x720/https%3A%2F%2Fwww.example.it%2Ffoto%2Fvelar.jpg",
        "width": 1280,
        "height": 720,
        "caption": "La Velar a Ginevra",
        "creditText": "Ansa",
    }


def test_a_picture_without_sizes_is_shown_as_it_is():
    assert shown(record(image=photo(width=None, height=None)))["image"] == [
        {
            "@type": "ImageObject",
            "url": "https://www.example.it/foto/velar.jpg",
            "caption": "La Velar a Ginevra",
            "creditText": "Ansa",
        }
    ]


def test_a_gallery_holds_its_pictures():
    first, second = shown(GALLERY)["associatedMedia"]
    assert (first["url"], first["caption"], first["creditText"]) == (
        "https://www.example.it/foto/uno.jpg",
        "Il muso",
        "Reuters",
    )
    assert (second["caption"], second["creditText"]) == ("La Velar a Ginevra", "Ansa")
    assert "video" not in shown(GALLERY)


def test_only_a_gallery_holds_pictures():
    assert "associatedMedia" not in shown(record(media=GALLERY["media"]))


def test_a_video_tells_what_a_video_must():
    videos = shown(VIDEO)["video"]
    assert [video.keys() >= REQUIRED_OF_A_VIDEO for video in videos] == [True, True]
    assert videos[0] == {
        "@type": "VideoObject",
        "name": "Range Rover Velar: in arrivo il nuovo SUV-Coupé",
        "description": "La prova su strada",
        "thumbnailUrl": "https://www.example.it/foto/fermo.jpg",
        "uploadDate": "2016-07-26T10:00:00Z",
        "duration": "PT1H3M4S",
        "contentUrl": "https://www.example.it/v/1.mp4",
        "encodingFormat": "video/mp4",
        "width": 1920,
        "height": 1080,
        "creditText": "Video di redazione",
    }
    assert videos[1]["embedUrl"] == "https://player.vimeo.com/video/2"
    assert videos[1]["thumbnailUrl"] == "https://www.example.it/v/2.jpg"


def test_a_video_that_cannot_be_played_is_not_told():
    assert "video" not in shown(record(format="video", media=[medium(1, "video")]))


def test_only_a_video_article_is_one_of_videos():
    assert "video" not in shown(record(media=VIDEO["media"]))


@pytest.mark.parametrize(
    ("seconds", "written"), [(59.6, "PT1M"), (184, "PT3M4S"), (3600, "PT1H"), (90_061, "PT25H1M1S")]
)
def test_a_duration_is_written_in_hours_minutes_and_seconds(seconds, written):
    video = medium(1, "video", embed_url="https://player.vimeo.com/video/2", duration_seconds=seconds)
    assert shown(record(format="video", media=[video]))["video"][0]["duration"] == written


@pytest.mark.parametrize("seconds", [None, 0])
def test_a_duration_that_is_not_known_is_left_out(seconds):
    video = medium(1, "video", embed_url="https://player.vimeo.com/video/2", duration_seconds=seconds)
    assert "duration" not in shown(record(format="video", media=[video]))["video"][0]


# --- inside a page ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!-- <script>", "a & b > c", "riga\u2028riga\u2029fine", r"\u003c"]
)
def test_nothing_in_a_text_ends_the_script_it_stands_in(text):
    document = news_article(record(headline=text))
    safe = script_safe(orjson.dumps(document))
    assert not any(character in safe.decode() for character in "<>&\u2028\u2029")
    assert orjson.loads(safe) == document


def test_json_without_such_characters_stays_as_it_is():
    assert script_safe(b'{"headline":"Perch\xc3\xa9 no"}') == b'{"headline":"Perch\xc3\xa9 no"}'
