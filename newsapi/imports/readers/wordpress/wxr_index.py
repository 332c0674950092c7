"""What a first pass over a WordPress export collects: posts refer to items that may come after them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from newsapi.imports.readers.languages import read_language
from newsapi.imports.readers.terms import (
    html_to_text,
    last_segment,
    resolve_http_url,
    short_hash,
    shorten_slug,
    slug_from_segment,
)
from newsapi.imports.readers.wordpress.wxr_media import AttachmentIndex
from newsapi.imports.readers.wordpress.wxr_terms import AuthorIndex
from newsapi.imports.readers.xml.xml_files import FileElement, XmlFile
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.text.former_slugs import normalize_former_slug
from newsapi.text.slugs import slugify

TRASHED_SUFFIX: Final = "__trashed"
UNSAVED_STATUSES: Final = frozenset({"auto-draft", "inherit"})
_KEY_BYTES: Final = 8
_ABSOLUTE: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//|(?:mailto|tel|javascript|data):", re.IGNORECASE)
_LINK: Final = re.compile(r"<a\s[^<>]*?\bhref\s*=\s*(?:\"([^\"<>]*+)\"|'([^'<>]*+)')", re.IGNORECASE)


@dataclass(slots=True)
class PostIndex:
    """The posts of an export by their order: their slugs, former slugs, addresses and ids.

    Attributes:
        slugs: The slug of each post, which no other post has.
        wanted: The slug that each post has in the export.
    """

    slugs: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    _trashed: set[int] = field(default_factory=set)
    _ids: list[str] = field(default_factory=list)
    _owners: dict[str, int] = field(default_factory=dict)
    _former: dict[str, int] = field(default_factory=dict)
    _addresses: dict[bytes, int] = field(default_factory=dict)
    _identities: Counter[str] = field(default_factory=Counter)

    def add(self, item: XmlNode) -> None:
        """Add the next post."""
        ordinal = len(self.slugs)
        id_ = item.text("wp_post_id")
        name = item.text("wp_post_name").lower()
        if item.text("wp_status") == "trash":
            self._trashed.add(ordinal)
        self.slugs.append(_wanted_slug(item, name, id_))
        self._ids.append(id_)
        self._identities.update(_identities(item))
        for former in former_slugs(item):
            self._former.setdefault(former, ordinal)
        for address in (item.text("link"), item.text("guid"), *_former_links(item)):
            if key := address_key(address):
                self._addresses.setdefault(key, ordinal)

    def assign_slugs(self) -> None:
        """Give every post a slug of its own: posts in the bin, and later ones, give way."""
        self.wanted = list(self.slugs)
        order = [*(n for n in range(len(self.slugs)) if n not in self._trashed), *sorted(self._trashed)]
        for ordinal in order:
            wanted = slug = self.slugs[ordinal]
            suffixes = iter([self._ids[ordinal]] if self._ids[ordinal].isdigit() else [])
            number = 2
            while self._owners.setdefault(slug, ordinal) != ordinal:
                suffix = next(suffixes, None) or str(number)
                number += suffix == str(number)
                slug = shorten_slug(wanted, suffix)
            self.slugs[ordinal] = slug

    def owner_of(self, former: str, ordinal: int) -> str | None:
        """Return the slug of the other post to which a former slug leads; None if it leads to this one."""
        owner = self._owners.get(former, self._former.get(former, ordinal))
        return None if owner == ordinal else self.slugs[owner]

    def find_by_address(self, url: str) -> str | None:
        """Return the slug of the post with an address, in whichever form it is linked."""
        key = address_key(url)
        ordinal = self._addresses.get(key) if key else None
        return None if ordinal is None else self.slugs[ordinal]

    def source_id(self, item: XmlNode, site_url: str, slug: str) -> str:
        """Return the identity of a post: its id within the site or, if the file repeats that, its guid or address."""
        id_, *others = [*_identities(item), "", ""][:3]
        if id_.isdigit() and self._identities[id_] == 1:
            return f"{site_url}/?p={id_}"
        for identity in others:
            if identity and self._identities[identity] == 1:
                return identity if len(identity) <= 500 else f"{site_url}/#{short_hash(identity)}"
        return f"{site_url}/#{slug}"


@dataclass(slots=True)
class WordPressExport:
    """The data of a whole export.

    Attributes:
        host: The host of `url`, without `www.`.
        reusable_blocks: The content of reusable blocks by id; `used_blocks` are those that posts use.
        used_terms: Taxonomy and slug of the terms that posts have.
    """

    title: str = ""
    url: str = ""
    host: str = ""
    language: str | None = None
    authors: AuthorIndex = field(default_factory=AuthorIndex)
    attachments: AttachmentIndex = field(default_factory=AttachmentIndex)
    posts: PostIndex = field(default_factory=PostIndex)
    reusable_blocks: dict[str, str] = field(default_factory=dict)
    used_blocks: set[str] = field(default_factory=set)
    used_terms: set[tuple[str, str]] = field(default_factory=set)

    def link_posts(self, body: str) -> str:
        """Return the HTML of a body in which links to posts of the export name their slug in `data-article-id`."""
        return _LINK.sub(self._link_post, body)

    def _link_post(self, link: re.Match[str]) -> str:
        href = link[1] or link[2] or ""
        if href.startswith("#") or (_ABSOLUTE.match(href) and self.host not in href):
            return link[0]
        url = resolve_http_url(href, f"{self.url}/") or ""
        slug = self.posts.find_by_address(url)
        if slug is None and _bare_host(urlsplit(url).hostname) == self.host:
            slug = self.posts.find_by_address(urlsplit(url).path)  # some exports have relative addresses
        return f'<a data-article-id="{slug}"{link[0][2:]}' if slug else link[0]


def index_export(file: XmlFile) -> WordPressExport:
    """Read an export once and return what its posts refer to."""
    export = WordPressExport()
    for element in file.elements():
        if element.node is not None:
            _index_element(export, element)
    document = file.document
    channel = document.find("channel") if document is not None else None
    if channel is not None:
        export.title = channel.text("title")
        url = channel.text("wp_base_blog_url") or channel.text("wp_base_site_url") or channel.text("link")
        export.url = (resolve_http_url(url) or "").rstrip("/")
        export.host = _bare_host(urlsplit(export.url).hostname)
        export.language = read_language(channel.text("language"))
        version = channel.text("wp_wxr_version")
        export.authors.names_are_public = version == "1.0" or not export.authors.by_login
    export.posts.assign_slugs()
    return export


def _index_element(export: WordPressExport, element: FileElement) -> None:
    node = element.node
    if node is None:
        return
    if node.name == "wp_author":
        export.authors.add(node, element.line)
    elif node.name == "item":
        post_type = node.text("wp_post_type")
        if post_type == "attachment":
            export.attachments.add(element.line, node, meta_of(node))
        elif post_type == "guest-author":
            export.authors.add_guest(meta_of(node), node.text("title"), element.line)
        elif post_type == "wp_block":
            export.reusable_blocks[node.text("wp_post_id")] = node.text("content_encoded")
        elif is_post(node):
            export.posts.add(node)
            terms = node.all("category")
            export.used_terms.update((term.get("domain", "category"), term.get("nicename")) for term in terms)


def is_post(item: XmlNode) -> bool:
    """Return whether an item is a post that an editor has saved."""
    return item.text("wp_post_type") == "post" and item.text("wp_status") not in UNSAVED_STATUSES


def meta_of(item: XmlNode) -> dict[str, str]:
    """Return the custom fields of an item; of several with one name, the last."""
    return {meta.text("wp_meta_key"): meta.text("wp_meta_value") for meta in item.all("wp_postmeta")}


def former_slugs(item: XmlNode) -> list[str]:
    """Return the former slugs of a post as they are stored: old names, its name, and the end of its address."""
    name = item.text("wp_post_name").lower().removesuffix(TRASHED_SUFFIX)
    candidates = [*_old_names(item), name, last_segment(item.text("link"))]
    return list(dict.fromkeys(slug for text in candidates if (slug := normalize_former_slug(text))))


def address_key(url: str) -> bytes | None:
    """Return a key that is equal for all forms of an address: any scheme, `www.`, case, encoding and final slash."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    host = _bare_host(parts.hostname)
    path = unquote(parts.path).rstrip("/").lower()
    id_ = next(iter(parse_qs(parts.query).get("p", [])), "") if path in {"", "/index.php"} else ""
    if not (path or id_):
        return None
    text = f"{host}/?p={id_}" if id_ else f"{host}{path}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=_KEY_BYTES).digest()


def _bare_host(host: str | None) -> str:
    return (host or "").lower().removeprefix("www.")


def _wanted_slug(item: XmlNode, name: str, id_: str) -> str:
    # Squarespace exports names with their folders.
    slug = slug_from_segment(name.removesuffix(TRASHED_SUFFIX).rpartition("/")[2]) if name else None
    if slug:
        return slug
    # A post without a usable name gets its title and its id, because titles repeat.
    title_slug = slugify(html_to_text(item.text("title")))
    return shorten_slug(title_slug, id_) if id_.isdigit() else title_slug


def _old_names(item: XmlNode) -> Iterator[str]:
    for meta in item.all("wp_postmeta"):
        if meta.text("wp_meta_key") == "_wp_old_slug":
            yield meta.text("wp_meta_value").lower()


def _former_links(item: XmlNode) -> Iterator[str]:
    """Return the addresses that a post had under its former names."""
    link = item.text("link").rstrip("/")
    start, slash, _ = link.rpartition("/")
    for name in _old_names(item):
        if slash and name:
            yield f"{start}/{name}"


def _identities(item: XmlNode) -> list[str]:
    """Return the id, the guid and the address of a post, by which it may be recognised."""
    return [item.text("wp_post_id"), item.text("guid"), resolve_http_url(item.text("link")) or ""]
