"""Clean HTML, its text, and its length: what stays and what becomes of it."""

import pytest

from newsapi.text.html import body_word_count, html_to_text, reading_minutes, sanitize_html, text_to_html, word_count

BASE = "https://www.example.it/novita/articolo.html"
HOSTS = frozenset({"youtube.com"})
SANDBOX = 'sandbox="allow-scripts allow-same-origin allow-popups allow-presentation" loading="lazy"'
REL = 'rel="noopener noreferrer"'


def cleaned(html: str) -> str:
    return sanitize_html(html, base=BASE, embed_hosts=HOSTS).html


@pytest.mark.parametrize(
    "html",
    [
        "<p>Il Gruppo è alla <em>ricerca</em> di <strong>una</strong> partnership.</p>",
        "<h2>a</h2><h3>b</h3><h4>c</h4><hr><p>d<br>e</p>",
        "<ul><li>a<ul><li>b</li></ul></li></ul>",
        '<ol start="3" reversed=""><li value="9">a</li></ol>',
        "<dl><dt>a</dt><dd>b</dd></dl>",
        '<blockquote cite="https://example.org/"><p>a</p></blockquote><p><q cite="https://example.org/">b</q></p>',
        "<p><cite>a</cite><b>b</b><i>c</i><u>d</u><s>e</s><sub>f</sub><sup>g</sup><small>h</small></p>",
        '<p><abbr title="a">b</abbr><time datetime="2016-07-26">c</time><code>d</code><kbd>e</kbd><mark>f</mark></p>',
        '<p><ins datetime="2016-07-26">a</ins><del>b</del></p><pre>c\n d</pre>',
        f'<p><a href="https://example.org/?a=1&amp;b=2" title="t" hreflang="en-GB" {REL}>a</a></p>',
        '<figure><img src="https://example.org/a.jpg" alt="" width="3" height="2"><figcaption>b</figcaption></figure>',
        '<table><caption>a</caption><thead><tr><th colspan="2" scope="col">b</th></tr></thead></table>',
        '<table><tbody><tr><td>c</td><td rowspan="2">d</td></tr></tbody><tfoot><tr><td>e</td></tr></tfoot></table>',
        '<p>a&nbsp;b &lt; c &amp;amp; "d"</p>\n\n<p>l\'auto 😀</p>',
        "loose text",
    ],
)
def test_good_markup_stays_as_it_is(html):
    assert cleaned(html) == html


def test_a_comment_inside_a_table_is_gone():
    assert cleaned("<table><tr><!-- x --><td>a<!-- y --></td></tr></table>") == (
        "<table><tbody><tr><td>a</td></tr></tbody></table>"
    )


def test_a_script_goes_with_its_content():
    assert cleaned("a<script>alert(1)</script>b") == "ab"


def test_a_drawing_goes_with_its_content():
    assert cleaned("a<svg><text>x</text><svg></svg>y</svg>b") == "ab"


def test_an_unknown_element_goes_and_its_content_stays():
    assert cleaned("<p><blink>a</blink></p>") == "<p>a</p>"


def test_a_first_heading_becomes_a_second_one():
    assert cleaned("<h1>a</h1>") == "<h2>a</h2>"


def test_boxes_become_paragraphs():
    assert cleaned("<div>a</div><div>b</div>") == "<p>a</p><p>b</p>"


def test_a_box_around_paragraphs_leaves_nothing_behind():
    assert cleaned("<div>\n<p>a</p>\n</div>") == "\n<p>a</p>\n"


def test_an_empty_paragraph_is_gone():
    assert cleaned("<p>a</p><p> </p><p></p>") == "<p>a</p> "


def test_a_paragraph_that_was_not_closed_is():
    assert cleaned("<p>a<p>b<ul><li>c<li>d") == "<p>a</p><p>b</p><ul><li>c</li><li>d</li></ul>"


def test_crossed_inline_elements_are_nested():
    assert cleaned("<b>a<i>b</b>c</i>d") == "<b>a<i>b</i></b><i>c</i>d"


def test_emphasis_that_was_not_closed_goes_on_in_the_next_paragraph_as_in_a_browser():
    assert cleaned("<p><b>a</p><p>b</p>") == "<p><b>a</b></p><p><b>b</b></p>"


def test_a_link_inside_a_link_ends_the_first():
    assert cleaned("<a href=/x>a<a href=/y>b</a>").count("</a><a ") == 1


def test_text_between_table_and_row_comes_before_the_table_as_in_a_browser():
    assert cleaned("<table>a<tr><td>b</table>") == "a<table><tbody><tr><td>b</td></tr></tbody></table>"


def test_a_table_may_stand_in_a_cell():
    inner = "<table><tbody><tr><td>a</td></tr></tbody></table>"
    outer = f"<table><tbody><tr><td>{inner}</td><td>b</td></tr></tbody></table>"
    assert cleaned(outer) == outer


def test_a_cell_that_was_not_closed_ends_with_its_table():
    assert cleaned("<table><tr><td>a</table>b") == "<table><tbody><tr><td>a</td></tr></tbody></table>b"


def test_nesting_ends_at_thirty_two():
    assert cleaned("<b>" * 20_000 + "x") == "<b>" * 32 + "x" + "</b>" * 32


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("altro.html", "https://www.example.it/novita/altro.html"),
        ("../x", "https://www.example.it/x"),
        ("/x?y#z", "https://www.example.it/x?y#z"),
        ("?y", "https://www.example.it/novita/articolo.html?y"),
        ("#z", "#z"),
        ("//example.org/x", "https://example.org/x"),
        ("HTTPS://example.org/x", "https://example.org/x"),
        ("https://example.org", "https://example.org"),
        ("https://example.org:8443/x", "https://example.org:8443/x"),
        (" https://example.org/a b ", "https://example.org/a%20b"),
        ("https://example.org/?a=1&copy=2", "https://example.org/?a=1&amp;copy=2"),
        ("https://example.org/?a=1&amp;b=2", "https://example.org/?a=1&amp;b=2"),
        ("https://example.org/città", "https://example.org/città"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("tel:+39021234", "tel:+39021234"),
    ],
)
def test_a_link_is_absolute(written, full):
    assert cleaned(f'<a href="{written}">x</a>') == f'<a href="{full}" {REL}>x</a>'


@pytest.mark.parametrize(
    "written",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "https:example.org",
        "https://",
        "https://a@example.org/",
        "https://[x",
        "//[x",
        "https://example.org:99999/",
        "mailto:",
    ],
)
def test_a_link_that_leads_nowhere_leaves_its_text(written):
    assert cleaned(f'<a href="{written}">x</a>') == "x"


def test_without_a_base_a_relative_link_leaves_its_text():
    assert sanitize_html('<a href="/x">x</a>', base="", embed_hosts=HOSTS).html == "x"


def test_a_picture_by_mail_is_gone():
    assert cleaned('<img src="mailto:a@example.org">') == ""


def test_a_picture_keeps_what_it_needs():
    assert cleaned('<img SRC=a.jpg srcset="b 2x" width=10 height=auto class=c alt="d">') == (
        '<img src="https://www.example.it/novita/a.jpg" alt="d" width="10">'
    )


def test_the_first_of_two_attributes_counts():
    assert 'alt="a"' in cleaned("<img src=x alt=a ALT=b>")


def test_a_quotation_mark_in_a_title_cannot_end_it():
    assert cleaned("<abbr title='a\" onclick=\"b'>c</abbr>") == '<abbr title="a&quot; onclick=&quot;b">c</abbr>'


def test_the_mark_of_an_own_article_stays():
    own = "0190b1c4-0000-7000-8000-000000000000"
    assert f'data-article-id="{own}"' in cleaned(f'<a href="/x" data-article-id="{own.upper()}">x</a>')


def test_the_mark_of_an_own_article_is_an_id_or_the_slug_of_an_import():
    assert 'data-article-id="velar"' in cleaned('<a href="/x" data-article-id="velar">x</a>')
    assert "data-article-id" not in cleaned('<a href="/x" data-article-id="La Velar">x</a>')


@pytest.mark.parametrize("host", ["youtube.com", "www.youtube.com", "WWW.YouTube.com", "youtube.com:443"])
def test_an_embed_of_a_listed_host_is_kept_in_its_sandbox(host):
    assert cleaned(f'<iframe src="https://{host}/embed/x" onload=x allowfullscreen></iframe>') == (
        f'<iframe src="https://{host}/embed/x" allowfullscreen="" {SANDBOX}></iframe>'
    )


@pytest.mark.parametrize(
    "address",
    ["https://youtube.com.example.org/x", "https://xyoutube.com/x", "https://youtube.com:8443/x"],
)
def test_an_embed_of_another_host_becomes_a_link(address):
    name = address.removeprefix("https://")
    assert cleaned(f'a<iframe src="{address}">x</iframe>b') == f'a<p><a href="{address}" {REL}>{name}</a></p>b'


def test_an_embed_without_a_scheme_is_https():
    html = sanitize_html(
        '<iframe src="//youtube.com/x"></iframe>', base="http://old.example.it/", embed_hosts=HOSTS
    ).html
    assert 'src="https://youtube.com/x"' in html


def test_line_feeds_at_the_beginning_of_pre_are_gone():
    assert cleaned("<pre>\n\n\nx\n</pre>") == "<pre>x\n</pre>"


def test_an_empty_paragraph_takes_its_white_space_out_of_pre():
    assert cleaned("<pre><p>\n</p>x</pre>") == "<pre>x</pre>"


def test_line_ends_become_line_feeds():
    assert cleaned("a\r\nb\rc&#13;d") == "a\nb\nc\nd"


def test_a_less_than_sign_in_text_is_text():
    assert cleaned("<p>1 < 2 <3</p>") == "<p>1 &lt; 2 &lt;3</p>"


def test_a_tag_that_is_never_finished_ends_the_text():
    assert cleaned("a<b class=") == "a"


def test_a_drawing_that_is_never_closed_takes_only_its_tag():
    assert cleaned("<svg><p>a</p>") == "<p>a</p>"


@pytest.mark.parametrize(
    "html",
    [
        "<" * 50_000,
        "<svg>" * 10_000,
        '<a "' * 12_500,
        "&#" + "9" * 50_000,
        "<table><td>" * 4_500,
        "<b><i><a href=x>" * 3_000 + "</b>" * 3_000,
        "<a " + " ".join(f"a{number}=1" for number in range(6_000)) + ">",
        "\0" * 50_000,
    ],
    ids=lambda html: repr(html[:12]),
)
def test_a_very_long_input_is_cleaned_for_good(html):
    once = cleaned(html)
    assert cleaned(once) == once


def test_paragraphs_are_what_a_blank_line_separates():
    assert text_to_html("a <b>\n \nc\nd\n\n\n") == "<p>a &lt;b&gt;</p><p>c\nd</p>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<h2>a</h2><p>b\n  c</p>", "a\n\nb c"),
        ("<p>a<br>b</p>", "a\nb"),
        ("<p>a</p><ul><li>b</li><li>c</li></ul><p>d</p>", "a\n\nb\nc\n\nd"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "a\nb"),
        (
            "<table><caption>a</caption><tbody><tr><td>b</td><td>c</td></tr><tr><td>d</td></tr></tbody></table>",
            "a\n\nb c\nd",
        ),
        ("<p>a<b>b</b>c</p>", "abc"),
        ("<p>a&nbsp;&nbsp;b\xa0c</p>", "a b c"),
        ("<p>&lt;b&gt; &amp;amp; dell&#39;auto</p>", "<b> &amp; dell'auto"),
        ('<figure><img src="https://x.it/" alt="no"><figcaption>a</figcaption></figure><p>b</p>', "a\n\nb"),
        ('<p>a</p><iframe src="https://youtube.com/x" title="no"></iframe><p>b</p>', "a\n\nb"),
        ("<blockquote><p>a</p></blockquote>b", "a\n\nb"),
        ("a<hr>b", "a\n\nb"),
        ("", ""),
    ],
)
def test_text_of_markup(html, text):
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("dell'auto", 1),
        ("l’auto dell’anno", 2),
        ("1.500 euro", 2),
        ("casa - auto – moto", 3),
        ("casa—auto…moto", 3),
        ("… ! ? — & 😀 ___", 0),
        ("(vedi) «qui»,", 2),
        ("e-mail\n\ne-bike", 2),
        ("大众汽车 ID.3", 5),
    ],
)
def test_words_are_counted_as_a_reader_does(text, words):
    assert word_count(text) == words


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>una</p><p>due</p>", 2),
        ("<p>un<strong>a</strong><br>due</p>", 2),
        ("<ul><li>una</li><li>due</li></ul>tre&nbsp;e&#8211;quattro", 5),
        ("<table><tbody><tr><td>una</td><td>due</td></tr></tbody></table>", 2),
        ('<p><img src="https://x.it/a.jpg" alt="non\nconta">una</p>', 1),
        ("<p>co\u200bdice — 大众</p>", 3),
    ],
)
def test_words_of_a_body_are_those_of_its_text(html, words):
    assert body_word_count(html) == word_count(html_to_text(html)) == words


@pytest.mark.parametrize(("words", "minutes"), [(0, 0), (1, 1), (200, 1), (201, 2), (2_000, 10)])
def test_two_hundred_words_take_a_minute(words, minutes):
    assert reading_minutes(words) == minutes
