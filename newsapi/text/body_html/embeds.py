"""Frames, players and posts of a body: as a frame of an allowed host, as a media file, or as a link."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, urlsplit

from newsapi.text.body_html.context import BodyMedia, BodyMediaSource, HtmlContext
from newsapi.text.body_html.images import classes
from newsapi.text.body_html.tree import Node
from newsapi.text.embeds import page_url, resolve_player_url, resolve_web_url
from newsapi.text.languages import canonicalize_tag

MAX_LABEL_CHARACTERS: Final = 80
"""Length of a URL that is the text of a link; a longer one is cut off."""

_AUDIO_TYPES: Final = frozenset("aac flac m4a m4b mp3 oga ogg opus wav weba".split())
_VIDEO_TYPES: Final = frozenset("3gp avi m4v mkv mov mp4 mpeg mpg ogv webm wmv".split())
_IMAGE_TYPES: Final = frozenset("avif gif jpeg jpg png webp".split())
_SOURCE_ATTRIBUTES: Final = ("src", "data-src", "data-lazy-src", "data-litespeed-src", "data-url", "data-source")
_OBJECT_PARAMETERS: Final = frozenset({"filename", "movie", "src", "url"})
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)

_AMP_URLS: Final = {
    "amp-brightcove": "https://players.brightcove.net/{data-account}/default_default/index.html?videoId={data-video-id}",
    "amp-dailymotion": "https://www.dailymotion.com/embed/video/{data-videoid}",
    "amp-gist": "https://gist.github.com/{data-gistid}",
    "amp-imgur": "https://imgur.com/{data-imgur-id}",
    "amp-instagram": "https://www.instagram.com/p/{data-shortcode}/",
    "amp-soundcloud": "https://api.soundcloud.com/tracks/{data-trackid}",
    "amp-tiktok": "https://www.tiktok.com/embed/v2/{data-src}",
    "amp-twitter": "https://twitter.com/i/status/{data-tweetid}",
    "amp-vimeo": "https://player.vimeo.com/video/{data-videoid}",
    "amp-wistia-player": "https://fast.wistia.net/embed/iframe/{data-media-hashed-id}",
    "amp-youtube": "https://www.youtube.com/embed/{data-videoid}",
}
_POST_URLS: Final = {
    "bluesky-embed": "{data-bluesky-uri}",
    "fb-comment-embed": "{data-href}",
    "fb-post": "{data-href}",
    "fb-video": "{data-href}",
    "flourish-embed": "https://public.flourish.studio/{data-src}/",
    "imgur-embed-pub": "https://imgur.com/{data-id}",
    "infogram-embed": "https://infogram.com/{data-id}",
    "instagram-media": "{data-instgrm-permalink}",
    "mastodon-embed": "{data-embed-url}",
    "text-post-media": "{data-text-post-permalink}",
    "tiktok-embed": "{cite}",
    "twitter-tweet": "{cite}",
    "twitter-video": "{cite}",
}
_URL_ATTRIBUTES: Final = ("data-href", "data-url", "data-embed-url", "data-oembed-url", "data-permalink")
_BUTTON = re.compile(r"share|like|follow|button|comments|counter", re.IGNORECASE)
_VARIABLE = re.compile(r"\{([a-z-]+)\}")
_BLUESKY = re.compile(r"at://(did:[\w:.-]+)/app\.bsky\.feed\.post/(\w+)", re.ASCII)
_TELEGRAM_POST = re.compile(r"[\w/]+", re.ASCII)
_GIST = re.compile(r"(https://gist\.github\.com/[\w/.-]+?)\.js(?:\?.*)?", re.ASCII)


def link(url: str, label: str | None = None) -> Node:
    """Return a link in a box of its own, labelled with its URL if there is no label."""
    return Node("div", {}, [Node("a", {"href": url}, [(label or "").strip() or url_label(url)])])


def url_label(url: str) -> str:
    """Return a URL as the text of a link: without scheme, "www." and parameters, and not longer than a line."""
    label = unquote(url.partition("://")[2].removeprefix("www.").partition("?")[0].rstrip("/"))
    return label if len(label) <= MAX_LABEL_CHARACTERS else f"{label[:MAX_LABEL_CHARACTERS]}…"


def frame(node: Node, context: HtmlContext) -> Node | None:
    """Return what replaces a frame: a frame of an allowed host, a media file, or a link.

    Args:
        node: The `iframe`, or an element of AMP that stands for one.
        context: The context of the body, which records a frame that is not kept.

    Returns:
        The replacement; None if the frame is hidden or has no URL.
    """
    url = context.first_url(node.attributes.get(name) for name in _SOURCE_ATTRIBUTES)
    if url is None or _is_hidden(node):
        context.remove("embed", url or node.attributes.get("src") or node.name)
        return None
    return show(url, node, context)


def show(url: str, node: Node, context: HtmlContext) -> Node:
    """Return the player, media file, image or link for an absolute URL that an element embeds."""
    player = resolve_player_url(url, base="", hosts=context.embed_hosts)
    if player is not None:
        return Node("iframe", node.attributes | {"src": player})
    kind = _kind_of_file(url)
    if kind == "image":
        return Node("img", {"src": url})
    if kind is not None:
        context.media.append(BodyMedia(kind, (BodyMediaSource(url, node.attributes.get("type")),)))
        return link(url, node.attributes.get("title"))
    context.remove("embed", url)
    return link(page_url(url), node.attributes.get("title"))


def player(node: Node, context: HtmlContext) -> Node | None:
    """Return what replaces an `audio` or `video`: a link to its first file, which becomes one of `context.media`."""
    kind = node.name.removeprefix("amp-")
    elements = [node, *(child for child in node.descendants() if child.name == "source")]
    sources: list[BodyMediaSource] = []
    for element in elements:
        url = context.first_url(element.attributes.get(name) for name in _SOURCE_ATTRIBUTES)
        if url is not None and all(url != source.url for source in sources):
            sources.append(BodyMediaSource(url, _media_type(element)))
    if not sources:
        context.remove(kind, node.attributes.get("src") or node.name)
        return None
    if resolve_player_url(sources[0].url, base="", hosts=context.embed_hosts):
        return show(sources[0].url, Node("iframe"), context)
    poster = context.first_url([node.attributes.get("poster")])
    label = node.attributes.get("title") or node.attributes.get("aria-label")
    context.media.append(BodyMedia(kind, tuple(sources), poster, _subtitles(node, context)))
    return link(sources[0].url, label or _file_name(sources[0].url))


def embedded_object(node: Node, context: HtmlContext) -> Node | None:
    """Return what replaces an `object`, `embed` or `applet`: a player, a media file, an image or a link, or None."""
    values = [node.attributes.get("data"), node.attributes.get("src")]
    inner = list(node.descendants())
    parameters = [child.attributes for child in inner if child.name == "param"]
    values += [item.get("value") for item in parameters if item.get("name", "").lower() in _OBJECT_PARAMETERS]
    values += [child.attributes.get("src") for child in inner if child.name == "embed"]
    urls = [url for value in values if (url := context.first_url([value]))]
    url = next((url for url in urls if resolve_player_url(url, base="", hosts=context.embed_hosts)), None)
    if url is None and urls:
        url = urls[0]
    return None if url is None else show(url, node, context)


def amp_embed(node: Node, context: HtmlContext) -> Node | None:
    """Return what replaces an element of AMP that embeds something, or None if it has no URL."""
    template = _AMP_URLS.get(node.name)
    url = _fill(template, node) if template else None
    if url is None:
        url = context.first_url(
            node.attributes.get(name) for name in (*_SOURCE_ATTRIBUTES, *_URL_ATTRIBUTES, "url", "href")
        )
    return None if url is None else show(url, Node("iframe"), context)


def post_url(node: Node, context: HtmlContext) -> str | None:
    """Return the URL of the post that an element of a social network shows, if no link inside leads to it."""
    templates = (_POST_URLS[name] for name in classes(node) if name in _POST_URLS)
    url = next(filter(None, (_fill(template, node) for template in templates)), None)
    if url is None and node.name != "a" and not _BUTTON.search(node.attributes.get("class", "")):
        url = context.first_url(node.attributes.get(name) for name in _URL_ATTRIBUTES)
        url = None if url and _has_content(node) else url
    if url is None or _links_to(node, url):
        return None
    return resolve_web_url(url, base=context.base)


def is_post(node: Node) -> bool:
    """Return whether an element is a post of a social network."""
    return not classes(node).isdisjoint(_POST_URLS)


def script_url(node: Node) -> str | None:
    """Return the URL of the page that a script inserts, for the few kinds that have one; else None."""
    source = node.attributes.get("src", "")
    gist = _GIST.fullmatch(source)
    if gist:
        return gist[1]
    channel_post = node.attributes.get("data-telegram-post", "")
    return f"https://t.me/{channel_post}" if _TELEGRAM_POST.fullmatch(channel_post) else None


def _fill(template: str, node: Node) -> str | None:
    """Return a template with attributes of an element in it, or None if one of them is missing."""
    names = _VARIABLE.findall(template)
    if not all(node.attributes.get(name, "").strip() for name in names):
        return None
    url = _VARIABLE.sub(lambda match: node.attributes[match[1]].strip(), template)
    bluesky = _BLUESKY.fullmatch(url)
    if bluesky:
        return f"https://bsky.app/profile/{bluesky[1]}/post/{bluesky[2]}"
    return resolve_web_url(url, base="")


def _links_to(node: Node, url: str) -> bool:
    page = _page(url)
    return any(_page(child.attributes.get("href", "")) == page for child in node.descendants() if child.name == "a")


def _page(url: str) -> str:
    """Return a URL without what may differ between two links to the same page."""
    return url.partition("?")[0].partition("#")[0].rstrip("/").partition("//")[2].removeprefix("www.").lower()


def _has_content(node: Node) -> bool:
    media = {"img", "picture", "iframe", "audio", "video", "object", "embed", "a", "noscript"}
    return bool(node.text().strip()) or any(child.name in media for child in node.descendants())


def _is_hidden(node: Node) -> bool:
    sizes = (node.attributes.get("width", ""), node.attributes.get("height", ""))
    return bool({"0", "1"} & {*sizes}) or bool(_HIDDEN.search(node.attributes.get("style", "")[:5_000]))


def _kind_of_file(url: str) -> str | None:
    suffix = urlsplit(url).path.rpartition(".")[2].lower()
    kinds = (("audio", _AUDIO_TYPES), ("video", _VIDEO_TYPES), ("image", _IMAGE_TYPES))
    return next((kind for kind, suffixes in kinds if suffix in suffixes), None)


def _file_name(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])[:MAX_LABEL_CHARACTERS] or url_label(url)


def _media_type(node: Node) -> str | None:
    media_type = node.attributes.get("type", "").partition(";")[0].strip().lower()
    return media_type[:100] if "/" in media_type else None


def _subtitles(node: Node, context: HtmlContext) -> tuple[tuple[str, str], ...]:
    tracks = [child.attributes for child in node.descendants() if child.name == "track"]
    found = []
    for track in tracks:
        url, language = context.first_url([track.get("src")]), canonicalize_tag(track.get("srclang", ""))
        if url and language and track.get("kind", "subtitles") in {"subtitles", "captions"}:
            found.append((language, url))
    return tuple(found)


REPLACEMENTS: Final[dict[str, Callable[[Node, HtmlContext], Node | None]]] = {
    "amp-audio": player,
    "amp-iframe": frame,
    "amp-video": player,
    "amp-video-iframe": frame,
    "applet": embedded_object,
    "audio": player,
    "embed": embedded_object,
    "iframe": frame,
    "object": embedded_object,
    "video": player,
}
"""The function that replaces each element that embeds something."""
