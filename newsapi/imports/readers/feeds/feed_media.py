"""Files of a feed's item: enclosures, Media RSS, iTunes and Atom links."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from newsapi.imports.readers.media_kinds import file_kind
from newsapi.imports.readers.persons import person_name
from newsapi.imports.readers.players import render_url
from newsapi.imports.readers.terms import Record, html_to_line, last_segment, resolve_http_url
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission
from newsapi.text.embeds import find_player

_PIXELS: Final = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_KINDS: Final = frozenset({"image", "video", "audio"})
_MAX_MEDIA: Final = 500


@dataclass(slots=True)
class FeedFiles:
    """The files of an item.

    Attributes:
        image: The widest image, or None.
        media: The other images, and audio and video files.
        links: HTML of links to files of other kinds.
        omissions: Files whose address is no web address.
    """

    image: Record | None = None
    media: list[Record] = field(default_factory=list)
    links: str = ""
    omissions: list[Omission] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _File:
    """A file: its element, the elements whose texts are about it, its absolute URL, its kind or ""."""

    node: XmlNode
    contexts: tuple[XmlNode, ...]
    url: str
    kind: str


def read_files(item: XmlNode, base: str, headline: str, *, described: bool) -> FeedFiles:
    """Return the files of an item.

    Args:
        item: The item.
        base: What relative addresses are resolved against.
        headline: The headline of the item, which is no description of an image.
        described: Whether `media:description` is the text of the item and therefore no caption.
    """
    files = FeedFiles()
    alternatives = list(_alternatives(item, base, files.omissions))
    images: list[Record] = []
    seen: set[str] = set()
    for group in alternatives:
        new = [file for file in group if file.url not in seen]
        seen.update(file.url for file in new)
        pictures = [file for file in new if file.kind == "image"]
        if pictures:
            images.append(_image(max(pictures, key=_width), headline, described=described))
        for kind in ("video", "audio"):
            players = [file for file in new if file.kind == kind]
            if players:
                files.media.append(_player(item, kind, players, base))
        files.links += "".join(_link(file) for file in new if not file.kind)
    files.links += "".join(render_url(url) for url in _players(item, base) if url not in seen)
    thumbnails = [] if images else list(_thumbnails(item, base))
    if thumbnails:
        images.append(_image(max(thumbnails, key=_width), headline, described=described))
    if images:
        files.image = max(images, key=lambda image: image.get("width", 0))
        others = [image for image in images if image is not files.image]
        files.media = [{"kind": "image", "image": image} for image in others] + files.media
    files.omissions += [Omission("excess media file", str(one["kind"])) for one in files.media[_MAX_MEDIA:]]
    del files.media[_MAX_MEDIA:]
    return files


def _alternatives(item: XmlNode, base: str, omissions: list[Omission]) -> Iterator[list[_File]]:
    """Return groups of files; those of a `media:group` are versions of one file."""
    groups = [(group.all("media_content"), (group, item)) for group in item.all("media_group")]
    single = [*item.all("media_content", "enclosure", "atom_enclosure")]
    single += [link for link in item.all("atom_link", "link") if link.get("rel").lower() == "enclosure"]
    single += [content for content in item.all("atom_content") if content.get("src") and not _is_page(content)]
    for nodes, contexts in [*groups, *(([node], (item,)) for node in single)]:
        files = []
        for node in nodes:
            source = node.get("url") or node.get("href") or node.get("src")
            url = resolve_http_url(source, base)
            if url is not None:
                files.append(_File(node, (node, *contexts), url, _kind(node, url)))
            elif source:
                omissions.append(Omission("unreachable file", source[:200]))
        yield files


def _is_page(content: XmlNode) -> bool:
    return content.get("type").lower().startswith(("text/html", "application/xhtml"))


def _media_parents(item: XmlNode) -> list[XmlNode]:
    """Return the elements in which elements of Media RSS may be: the item, groups, and files."""
    groups = item.all("media_group")
    files = [content for group in groups for content in group.all("media_content")]
    return [item, *groups, *item.all("media_content"), *files]


def _players(item: XmlNode, base: str) -> list[str]:
    """Return the addresses of pages that play a medium, `media:player`."""
    players = [player for parent in _media_parents(item) for player in parent.all("media_player")]
    sources = [player.get("url") or player.content for player in players]
    return list(dict.fromkeys(url for source in sources if (url := resolve_http_url(source, base))))


def _thumbnails(item: XmlNode, base: str) -> Iterator[_File]:
    for parent in _media_parents(item):
        for node in parent.all("media_thumbnail", "itunes_image", "image"):
            url = resolve_http_url(node.get("url") or node.get("href") or node.text("url") or node.content, base)
            if url is not None:
                yield _File(node, (node, parent, item), url, "image")


def _kind(node: XmlNode, url: str) -> str:
    """Return "image", "video" or "audio", or "" for other files."""
    kind = node.get("medium").lower() or node.get("type").lower().partition("/")[0]
    return kind if kind in _KINDS else file_kind(url)


def _width(file: _File) -> int:
    text = file.node.get("width")
    return int(text) if _PIXELS.fullmatch(text) else 0


def _size(node: XmlNode) -> dict[str, int]:
    sizes = {name: node.get(name) for name in ("width", "height")}
    return {name: int(text) for name, text in sizes.items() if _PIXELS.fullmatch(text)}


def _image(file: _File, headline: str, *, described: bool) -> Record:
    """Return an image with alt text, caption and credit, from its media element or else from the item."""
    alt = _text(file, "media_title")
    own_caption = html_to_line(file.node.text("media_description"))
    caption = own_caption if described else _text(file, "media_description")
    credit = next((name for node in file.contexts if (name := person_name(node.text("media_credit")))), None)
    return {
        "url": file.url,
        **_size(file.node),
        "alt": alt[:1_000] if alt and alt != headline else None,
        "caption": caption and caption[:2_000],
        "credit": credit and credit[:500],
    }


def _text(file: _File, name: str) -> str | None:
    return next((text for node in file.contexts if (text := html_to_line(node.text(name)))), None)


def _player(item: XmlNode, kind: str, files: list[_File], base: str) -> Record:
    """Return the record of an audio or a video, whose files are versions of each other."""
    sources = [{"url": file.url, "type": _media_type(file.node), **_size(file.node)} for file in files]
    record: Record = {"kind": kind, "sources": sources}
    thumbnails = max(_thumbnails(item, base), key=_width, default=None)
    if kind == "video" and thumbnails is not None:
        record["poster"] = thumbnails.url
    duration = _seconds(files[0].node.get("duration") or item.text("itunes_duration"))
    return record | ({"duration_seconds": duration} if duration else {})


def _media_type(node: XmlNode) -> str | None:
    type_ = node.get("type").lower()
    return type_ if "/" in type_ and len(type_) <= 100 else None


def _seconds(text: str) -> int | None:
    """Return a duration in seconds: a number of them, or hours, minutes and seconds with colons."""
    parts = text.partition(".")[0].split(":")
    if not 1 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() and len(part) <= 6 for part in parts):
        return None
    seconds = 0
    for part in parts:
        seconds = 60 * seconds + int(part)
    return seconds


def _link(file: _File) -> str:
    if find_player(file.url):
        return render_url(file.url)
    name = html_to_line(file.node.text("media_title") or file.node.get("title")) or last_segment(file.url) or file.url
    return f'<p><a href="{html.escape(file.url)}">{html.escape(name)}</a></p>'
