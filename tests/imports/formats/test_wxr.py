"""WordPress exports: what becomes of posts, and of what hangs on them."""

import pytest

HEAD = b"""<?xml version="1.0"?><rss xmlns:wp="http://wordpress.org/export/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:excerpt="http://wordpress.org/export/1.1/excerpt/"><channel>"""
TAIL = b"</channel></rss>"


@pytest.fixture
def post(read):
    """Read an export of one post with this inside; answer its record."""

    def post(body="", *, more="", mapping=None, **values):
        usual = {"post_id": "7", "post_name": "uno", "status": "publish", "post_type": "post"}
        usual |= {"post_date_gmt": "2017-03-01 10:00:00"}
        inside = "".join(
            f"<wp:{name}>{text}</wp:{name}>" for name, text in (usual | values).items() if text is not None
        )
        text = f"<title>Uno</title>{more}<content:encoded><![CDATA[{body}]]></content:encoded>{inside}"
        found = read(HEAD + f"<item>{text}</item>".encode() + TAIL, "wxr", mapping)
        return next(one for one in found.records if one["type"] == "article")

    return post


def test_posts_come_with_all_that_they_name_and_nothing_else_comes(read, mapping):
    found = read("wordpress.xml", "wxr", mapping)
    assert found.problems == []
    assert found.slugs() == [
        *("velar-prova", "una-bozza-20", "solo-per-noi", "privato"),
        *("nel-cestino", "mai-pubblicato", "domani", "senza-titolo"),
    ]
    velar = found["velar-prova"]
    assert velar["headline"] == "Range Rover Velar: prova & prezzi"
    assert (velar["status"], velar["published_at"]) == ("published", "2017-03-01T17:30:00+00:00")
    assert velar["updated_at"] == "2017-03-02T08:00:00+00:00"
    assert (velar["brand"], velar["section"], velar["tags"]) == ("land-rover", "prove", ["suv"])
    assert (velar["authors"], velar["format"], velar["language"]) == (["francesco-donnici"], "gallery", "it-IT")
    assert velar["previous_slugs"] == ["velar", "velar-prova-su-strada"]
    assert velar["standfirst"] == "Tutto sul SUV."
    assert velar["image"] == {
        "url": "https://vecchio.example/uploads/velar.jpg",
        "alt": "Un SUV grigio",
        "caption": "La Velar a Ginevra",
        "width": 1600,
        "height": 900,
    }


def test_terms_are_told_once_before_the_post_that_first_bears_them(read, mapping):
    found = read("wordpress.xml", "wxr", mapping)
    assert found.records[:5] == [
        {"type": "brand", "slug": "land-rover", "name": "Land Rover"},
        {"type": "section", "slug": "prove", "name": "Prove su strada"},
        {"type": "tag", "slug": "suv", "name": "SUV"},
        {
            "type": "author",
            "slug": "francesco-donnici",
            "name": "Francesco Donnici",
            "email": "francesco@example.com",
        },
        found["velar-prova"],
    ]
    assert found.slugs("author") == ["francesco-donnici", "francesco-donnici-francesco2", "redazione"]
    assert found.slugs("section") == ["prove", "attualita"]
    assert found.places[:6] == [16, 16, 16, 16, 16, 54]


def test_what_was_not_for_everybody_stays_hidden(read):
    found = read("wordpress.xml", "wxr")
    status = {slug: found[slug]["status"] for slug in found.slugs()}
    assert status == {
        "velar-prova": "published",
        "una-bozza-20": "draft",
        "solo-per-noi": "draft",
        "privato": "draft",
        "nel-cestino": "withdrawn",
        "mai-pubblicato": "withdrawn",
        "domani": "scheduled",
        "senza-titolo": "published",
    }
    assert found["mai-pubblicato"]["published_at"] is None, "or the world would be told that it was there"
    assert found["nel-cestino"]["published_at"] is not None


def test_without_a_mapping_categories_are_tags(read):
    found = read("wordpress.xml", "wxr")
    assert found["velar-prova"]["tags"] == ["land-rover", "prove", "varie", "suv"]
    assert (found["velar-prova"]["brand"], found["velar-prova"]["section"]) == (None, None)


def named(id_, name, status="publish", old=""):
    meta = f"<wp:postmeta><wp:meta_key>_wp_old_slug</wp:meta_key><wp:meta_value>{old}</wp:meta_value></wp:postmeta>"
    return (
        f"<item><title>T{id_}</title><wp:post_id>{id_}</wp:post_id><wp:post_name>{name}</wp:post_name>"
        f"<wp:status>{status}</wp:status><wp:post_type>post</wp:post_type>"
        f"<wp:post_date_gmt>2017-03-01 10:00:00</wp:post_date_gmt>{meta if old else ''}</item>"
    )


def test_a_name_that_another_post_has_by_now_is_left_to_it(read):
    items = named(1, "nuovo", old="velar") + named(2, "velar") + named(3, "velar__trashed", "trash")
    found = read(HEAD + items.encode() + TAIL, "wxr")
    assert found.slugs() == ["nuovo", "velar", "velar-3"]
    assert found["nuovo"]["previous_slugs"] == []


def test_the_same_file_gives_the_same_records(read, mapping):
    assert read("wordpress.xml", "wxr", mapping).records == read("wordpress.xml", "wxr", mapping).records


def test_a_time_without_gmt_is_of_the_newsrooms_clock(post):
    found = post(post_date_gmt="0000-00-00 00:00:00", post_date="2017-07-01 10:00:00")
    assert found["published_at"] == "2017-07-01T08:00:00+00:00"


def test_a_post_without_a_name_bears_its_number_as_titles_repeat(post):
    assert post(post_name="", status="draft")["slug"] == "uno-7"
    assert post(post_name="citt%C3%A0", status="draft")["slug"] == "uno-7"


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("Uno.\n\nDue.", "<p>Uno.</p><p>Due.</p>"),
        ("Uno.\r\nA capo.", "<p>Uno.<br>A capo.</p>"),
        ("<h2>Titolo</h2>\nTesto.\n\nAltro.", "<h2>Titolo</h2><p>Testo.</p><p>Altro.</p>"),
        ("<ul>\n<li>a</li>\n\n<li>b</li>\n</ul>", "<ul>\n<li>a</li>\n\n<li>b</li>\n</ul>"),
        ("<p>Uno.</p>\n<p>Due.</p>", "<p>Uno.</p><p>Due.</p>"),
        ("<blockquote>A.\n\nB.</blockquote>", "<blockquote><p>A.</p><p>B.</p></blockquote>"),
        ("<!-- wp:paragraph -->\n<p>Uno.</p>\n<!-- /wp:paragraph -->", None),
        ("Così [sic] e [1].", "<p>Così [sic] e [1].</p>"),
        ('Prima [vc_row el="1"]dentro[/vc_row] dopo', "<p>Prima dentro dopo</p>"),
        ("Un [[gallery]] citato", "<p>Un [[gallery]] citato</p>"),
        ("[gallery]", ""),
        (
            '[caption width="300"]<img src="https://x.example/a.jpg"> Testo[/caption]',
            '<figure><img src="https://x.example/a.jpg"><figcaption>Testo</figcaption></figure>',
        ),
        ("[caption]nessuna immagine[/caption]", "<p>nessuna immagine</p>"),
        ("[caption]mai chiusa", "<p>mai chiusa</p>"),
        (
            "[embed]https://youtu.be/abc[/embed]",
            '<figure><iframe src="https://www.youtube.com/embed/abc"></iframe></figure>',
        ),
        (
            "https://vimeo.com/123",
            '<figure><iframe src="https://player.vimeo.com/video/123"></iframe></figure>',
        ),
        ("https://x.example/a?b=1", '<p><a href="https://x.example/a?b=1">https://x.example/a?b=1</a></p>'),
    ],
)
def test_bodies_become_html(post, body, html):
    found = post(body)["body_html"].strip()
    assert found == (body if html is None else html)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece",
    ["[caption]", "[", "[a b", "<pre>", "<blockquote>", "\n \n", "[/x]", "<", "https://", "[x a='", "[[", "<ul ", "&"],
)
def test_no_body_takes_long(post, piece):
    post(piece * (600_000 // len(piece)))
