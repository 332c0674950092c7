"""Media of a body: what becomes of images, players, frames, posts and anchors, and what is told."""

import pytest

from newsapi.text.html import SanitizedHtml, sanitize_html

BASE = "https://vecchio.example/"
HOSTS = frozenset(
    {"www.youtube.com", "www.youtube-nocookie.com", "player.vimeo.com", "www.dailymotion.com", "open.spotify.com"}
)
SANDBOX = 'sandbox="allow-scripts allow-same-origin allow-popups allow-presentation" loading="lazy"'
REL = 'rel="noopener noreferrer"'


def sanitized(html: str) -> SanitizedHtml:
    result = sanitize_html(html, base=BASE, embed_hosts=HOSTS)
    assert sanitize_html(result.html, base=BASE, embed_hosts=HOSTS) == SanitizedHtml(result.html)
    return result


def removed(html: str) -> list[tuple[str, str, int]]:
    return [(removal.kind, removal.detail, removal.count) for removal in sanitized(html).removals]


def link(url: str, text: str) -> str:
    return f'<a href="{url}" {REL}>{text}</a>'


def image(name: str, alt: str | None = None) -> str:
    return f'<img src="{BASE}{name}"' + (f' alt="{alt}"' if alt is not None else "") + ">"


# --- images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ('<img src="data:image/gif;base64,R0" data-src="/a.jpg" alt="x">', image("a.jpg", "x")),
        ('<img src="/placeholder.svg" data-lazy-src="/a.jpg">', image("a.jpg")),
        ('<img class="lazy" src="/s.jpg" data-original="/a.jpg">', image("a.jpg")),
        ('<img src="data:," data-srcset="/s.jpg 300w, /a.jpg 900w, /m.jpg 600w">', image("a.jpg")),
        ('<img srcset="/s.jpg, /a.jpg 2x">', image("a.jpg")),
        ('<img data-cfsrc="/a.jpg">', image("a.jpg")),
        ('<img src="/loading.gif" data-pagespeed-lazy-src="/a.jpg">', image("a.jpg")),
        ('<img src="/a.jpg" data-large-image="/b.jpg">', image("a.jpg")),
        ('<img src="/a.jpg" srcset="/b.jpg 2x">', image("a.jpg")),
        ('<img src="/a.jpg" data-lazy="true">', image("a.jpg")),
        ('<img src="data:," class="lazyload"><noscript><img src="/a.jpg"></noscript>', image("a.jpg")),
        ('<img src="data:," data-src="/a.jpg"><noscript><img src="/a.jpg"></noscript>', image("a.jpg")),
        ('<noscript><img src="/a.jpg"></noscript><img src="data:," data-src="/a.jpg">', image("a.jpg")),
        ('<picture><source srcset="/a.webp"><img src="/a.jpg" alt="p"></picture>', image("a.jpg", "p")),
        ('<picture><source srcset="/b.webp 1x, /a.webp 2x"></picture>', image("a.webp")),
        ('<amp-img src="/a.jpg"><noscript><img src="/a.jpg"></noscript></amp-img>', image("a.jpg")),
        ('<iframe src="/a.png"></iframe>', image("a.png")),
    ],
)
def test_an_image_is_the_file_that_a_reader_sees(html, kept):
    assert sanitized(html).html == kept


def test_the_background_picture_of_a_cover_is_an_image():
    cover = (
        '<div class="wp-block-cover"><div role="img" aria-label="Il mare" class="wp-block-cover__image-background"'
        ' style="color:red; background-image:url( &quot;/a.jpg&quot; )"></div>'
        '<div class="wp-block-cover__inner-container"><p>Sopra la foto</p></div></div>'
    )
    assert sanitized(cover).html == f"<p>{image('a.jpg', 'Il mare')}</p><p>Sopra la foto</p>"


def test_a_background_that_is_shown_as_an_image_too_is_kept_once():
    assert sanitized('<div style="background:url(/a.jpg)"><img src="/a.jpg"></div>').html == f"<p>{image('a.jpg')}</p>"


LINKED = '<a href="/b"><img src="/a.jpg"></a>'


@pytest.mark.parametrize(
    "html",
    [
        '<div class="wp-caption"><a href="/b"><img src="/a.jpg"></a><p class="wp-caption-text">Il mare</p></div>',
        f'<dl class="gallery-item"><dt>{LINKED}</dt><dd class="gallery-caption">Il mare</dd></dl>',
        f'<table class="tr-caption-container"><tr><td>{LINKED}<tr><td class="tr-caption">Il mare</table>',
        '<figure><div class="frame"><a href="/b"><img src="/a.jpg"></a></div><figcaption>Il mare</figcaption></figure>',
    ],
)
def test_an_image_with_its_caption_is_a_figure(html):
    picture = f'<a href="{BASE}b" {REL}>{image("a.jpg")}</a>'
    assert sanitized(html).html == f"<figure>{picture}<figcaption>Il mare</figcaption></figure>"


def test_a_gallery_in_a_list_is_a_figure_of_figures():
    html = (
        '<figure class="wp-block-gallery"><ul><li><figure><img src="/a.jpg"><figcaption>Uno</figcaption></figure></li>'
        "<li><img src=/b.jpg></li></ul><figcaption>Tutte</figcaption></figure>"
    )
    assert sanitized(html).html == (
        f"<figure><figure>{image('a.jpg')}<figcaption>Uno</figcaption></figure><figure>{image('b.jpg')}</figure>"
        "<figcaption>Tutte</figcaption></figure>"
    )


def test_a_list_of_images_that_is_a_gallery_is_a_figure():
    items = '<li><figure><img src="/a.jpg"><figcaption>Uno</figcaption></figure></li><li><img src="/b.jpg"></li>'
    assert sanitized(f'<ul class="wp-block-gallery columns-2">{items}</ul>').html == (
        f"<figure><figure>{image('a.jpg')}<figcaption>Uno</figcaption></figure><figure>{image('b.jpg')}</figure></figure>"
    )
    assert sanitized("<ul><li><img src=/a.jpg></li></ul>").html == f"<ul><li>{image('a.jpg')}</li></ul>"


def test_an_image_without_an_address_is_told():
    assert removed('<img src="data:image/png;base64,R0"><img alt="x">') == [("image", "data:image/png;base64,R0", 2)]


# --- players ----------------------------------------------------------------------------------------------------------


def test_an_audio_becomes_a_link_and_a_media_file():
    result = sanitized(
        '<figure><audio controls src="/a.mp3"></audio><figcaption>L\'<b>intervista</b></figcaption></figure>'
    )
    assert result.html == (
        f"<figure>{link(BASE + 'a.mp3', 'a.mp3')}<figcaption>L'<b>intervista</b></figcaption></figure>"
    )
    [media] = result.media
    assert (media.kind, media.sources[0].url, media.caption) == ("audio", f"{BASE}a.mp3", "L'intervista")
    assert result.removals == ()


def test_a_video_keeps_all_its_files_its_poster_and_its_subtitles():
    result = sanitized(
        '<video poster="/p.jpg" title="La prova"><source src="/a.webm" type="video/webm; codecs=vp9">'
        '<source src="/a.mp4">'
        '<track src="/it.vtt" srclang="it" kind="captions"><track src="/c.vtt" kind="chapters">Aggiorna</video>'
    )
    assert result.html == f"<p>{link(BASE + 'a.webm', 'La prova')}</p>"
    [media] = result.media
    assert [tuple(source) for source in media.sources] == [(f"{BASE}a.webm", "video/webm"), (f"{BASE}a.mp4", None)]
    assert (media.poster, media.captions) == (f"{BASE}p.jpg", (("it", f"{BASE}it.vtt"),))


@pytest.mark.parametrize(
    "html",
    [
        '<object data="/a.mp3"></object>',
        '<embed src="/a.mp3">',
        '<iframe src="/a.mp3"></iframe>',
        '<amp-audio src="/a.mp3"></amp-audio>',
        '<audio><source src="/a.mp3"></audio>',
    ],
)
def test_every_way_to_embed_a_file_gives_the_file(html):
    assert [media.sources[0].url for media in sanitized(html).media] == [f"{BASE}a.mp3"]


def test_what_follows_a_player_that_was_never_closed_stays():
    assert sanitized('<audio src="/a.mp3">poi <p>il resto</p>').html.endswith("</p>poi <p>il resto</p>")


def test_a_player_without_a_file_is_told():
    assert removed("<video></video><audio src='blob:x'></audio>") == [("video", "video", 1), ("audio", "blob:x", 1)]


# --- frames -----------------------------------------------------------------------------------------------------------

YOUTUBE = "https://www.youtube.com/embed/abc123"


@pytest.mark.parametrize(
    ("html", "player"),
    [
        ('<iframe src="http://www.youtube.com/embed/abc123"></iframe>', YOUTUBE),
        ('<iframe src="//youtu.be/abc123?t=1m30s"></iframe>', f"{YOUTUBE}?start=90"),
        ('<iframe src="https://m.youtube.com/watch?v=abc123"></iframe>', YOUTUBE),
        ('<iframe src="https://www.youtube.com/shorts/abc123"></iframe>', YOUTUBE),
        ('<iframe src="about:blank" data-src="https://www.youtube.com/embed/abc123"></iframe>', YOUTUBE),
        ('<object><param name="movie" value="http://www.youtube.com/v/abc123&hl=it"></object>', YOUTUBE),
        ('<embed src="http://www.youtube.com/v/abc123&hl=it">', YOUTUBE),
        ('<amp-youtube data-videoid="abc123"></amp-youtube>', YOUTUBE),
        ('<figure class="media"><oembed url="https://youtu.be/abc123"></oembed></figure>', YOUTUBE),
        (
            '<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">\nhttps://youtu.be/abc123\n</div></figure>',
            YOUTUBE,
        ),
        ("<p>[embed]https://youtu.be/abc123[/embed]</p>", YOUTUBE),
        ('<iframe src="https://vimeo.com/12345/ab12"></iframe>', "https://player.vimeo.com/video/12345?h=ab12"),
        ('<iframe src="https://dai.ly/x7abc"></iframe>', "https://www.dailymotion.com/embed/video/x7abc"),
        ('<iframe src="https://open.spotify.com/track/4uLU"></iframe>', "https://open.spotify.com/embed/track/4uLU"),
    ],
)
def test_pages_short_forms_and_old_codes_of_an_allowed_player_become_the_player(html, player):
    result = sanitized(html)
    assert f'<iframe src="{player}" {SANDBOX}></iframe>' in result.html
    assert result.removals == ()


def test_a_frame_of_another_host_becomes_a_link_and_is_told():
    frame = '<iframe title="La mappa" src="https://maps.example/embed?pb=1"></iframe>'
    assert sanitized(f"<p>Mappa:</p>{frame}").html == (
        f"<p>Mappa:</p><p>{link('https://maps.example/embed?pb=1', 'La mappa')}</p>"
    )
    assert removed(f"{frame}<iframe src='//x.example/y'></iframe>") == [("embed", "https://maps.example/embed?pb=1", 2)]


def test_a_frame_inside_a_paragraph_divides_it():
    assert sanitized('<p>a <iframe src="https://x.example/y"></iframe> b</p>').html == (
        f"<p>a </p><p>{link('https://x.example/y', 'x.example/y')}</p><p> b</p>"
    )


@pytest.mark.parametrize(
    "html",
    [
        '<iframe src="https://tag.example/ns.html" width="0" height="0"></iframe>',
        '<iframe src="https://tag.example/ns.html" style="display: none"></iframe>',
        '<iframe srcdoc="&lt;p&gt;x&lt;/p&gt;"></iframe>',
    ],
)
def test_a_frame_that_shows_nothing_is_told_and_no_link(html):
    assert sanitized(html).html == ""
    assert [kind for kind, _, _ in removed(html)] == ["embed"]


# --- posts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "url"),
    [
        (
            '<blockquote class="instagram-media" data-instgrm-permalink="https://www.instagram.com/p/w31/"></blockquote>',
            "https://www.instagram.com/p/w31/",
        ),
        (
            '<div class="fb-post" data-href="https://www.facebook.com/a/posts/1"></div>',
            "https://www.facebook.com/a/posts/1",
        ),
        ('<fb:post href="https://www.facebook.com/a/posts/1"></fb:post>', "https://www.facebook.com/a/posts/1"),
        (
            '<iframe src="https://facebook.com/plugins/post.php?href=https%3A%2F%2Fwww.facebook.com%2Fa%2Fposts%2F1">',
            "https://www.facebook.com/a/posts/1",
        ),
        (
            '<blockquote class="tiktok-embed" cite="https://www.tiktok.com/@a/video/7"><a href="/a">a</a></blockquote>',
            "https://www.tiktok.com/@a/video/7",
        ),
        (
            '<div class="twitter-tweet"><a href="https://twitter.com/a/status/1"></a></div>',
            "https://twitter.com/a/status/1",
        ),
        ('<amp-twitter data-tweetid="99"></amp-twitter>', "https://twitter.com/i/status/99"),
        (
            '<blockquote class="bluesky-embed" data-bluesky-uri="at://did:plc:ab/app.bsky.feed.post/3k">x</blockquote>',
            "https://bsky.app/profile/did:plc:ab/post/3k",
        ),
        (
            '<div class="flourish-embed" data-src="visualisation/12"></div>',
            "https://public.flourish.studio/visualisation/12/",
        ),
        ('<script src="https://gist.github.com/anna/1f2.js"></script>', "https://gist.github.com/anna/1f2"),
        (
            '<script async data-telegram-post="canale/12" src="https://telegram.org/w.js"></script>',
            "https://t.me/canale/12",
        ),
        ('<div class="altro-widget" data-url="https://sondaggi.example/1"></div>', "https://sondaggi.example/1"),
        ("<p>https://www.instagram.com/p/w31/</p>", "https://www.instagram.com/p/w31/"),
    ],
)
def test_a_post_stays_as_a_link_at_least(html, url):
    assert f'<a href="{url}" {REL}>' in sanitized(html).html


def test_a_post_with_a_text_and_a_link_stays_as_it_is():
    tweet = (
        '<blockquote class="twitter-tweet"><p lang="it">Annuncio</p>— Marca'
        ' <a href="https://twitter.com/a/status/1">1 maggio</a></blockquote>'
        '<script async src="https://platform.twitter.com/widgets.js"></script>'
    )
    assert sanitized(tweet).html == (
        f"<blockquote><p>Annuncio</p>— Marca {link('https://twitter.com/a/status/1', '1 maggio')}</blockquote>"
    )
    assert removed(tweet) == [("script", "https://platform.twitter.com/widgets.js", 1)]


def test_a_button_to_share_is_no_post():
    assert sanitized('<div class="fb-share-button" data-href="https://vecchio.example/x"></div>').html == ""


# --- anchors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ('<h2 id="fine">a</h2>', '<h2 id="fine">a</h2>'),
        ('<p id="x">a</p>', "<p>a</p>"),
        ('<p id="x">a</p><a href="#x">b</a>', f'<p id="x">a</p>{link("#x", "b")}'),
        ('<p><a name="x"></a>a</p><a href="#x">b</a>', f'<p id="x">a</p>{link("#x", "b")}'),
        ('<a id="x"></a><h3>a</h3><a href="#x">b</a>', f'<h3 id="x">a</h3>{link("#x", "b")}'),
        ('<p id="y"><span id="x">a</span></p><a href="#x">b</a><a href="#y">c</a>',
         f'<p id="y">a</p>{link("#y", "b")}{link("#y", "c")}'),
        ('<sup id="r"><a href="#n">1</a></sup><ol><li id="n">a <a href="#r">↩</a></li></ol>',
         f'<sup id="r">{link("#n", "1")}</sup><ol><li id="n">a {link("#r", "↩")}</li></ol>'),
        ('<div id="x"><p>a</p><p>b</p></div><a href="#x">c</a>', f'<p id="x">a</p><p>b</p>{link("#x", "c")}'),
        ('<a href="#perché">b</a><p id="perché">a</p>', f'{link("#perché", "b")}<p id="perché">a</p>'),
        ('<a href="#perch%C3%A9">b</a><p id="perché">a</p>', f'{link("#perch%C3%A9", "b")}<p id="perché">a</p>'),
        ('<h2 id="x">a</h2><h2 id="x">b</h2>', '<h2 id="x">a</h2><h2>b</h2>'),
        ('<h2 id="x y">a</h2>', "<h2>a</h2>"),
        ('<a href="#">a</a>', "a"),
    ],
)  # fmt: skip
def test_links_within_the_page_lead_somewhere(html, kept):
    assert sanitized(html).html == kept


# --- what is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("<script>a()</script><script src='/b.js'></script>", [("script", "script", 2)]),
        ("<style>p{}</style><link rel=stylesheet href='/a.css'>", [("style", "style", 2)]),
        ("<form><label>Mail</label><input><button>Vai</button></form>", [("form", "input", 2)]),
        ("<svg><path/></svg><canvas></canvas>", [("drawing", "svg", 2)]),
        ("<math><mi>x</mi></math>", [("formula", "math", 1)]),
        ("<a href='javascript:x()'>a</a>", [("link", "javascript:x()", 1)]),
        ("<noscript>Attiva JavaScript</noscript>", [("noscript", "Attiva JavaScript", 1)]),
        ("<mio-widget></mio-widget>", [("element", "mio-widget", 1)]),
        ("<amp-ad type=x></amp-ad>", [("script", "amp-ad", 1)]),
        ("<object></object>", [("embed", "object", 1)]),
        (f"<img src='data:{'x' * 900}'>", [("image", f"data:{'x' * 195}", 1)]),
        ("<center><font color=red onclick=x style='a:b'>a</font></center><div><!-- b --></div>", []),
        ("<mio-box><p>a</p></mio-box>", []),
    ],
)
def test_content_that_is_removed_is_told_and_appearance_is_not(html, told):
    assert removed(html) == told


@pytest.mark.parametrize(
    "html", ["Citroe\u0308n", "Citroe&#776;n", "Citroe<span>\u0308</span>n", "Citro<!-- -->e<!-- -->\u0308n"]
)
def test_text_is_composed_however_it_was_written(html):
    assert sanitized(html).html == "Citro\xebn"


def test_a_stroke_after_a_tag_does_not_swallow_its_end():
    assert sanitized("<p>\u0338a</p>").html == "<p>\u0338a</p>"


def test_joiners_that_scripts_and_emoji_need_stay():
    assert sanitized("<p>می\u200cخواهم 👩\u200d🔧</p>").html == "<p>می\u200cخواهم 👩\u200d🔧</p>"
