"""Conversion of WordPress shortcodes and of URLs alone on a line to HTML.

The result is sanitized afterwards like every body. The run time is linear in the length of the text.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from newsapi.imports.readers.paragraphs import autop
from newsapi.imports.readers.players import render_file, render_url

_SHORTCODE = re.compile(r"\[(/?)([A-Za-z][\w-]*+)(?=[\s/=\]])([^\[\]]*+)\]")
_ATTRIBUTE = re.compile(r"([\w-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'\]/]++))")
_CAPTIONED_IMAGE = re.compile(r"(\s*+(?:<a\b[^<>]*+>\s*+)?<img\b[^<>]*+>(?:\s*+</a>)?)(.*)", re.DOTALL)
_URL_LINE = re.compile(r"^[ \t]*+(?:<p>)?(https?://[^\s<>\"']++)(?:</p>)?[ \t]*+$", re.MULTILINE)
_EMBED_BLOCK = re.compile(r"<div class=\"wp-block-embed__wrapper\">\s*+(https?://[^\s<>\"']++)\s*+</div>")
_RAW_HTML = re.compile(r"\[vc_raw_(html|js)\b[^\[\]]*+\]([A-Za-z0-9+/=\s]*+)\[/vc_raw_(?:html|js)\]")
_URL = re.compile(r"https?://[^\s<>\"'\[\]]++")
_CODE_TAG = re.compile(r"<(/?)(pre|code|script|style|textarea)\b[^<>]*+>", re.IGNORECASE)
_CAPTION_NAMES: Final = frozenset({"caption", "wp_caption"})
_PLAYER_URLS: Final = {
    "youtube": "https://www.youtube.com/watch?v=",
    "vimeo": "https://vimeo.com/",
    "dailymotion": "https://www.dailymotion.com/video/",
}
"""The address of a video by the id that a shortcode of this name has."""

_EMBED_NAMES: Final = frozenset(
    {"embed", "facebook", "instagram", "soundcloud", "spotify", "tiktok", "tweet", "twitter", *_PLAYER_URLS}
)
_SHORTCODE_NAMES: Final = frozenset({"audio", "gallery", "playlist", "video"}) | _CAPTION_NAMES | _EMBED_NAMES
_MEDIA_NAMES: Final = ("gallery", "playlist", "audio", "video")
_FILE_ATTRIBUTES: Final = ("src", "mp4", "m4v", "webm", "ogv", "mp3", "m4a", "ogg", "wav", "flac", "flv", "wmv")
_ID = re.compile(r"[\w-]{5,20}")

MediaRenderer = Callable[[str, Mapping[str, str]], str]
"""Returns the HTML of the attached files that a shortcode shows, for its name and attributes; "" if there are none."""


@dataclass(slots=True)
class RenderedContent:
    """The HTML of a post's content.

    Attributes:
        html: The HTML, not yet sanitized.
        removed: The name of each shortcode that is not known and was removed; the text within it is kept.
    """

    html: str = ""
    removed: list[str] = field(default_factory=list)


def render_content(text: str, media: MediaRenderer) -> RenderedContent:
    """Return post content as HTML; content of the block editor keeps its own paragraphs."""
    content = RenderedContent()
    text = text.replace("\r\n", "\n")
    pieces = [piece if is_code else _render(piece, media, content.removed) for is_code, piece in _split_code(text)]
    joined = "".join(pieces)
    content.html = joined if "<!-- wp:" in joined else autop(joined)
    return content


def _decode_raw_html(match: re.Match[str]) -> str:
    """Return the HTML of a shortcode of WPBakery, which encodes it; "" for scripts and what cannot be decoded."""
    try:
        decoded = unquote(base64.b64decode(match[2]).decode())
    except ValueError:
        return ""
    return f"\n\n{decoded}\n\n" if match[1] == "html" else ""


def _render(text: str, media: MediaRenderer, removed: list[str]) -> str:
    removed += [f"vc_raw_{match[1]}" for match in _RAW_HTML.finditer(text) if not _decode_raw_html(match)]
    text = _RAW_HTML.sub(_decode_raw_html, text)
    text = _EMBED_BLOCK.sub(lambda match: _inner(render_url(html.unescape(match[1]))), text)
    text = _replace_shortcodes(text, media, removed)
    return _URL_LINE.sub(lambda match: f"\n\n{render_url(html.unescape(match[1]))}\n\n", text)


def _split_code(text: str) -> Iterator[tuple[bool, str]]:
    """Split a text into code samples, with their tags, and other text; a tag without its end begins no sample."""
    position, start, open_name = 0, 0, ""
    for match in _CODE_TAG.finditer(text):
        name = match[2].lower()
        if not open_name and not match[1]:
            start, open_name = match.start(), name
        elif open_name == name and match[1]:
            yield False, text[position:start]
            yield True, text[start : match.end()]
            position, open_name = match.end(), ""
    yield False, text[position:]


def _replace_shortcodes(text: str, media: MediaRenderer, removed: list[str]) -> str:
    """Replace the shortcodes of a text by HTML."""
    # "[[name]]" is an escaped shortcode.
    matches = [match for match in _SHORTCODE.finditer(text) if text[match.start() - 1 : match.start()] != "["]
    closed_names = {match[2].lower() for match in matches if match[1]}
    output: list[str] = []
    captions: list[tuple[int, str]] = []  # of each open caption: its position in `output`, and its text attribute
    position = 0
    for match in matches:
        closing, name, attributes = match[1], match[2].lower(), match[3]
        if not (name in _SHORTCODE_NAMES or name in closed_names or "_" in name or _ATTRIBUTE.search(attributes)):
            continue  # ordinary brackets, such as [sic]
        output.append(text[position : match.start()])
        position = match.end()
        if name in _CAPTION_NAMES:
            if not closing:
                captions.append((len(output), _attributes(attributes).get("caption", "")))
            elif captions:
                start, caption = captions.pop()
                output[start:] = [_figure("".join(output[start:]), caption)]
        elif name in _EMBED_NAMES:
            rendered = "" if closing else _embed_html(name, attributes)
            output.append(f"\n\n{rendered}\n\n")
            removed += [name] if attributes.strip() and not rendered else []
        elif not closing:
            rendered = _shortcode_html(name, attributes, media)
            output.append(rendered)
            removed += [name] if name not in _SHORTCODE_NAMES or not rendered else []
    return "".join([*output, text[position:]])


def _attributes(text: str) -> dict[str, str]:
    return {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(text)}


def _figure(inner: str, caption: str) -> str:
    """Return the content of a caption shortcode as a figure; the text after the image is the default caption."""
    match = _CAPTIONED_IMAGE.fullmatch(inner)
    if match is None:
        return inner
    caption = caption or match[2].strip()
    figcaption = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"\n\n<figure>{match[1].strip()}{figcaption}</figure>\n\n"


def _embed_html(name: str, attributes: str) -> str:
    """Return the player or the link of an embed whose shortcode has an address or an id; "" if it has neither."""
    url = _URL.search(html.unescape(attributes))
    if url:
        return render_url(url[0])
    values = _attributes(attributes)
    id_ = values.get("id") or attributes.strip(" =/").partition(" ")[0]
    return render_url(_PLAYER_URLS[name] + id_) if name in _PLAYER_URLS and _ID.fullmatch(id_) else ""


def _shortcode_html(name: str, attributes: str, media: MediaRenderer) -> str:
    """Return the HTML of an opening or self-closing shortcode; the content after it stays in the text."""
    values = _attributes(attributes)
    files = [values[kind] for kind in _FILE_ATTRIBUTES if values.get(kind)] if name in {"audio", "video"} else []
    if files:
        return f"\n\n{render_file(files[0], name, values.get('poster', ''))}\n\n"
    if name in _MEDIA_NAMES and (rendered := media(name, values)):
        return f"\n\n{rendered}\n\n"
    urls = dict.fromkeys(_URL.findall(html.unescape(attributes)))
    return "".join(f"\n\n{render_url(url)}\n\n" for url in urls)


def _inner(figure: str) -> str:
    """Return the content of a figure, for a place that is in a figure already."""
    return figure.removeprefix("<figure>").removesuffix("</figure>")
