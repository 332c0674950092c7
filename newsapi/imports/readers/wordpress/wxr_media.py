"""Attachments of a WordPress export: images, audio and video files that its posts use."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from newsapi.imports.readers.media_kinds import file_kind
from newsapi.imports.readers.players import render_file
from newsapi.imports.readers.terms import Record, html_to_line, html_to_text, resolve_http_url
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission

_SIZE = re.compile(r's:5:"width";i:([1-9]\d{0,4});s:6:"height";i:([1-9]\d{0,4});')
_UPLOAD: Final = re.compile(r"[^\s\"'<>()?#\\]*+/[^\s\"'<>()?#\\/]++")
_SCALED: Final = re.compile(r"-(?:\d{1,5}x\d{1,5}|scaled|rotated|e\d{10,14})(?=\.[A-Za-z0-9]{2,5}\Z)")


@dataclass(slots=True)
class AttachmentIndex:
    """The attachments of an export, and which of them its posts use. Records are JSON text, because a site has many."""

    _images: dict[str, str] = field(default_factory=dict)
    _urls: dict[str, str] = field(default_factory=dict)
    _by_post: dict[str, list[str]] = field(default_factory=dict)
    _ids_by_file: dict[str, str] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _missing: list[str] = field(default_factory=list)

    def add(self, line: int, attachment: XmlNode, meta: Mapping[str, str]) -> None:
        """Add an attachment, an item of the export that begins on a line."""
        url = resolve_http_url(attachment.text("wp_attachment_url") or attachment.text("guid"))
        id_ = attachment.text("wp_post_id") or f"line {line}"
        self._lines[id_] = line
        self._urls[id_] = url or attachment.text("title")
        if url is None:
            return
        size = _SIZE.search(meta.get("_wp_attachment_metadata", ""))
        caption = html_to_text(attachment.text("excerpt_encoded")) or None
        image = {
            "url": url,
            "alt": (html_to_line(meta.get("_wp_attachment_image_alt")) or "")[:1_000] or None,
            "caption": caption and caption[:2_000],
            **({"width": int(size[1]), "height": int(size[2])} if size else {}),
        }
        self._images[id_] = orjson.dumps(image).decode()  # the bytes objects of orjson take 4 kB each
        self._by_post.setdefault(attachment.text("wp_post_parent"), []).append(id_)
        self._ids_by_file[_file_key(url)] = id_

    def image(self, id_: str) -> Record | None:
        """Return the image with an id, or None, and note that it is used."""
        if id_ not in self._images or file_kind(self._urls[id_]) not in {"image", ""}:
            return None
        self._used.add(id_)
        image: Record = orjson.loads(self._images[id_])
        return image

    def note_uses(self, body: str) -> None:
        """Note which attachments the HTML of a post refers to, in any size."""
        if self._ids_by_file:
            for match in _UPLOAD.finditer(body):
                id_ = self._ids_by_file.get(_file_key(match[0]))
                if id_ is not None:
                    self._used.add(id_)

    def render(self, name: str, attributes: Mapping[str, str], post_id: str) -> str:
        """Return the HTML of a shortcode `gallery`, `playlist`, `audio` or `video`: of the files that it names by id.

        Without ids it shows the attachments of the post. Returns "" if there are none of its kind.
        """
        ids = self._named_ids(attributes, post_id)
        self._missing += [id_ for id_ in ids if id_ not in self._lines]
        if name == "gallery":
            return _gallery([image for id_ in ids if (image := self.image(id_)) is not None])
        kind = name if name != "playlist" else attributes.get("type", "audio")
        files = [id_ for id_ in ids if file_kind(self._urls.get(id_, "")) == kind]
        self._used.update(files)
        return "".join(render_file(self._urls[id_], kind) for id_ in files)

    def take_missing(self) -> list[str]:
        """Return the ids that shortcodes named since the last call and that the export does not have."""
        missing, self._missing = self._missing, []
        return missing

    def _named_ids(self, attributes: Mapping[str, str], post_id: str) -> list[str]:
        named = attributes.get("ids") or attributes.get("include")
        if named:
            return [id_.strip() for id_ in named.split(",")]
        excluded = {id_.strip() for id_ in attributes.get("exclude", "").split(",")}
        return [id_ for id_ in self._by_post.get(attributes.get("id") or post_id, []) if id_ not in excluded]

    def unused(self) -> Iterator[tuple[int, Omission]]:
        """Return the attachments that no post used, each with the line on which it begins."""
        for id_, line in self._lines.items():
            if id_ not in self._used:
                url = self._urls[id_]
                yield line, Omission(f"unused {file_kind(url) or 'other'} attachment", url)


def _file_key(url: str) -> str:
    """Return the path of a file from its month on, in the size in which it was uploaded."""
    path = _SCALED.sub("", url.partition("?")[0])
    return "/".join(path.split("/")[-3:]).lower()


def _gallery(images: list[Record]) -> str:
    """Return a figure of images; images with captions are figures in it."""
    if not any(image["caption"] for image in images):
        tags = "".join(_image_tag(image) for image in images)
    else:
        tags = "".join(
            f"<figure>{_image_tag(image)}<figcaption>{html.escape(image['caption'] or '')}</figcaption></figure>"
            for image in images
        ).replace("<figcaption></figcaption>", "")
    return f"<figure>{tags}</figure>" if tags else ""


def _image_tag(image: Record) -> str:
    alt = "" if image["alt"] is None else f' alt="{html.escape(image["alt"])}"'
    return f'<img src="{html.escape(image["url"])}"{alt}>'
