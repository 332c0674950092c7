"""Conversion of WordPress post content to HTML: shortcodes, URLs alone on a line, blank lines between paragraphs.

The result is sanitized afterwards like every body. The run time is linear in the length of the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

_SHORTCODE = re.compile(r"\[(/?)([A-Za-z][\w-]*+)(?=[\s/\]])([^\[\]]*+)\]")
_ATTRIBUTE = re.compile(r"([\w-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'\]/]++))")
_CAPTIONED_IMAGE = re.compile(r"(\s*+(?:<a\b[^<>]*+>\s*+)?<img\b[^<>]*+>(?:\s*+</a>)?)(.*)", re.DOTALL)
_URL_LINE = re.compile(r"^[ \t]*+(?:<p>)?(https?://[^\s<>\"']++)(?:</p>)?[ \t]*+$", re.MULTILINE)
_SHORTCODE_NAMES: Final = frozenset({"audio", "caption", "embed", "gallery", "playlist", "video", "wp_caption"})
_CAPTION_NAMES: Final = frozenset({"caption", "wp_caption"})
_FILE_ATTRIBUTES: Final = ("src", "mp4", "m4v", "webm", "ogv", "mp3", "m4a", "ogg", "wav")

_BLOCK_NAMES: Final = (
    "address|article|aside|blockquote|details|div|dl|fieldset|figure|footer|form|h[1-6]|header|hr|iframe|nav|ol|p|pre"
    "|script|section|style|table|ul|video|audio"
)
_BLOCK = re.compile(rf"<(/?)({_BLOCK_NAMES})\b[^<>]*+>", re.IGNORECASE)
_QUOTE = re.compile(r"(<blockquote\b[^<>]*+>)(.*)(</blockquote\s*+>)", re.DOTALL | re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*+\n\s*+")
_VOID_BLOCK: Final = "hr"

Gallery = Callable[[Mapping[str, str]], str]
"""Returns the HTML of a gallery for the attributes of its shortcode."""


def render_shortcodes(text: str, gallery: Gallery) -> str:
    """Return post content as HTML; content of the block editor keeps its own paragraphs."""
    text = _replace_shortcodes(text.replace("\r\n", "\n"), gallery)
    text = _URL_LINE.sub(lambda match: f"\n\n{_player(html.unescape(match[1]))}\n\n", text)
    return text if "<!-- wp:" in text else autop(text)


def _replace_shortcodes(text: str, gallery: Gallery) -> str:
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
        elif not closing:
            output.append(_shortcode_html(name, _attributes(attributes), gallery))
        elif name == "embed":
            output.append("\n\n")
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


def _shortcode_html(name: str, attributes: Mapping[str, str], gallery: Gallery) -> str:
    """Return the HTML of an opening or self-closing shortcode; the content after it stays in the text."""
    if name == "gallery":
        return f"\n\n{gallery(attributes)}\n\n"
    if name == "embed":
        return "\n\n"
    if name in {"audio", "video"}:
        file = next((attributes[kind] for kind in _FILE_ATTRIBUTES if attributes.get(kind)), "")
        return f"\n\n{_player(file)}\n\n" if file else ""
    return ""


def _player(url: str) -> str:
    """Return the player of a known video or audio URL; else a link."""
    embed_url = _embed(url)
    if embed_url:
        return f'<figure><iframe src="{html.escape(embed_url)}"></iframe></figure>'
    return f'<p><a href="{html.escape(url)}">{html.escape(url)}</a></p>'


def _embed(url: str) -> str | None:
    """Return the URL of the player of a video or audio URL, or None if the host is unknown."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    except ValueError:
        return None
    segments = [segment for segment in parts.path.split("/") if segment] or [""]
    if host == "youtube.com":
        path_id = segments[1:2] if segments[0] in {"embed", "shorts", "live"} else []
        segments = parse_qs(parts.query).get("v", path_id)[:1] or [""]
    players = {
        "youtu.be": ("https://www.youtube.com/embed/", segments[0]),
        "youtube.com": ("https://www.youtube.com/embed/", segments[0]),
        "vimeo.com": ("https://player.vimeo.com/video/", segments[0] if segments[0].isdigit() else ""),
        "dailymotion.com": (
            "https://www.dailymotion.com/embed/video/",
            segments[-1] if segments[0] == "video" else "",
        ),
        "open.spotify.com": ("https://open.spotify.com/embed/", "/".join(segments[-2:])),
    }
    player_url, media_id = players.get(host, ("", ""))
    return f"{player_url}{media_id}" if media_id else None


def autop(text: str) -> str:
    """Put the text between block elements into paragraphs: blank lines separate them, line breaks become `<br>`."""
    return "".join(_block(piece) if is_block else _paragraphs(piece) for is_block, piece in _parts(text))


def _block(text: str) -> str:
    """Return a block element unchanged, except that the text of a quote is put into paragraphs too."""
    match = _QUOTE.fullmatch(text)
    if match is None or _BLOCK.search(match[2]):
        return text
    return f"{match[1]}{_paragraphs(match[2])}{match[3]}"


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """Split a text into block elements, each with its content, and the text between them."""
    position, block_start = 0, 0
    open_names: list[str] = []
    for match in _BLOCK.finditer(text):
        closing, name = match[1], match[2].lower()
        if not closing and not open_names:
            yield False, text[position : match.start()]
            block_start = position = match.start()
        if not closing and name != _VOID_BLOCK:
            open_names.append(name)
        elif closing and open_names:
            open_names.pop()
        if not open_names and position == block_start and match.end() > block_start:
            yield True, text[block_start : match.end()]
            block_start = position = match.end()
    yield bool(open_names), text[position:]


def _paragraphs(text: str) -> str:
    parts = [part.strip() for part in _BLANK_LINES.split(text)]
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in parts if part)
