"""Bodies as WordPress keeps them: shortcodes, addresses alone on a line, blank lines between paragraphs.

Whatever comes of it is cleaned afterwards like every body. Each text is walked once, whatever is in it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

_SHORTCODE = re.compile(r"\[(/?)([A-Za-z][\w-]*+)(?=[\s/\]])([^\[\]]*+)\]")
_ATTRIBUTE = re.compile(r"([\w-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'\]/]++))")
_CAPTIONED = re.compile(r"(\s*+(?:<a\b[^<>]*+>\s*+)?<img\b[^<>]*+>(?:\s*+</a>)?)(.*)", re.DOTALL)
_ALONE = re.compile(r"^[ \t]*+(?:<p>)?(https?://[^\s<>\"']++)(?:</p>)?[ \t]*+$", re.MULTILINE)
_KNOWN: Final = frozenset({"audio", "caption", "embed", "gallery", "playlist", "video", "wp_caption"})
_CAPTIONS: Final = frozenset({"caption", "wp_caption"})
_FILES: Final = ("src", "mp4", "m4v", "webm", "ogv", "mp3", "m4a", "ogg", "wav")

_BLOCKS: Final = (
    "address|article|aside|blockquote|details|div|dl|fieldset|figure|footer|form|h[1-6]|header|hr|iframe|nav|ol|p|pre"
    "|script|section|style|table|ul|video|audio"
)
_BLOCK = re.compile(rf"<(/?)({_BLOCKS})\b[^<>]*+>", re.IGNORECASE)
_QUOTE = re.compile(r"(<blockquote\b[^<>]*+>)(.*)(</blockquote\s*+>)", re.DOTALL | re.IGNORECASE)
_BLANK = re.compile(r"\n[ \t]*+\n\s*+")
_VOID: Final = "hr"

Gallery = Callable[[Mapping[str, str]], str]
"""Answers the HTML of a gallery by the attributes of its shortcode."""


def rendered(text: str, gallery: Gallery) -> str:
    """Answer the HTML of a body."""
    text = _without_shortcodes(text.replace("\r\n", "\n"), gallery)
    text = _ALONE.sub(lambda found: f"\n\n{_player(html.unescape(found[1]))}\n\n", text)
    return text if "<!-- wp:" in text else paragraphs(text)


def _without_shortcodes(text: str, gallery: Gallery) -> str:
    found = [match for match in _SHORTCODE.finditer(text) if text[match.start() - 1 : match.start()] != "["]
    closed = {match[2].lower() for match in found if match[1]}
    out: list[str] = []
    captions: list[tuple[int, str]] = []  # where in `out` each begins, and what it says by its attribute
    place = 0
    for match in found:
        name = match[2].lower()
        if not (name in _KNOWN or name in closed or "_" in name or _ATTRIBUTE.search(match[3])):
            continue  # somebody's brackets: [sic]
        out.append(text[place : match.start()])
        place = match.end()
        if name in _CAPTIONS and match[1]:
            if captions:
                begin, said = captions.pop()
                out[begin:] = [_captioned("".join(out[begin:]), said)]
        elif name in _CAPTIONS:
            captions.append((len(out), _attributes(match[3]).get("caption", "")))
        elif not match[1]:
            out.append(_stands_for(name, _attributes(match[3]), gallery))
        elif name == "embed":
            out.append("\n\n")
    return "".join([*out, text[place:]])


def _attributes(text: str) -> dict[str, str]:
    return {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(text)}


def _captioned(inner: str, said: str) -> str:
    found = _CAPTIONED.fullmatch(inner)
    if found is None:
        return inner
    caption = said or found[2].strip()
    told = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"\n\n<figure>{found[1].strip()}{told}</figure>\n\n"


def _stands_for(name: str, attributes: Mapping[str, str], gallery: Gallery) -> str:
    """What an opening shortcode is, or a single one; its content stays where it is."""
    if name == "gallery":
        return f"\n\n{gallery(attributes)}\n\n"
    if name == "embed":
        return "\n\n"
    if name in {"audio", "video"}:
        file = next((attributes[kind] for kind in _FILES if attributes.get(kind)), "")
        return f"\n\n{_player(file)}\n\n" if file else ""
    return ""


def _player(url: str) -> str:
    """The player of an address that has one; else a link to it."""
    embed = _embed(url)
    if embed:
        return f'<figure><iframe src="{html.escape(embed)}"></iframe></figure>'
    return f'<p><a href="{html.escape(url)}">{html.escape(url)}</a></p>'


def _embed(url: str) -> str | None:
    """The address of the player of a video or a sound, where it is known."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    except ValueError:
        return None
    steps = [step for step in parts.path.split("/") if step] or [""]
    if host == "youtube.com":
        asked = parse_qs(parts.query).get("v", steps[1:2] if steps[0] in {"embed", "shorts", "live"} else [])
        steps = asked[:1] or [""]
    players = {
        "youtu.be": ("https://www.youtube.com/embed/", steps[0]),
        "youtube.com": ("https://www.youtube.com/embed/", steps[0]),
        "vimeo.com": ("https://player.vimeo.com/video/", steps[0] if steps[0].isdigit() else ""),
        "dailymotion.com": ("https://www.dailymotion.com/embed/video/", steps[-1] if steps[0] == "video" else ""),
        "open.spotify.com": ("https://open.spotify.com/embed/", "/".join(steps[-2:])),
    }
    player, what = players.get(host, ("", ""))
    return f"{player}{what}" if what else None


def paragraphs(text: str) -> str:
    """Write what stands outside of blocks as paragraphs: blank lines part them, single line breaks stay as such."""
    return "".join(_block(piece) if is_block else _paragraphs(piece) for is_block, piece in _parts(text))


def _block(text: str) -> str:
    """A block as it is, but for a quote: what stands in it are paragraphs too."""
    found = _QUOTE.fullmatch(text)
    return text if found is None or _BLOCK.search(found[2]) else f"{found[1]}{_paragraphs(found[2])}{found[3]}"


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """The blocks of a text, each with all that is inside, and what stands between them."""
    place, begin = 0, 0
    inside: list[str] = []
    for match in _BLOCK.finditer(text):
        name = match[2].lower()
        if not match[1] and not inside:
            yield False, text[place : match.start()]
            begin = place = match.start()
        if not match[1] and name != _VOID:
            inside.append(name)
        elif match[1] and inside:
            inside.pop()
        if not inside and place == begin and match.end() > begin:
            yield True, text[begin : match.end()]
            begin = place = match.end()
    yield bool(inside), text[place:]


def _paragraphs(text: str) -> str:
    parts = [part.strip() for part in _BLANK.split(text)]
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in parts if part)
