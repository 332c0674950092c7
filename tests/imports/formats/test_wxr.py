"""WordPress exports: what becomes of posts, and of what hangs on them."""

from base64 import b64encode
from urllib.parse import quote

import pytest

from newsapi.imports.record_notes import RecordProblem

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
        return read(HEAD + f"<item>{text}</item>".encode() + TAIL, "wxr", mapping).article

    return post


def test_posts_come_with_all_that_they_name_and_nothing_else_comes(read, mapping):
    found = read("wordpress.xml", "wxr", mapping)
    assert found.problems == [(110, RecordProblem("/headline", "the post senza-titolo has neither a title nor a text"))]
    assert found.slugs() == [
        *("velar-prova", "una-bozza-20", "solo-per-noi", "privato"),
        *("nel-cestino", "mai-pubblicato", "domani"),
    ]
    assert found.omissions == {"shortcode [vc_row]": 1, "page": 1}
    assert found.warned == ["/status", "/status"]
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
    assert found.lines[:6] == [16, 16, 16, 16, 16, 54]


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
    assert post(post_name="citt%C3%A0", status="draft")["slug"] == "citta"


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


def meta(name, value):
    value = f"<wp:meta_value><![CDATA[{value}]]></wp:meta_value>"
    return f"<wp:postmeta><wp:meta_key>{name}</wp:meta_key>{value}</wp:postmeta>"


@pytest.mark.parametrize(
    ("fields", "seo"),
    [
        ({"rank_math_title": "%title% %sep% %sitename%"}, {"title": "Uno", "description": None, "robots": None}),
        (
            {"rank_math_description": "Prova", "rank_math_robots": 'a:1:{i:0;s:7:"noindex";}'},
            {"title": None, "description": "Prova", "robots": "noindex"},
        ),
        (
            {"_yoast_wpseo_meta-robots-nofollow": "1", "_yoast_wpseo_meta-robots-adv": "noarchive,nosnippet"},
            {"title": None, "description": None, "robots": "nofollow, noarchive, nosnippet"},
        ),
        ({"_yoast_wpseo_meta-robots-noindex": "2"}, None),
        ({"_yoast_wpseo_title": "%%cf_campo%%"}, None),
        ({"_seopress_robots_index": "yes"}, {"title": None, "description": None, "robots": "noindex"}),
    ],
)
def test_settings_of_plugins_for_search_engines(post, fields, seo):
    assert post(more="".join(meta(*one) for one in fields.items())).get("seo") == seo


def test_enclosures_are_media(post):
    record = post(more=meta("enclosure", "https://x.example/puntata.mp3\n123\naudio/mpeg\n"))
    source = {"url": "https://x.example/puntata.mp3", "type": "audio/mpeg"}
    assert record["media"] == [{"kind": "audio", "sources": [source]}]


def item(inside, id_=7, **values):
    usual = {"post_id": id_, "post_name": f"uno-{id_}", "status": "publish", "post_type": "post"} | values
    fields = "".join(f"<wp:{name}>{value}</wp:{name}>" for name, value in usual.items())
    return f"<item><title>T{id_}</title><pubDate>Thu, 02 May 2019 08:00:00 +0000</pubDate>{inside}{fields}</item>"


def export(*items, head=""):
    return HEAD + head.encode() + "".join(items).encode() + TAIL


def author(login, name="", **values):
    fields = {"author_login": login, "author_display_name": name, **values}
    return f"<wp:author>{''.join(f'<wp:{key}>{value}</wp:{key}>' for key, value in fields.items())}</wp:author>"


@pytest.mark.parametrize(
    ("head", "creator", "names"),
    [
        (author("rossi", "Ada Rossi"), "rossi", ["Ada Rossi"]),
        (author("rossi", author_first_name="Ada", author_last_name="Rossi"), "ROSSI", ["Ada Rossi"]),
        (author("ada@x.example", "ada@x.example"), "ada@x.example", []),
        (author("rossi", "Ada Rossi"), "segreto77", []),
        (author("rossi", "Ada Rossi"), "Ada Rossi", ["Ada Rossi"]),
        ("<wp:wxr_version>1.0</wp:wxr_version>", "redazione", ["redazione"]),
    ],
)
def test_logins_are_not_names(read, head, creator, names):
    reading = read(export(item(f"<dc:creator>{creator}</dc:creator>"), head=head), "wxr")
    assert reading.names("author") == names
    assert reading.omissions["nameless author"] == (0 if names else 1)


def test_a_guest_author_is_the_item_that_describes_it(read):
    guest = item(meta("cap-user_login", "ospite") + meta("cap-display_name", "Elsa Verdi"), 8, post_type="guest-author")
    reading = read(export(item('<category domain="author" nicename="cap-ospite">ospite</category>'), guest), "wxr")
    assert reading.names("author") == ["Elsa Verdi"]
    assert not reading.omissions


def test_reusable_blocks_stand_where_they_are_used(read):
    used = item("<content:encoded>&lt;p&gt;Comune&lt;/p&gt;</content:encoded>", 8, post_type="wp_block")
    unused = item("", 9, post_type="wp_block")
    body = (
        '<content:encoded><![CDATA[<p>A</p><!-- wp:block {"ref":8} /--><!-- wp:latest-posts /-->]]></content:encoded>'
    )
    reading = read(export(item(body), used, unused), "wxr")
    assert reading.article["body_html"] == "<p>A</p><p>Comune</p>"
    assert reading.details == [("dynamic block", "latest-posts in «T7»"), ("unused reusable block", "T9")]


def test_a_featured_image_that_is_not_in_the_file_is_reported(read):
    reading = read(export(item(meta("_thumbnail_id", "99"))), "wxr")
    assert reading.article["image"] is None
    assert reading.warned == ["/image"]


@pytest.mark.parametrize(
    ("status", "password", "imported"),
    [("publish", "x", "draft"), ("private", "", "draft"), ("pending", "", "draft"), ("in-lavorazione", "", "draft")],
)
def test_what_was_not_public_is_a_draft(read, status, password, imported):
    reading = read(export(item("", status=status, post_password=password)), "wxr")
    assert reading.article["status"] == imported


def test_a_broken_post_hides_no_other(read):
    broken = "<item><title>Rotto</title><content:encoded><![CDATA[<p>Mai chiuso</content:encoded></item>"
    reading = read(export(item("", 1), broken, item("", 2)), "wxr")
    assert reading.slugs() == ["uno-1", "uno-2"]
    assert reading.omissions == {"untyped item": 1}


def test_posts_of_one_id_are_identified_by_their_addresses(read):
    items = [item(f"<link>https://x.example/{n}/</link>", 7, post_name=f"post-{n}") for n in "ab"]
    articles = read(export(*items), "wxr").articles
    assert [article["source_id"] for article in articles] == ["https://x.example/a/", "https://x.example/b/"]


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("[youtube https://youtu.be/abc_DEF]", "https://www.youtube.com/embed/abc_DEF"),
        ("[youtube=https://www.youtube.com/watch?v=abc_DEF]", "https://www.youtube.com/embed/abc_DEF"),
        ("[youtube]https://youtu.be/abc_DEF[/youtube]", "https://www.youtube.com/embed/abc_DEF"),
        ("[vimeo 12345]", "https://player.vimeo.com/video/12345"),
        ('[su_button url="https://x.example/a"]Qui[/su_button]', '<a href="https://x.example/a">'),
        ('[audio mp3="https://x.example/a.mp3"][/audio]', '<audio controls src="https://x.example/a.mp3">'),
        ('[video src="https://x.example/a.mp4" poster="https://x.example/p.jpg"]', 'poster="https://x.example/p.jpg"'),
        ("https://x.example/a.mp3", '<audio controls src="https://x.example/a.mp3">'),
    ],
)
def test_embeds_of_plugins_are_players_or_links(post, body, html):
    assert html in post(body)["body_html"]


def test_what_shortcodes_show_is_reported_if_it_is_lost(read):
    body = "<content:encoded>[modulo_contatti id=3] [sondaggio n='1']testo[/sondaggio] [sic]</content:encoded>"
    reading = read(export(item(body)), "wxr")
    assert reading.omissions == {"shortcode [modulo_contatti]": 1, "shortcode [sondaggio]": 1}
    assert "testo" in reading.article["body_html"]


def test_terms_comments_and_authors_that_are_not_used_are_reported(read):
    head = (
        "<wp:category><wp:category_nicename>prove</wp:category_nicename><wp:cat_name>Prove</wp:cat_name>"
        "<wp:category_parent>auto</wp:category_parent><wp:category_description>Su strada</wp:category_description>"
        "</wp:category><wp:tag><wp:tag_slug>mai</wp:tag_slug><wp:tag_name>Mai</wp:tag_name></wp:tag>"
        "<wp:term><wp:term_taxonomy>nav_menu</wp:term_taxonomy><wp:term_name>In alto</wp:term_name></wp:term>"
    )
    category = '<category domain="category" nicename="prove">Prove</category>'
    comment = "<wp:comment><wp:comment_author_email>x@x.example</wp:comment_author_email></wp:comment>"
    page = item(comment, 8, post_type="page")
    reading = read(export(item(category), page, head=head + author("rossi", "Ada Rossi")), "wxr")
    assert reading.details == [
        ("category description", "Prove"),
        ("category parent", "Prove"),
        ("unused tag", "Mai"),
        ("menu", "In alto"),
        ("page", "T8"),
        ("comment", "T8"),
        ("author without articles", "Ada Rossi"),
    ]


def test_raw_html_of_a_page_builder_is_decoded(read):
    encoded = b64encode(quote("<p>Grezzo</p>").encode()).decode()
    body = f"<content:encoded>[vc_raw_html]{encoded}[/vc_raw_html] [vc_raw_js]YQ==[/vc_raw_js]</content:encoded>"
    reading = read(export(item(body)), "wxr")
    assert reading.article["body_html"] == "<p>Grezzo</p>"
    assert reading.omissions == {"shortcode [vc_raw_js]": 1}


def test_a_text_that_only_a_page_builder_has_is_reported(read):
    assert read(export(item(meta("_elementor_data", '[{"id":"a"}]'))), "wxr").omissions == {"page builder content": 1}


def test_languages_and_translations_of_polylang(read):
    terms = '<category domain="language" nicename="en">English</category>'
    terms += '<category domain="post_translations" nicename="pll_5f">pll_5f</category>'
    article = read(export(item(terms), head="<language>it-IT</language>"), "wxr").article
    assert (article["language"], article["translation_group"]) == ("en", "#pll_5f")


def test_images_of_a_gallery_that_are_not_in_the_file_are_reported(read):
    body = "<content:encoded>[gallery ids='98,99']</content:encoded>"
    reading = read(export(item(body)), "wxr")
    assert reading.omissions == {"gallery image that is not in the file": 2, "shortcode [gallery]": 1}


def test_relative_links_between_posts_name_their_targets(read):
    body = '<content:encoded><![CDATA[<a href="/blog/uno/?x=1#y">1</a> <a href="/altro/">2</a>]]></content:encoded>'
    items = [item("<link>/blog/uno</link>", 1), item(f"<link>/blog/due</link>{body}", 2)]
    reading = read(export(*items, head="<link>https://x.example</link>"), "wxr")
    body = reading["uno-2"]["body_html"]
    assert '<a data-article-id="uno-1" href="/blog/uno/?x=1#y">' in body
    assert '<a href="/altro/">' in body
    assert reading["uno-2"]["base_url"] == "https://x.example/blog/due"


def test_a_text_may_stand_in_the_description(read):
    assert read(export(item("<description>Testo</description>")), "wxr").article["body_html"] == "<p>Testo</p>"


def test_a_name_with_folders_gives_the_slug_of_its_last_part(read):
    reading = read(export(item("<link>/blog/2023/mia-prova.html</link>", post_name="blog/2023/mia-prova")), "wxr")
    assert reading.article["slug"] == "mia-prova"
    assert reading.article["previous_slugs"] == ["mia-prova.html"]
