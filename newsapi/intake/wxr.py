"""WordPress exports (WXR): posts, with the authors, categories, tags and pictures that they name."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import orjson

from newsapi.intake import shortcodes
from newsapi.intake.elements import Broken, elements, text_of
from newsapi.intake.forms import Said
from newsapi.intake.naming import Named, Record, Terms, category, last_step, line, plain, web
from newsapi.intake.ndjson import Problem
from newsapi.intake.plans import Plan
from newsapi.text.languages import language_tag
from newsapi.text.slugs import is_slug, slugify

_BEFORE: Final = frozenset({"item", "wp_author", "language"})
_ITEMS: Final = frozenset({"item"})
_STATUS: Final = {"publish": "published", "future": "scheduled", "trash": "withdrawn"}
_FORMATS: Final = {"post-format-gallery": "gallery", "post-format-video": "video"}
_NO_TIME: Final = "0000-00-00 00:00:00"
_SIZE = re.compile(r's:5:"width";i:([1-9]\d{0,4});s:6:"height";i:([1-9]\d{0,4});')


@dataclass(slots=True)
class _Site:
    """What is gathered beforehand, as posts name what may come behind them."""

    authors: dict[str, Named] = field(default_factory=dict)
    author_slugs: set[str] = field(default_factory=set)
    pictures: dict[str, str] = field(default_factory=dict)
    of_posts: dict[str, list[str]] = field(default_factory=dict)
    language: str | None = None
    slugs: set[str] = field(default_factory=set)

    def picture(self, id_: str) -> Record | None:
        """The picture with an id; kept as text, as a site has many."""
        return orjson.loads(self.pictures[id_]) if id_ in self.pictures else None


def told(stream: BinaryIO, *, plan: Plan, zone: ZoneInfo) -> Iterator[tuple[int, Said]]:
    """Read an export: the terms that a post names, when they are new, and the post itself. The file is read twice."""
    start = stream.tell()
    site = _site(stream)
    stream.seek(start)
    terms = Terms(plan)
    try:
        for place, item in elements(stream, _ITEMS):
            if text_of(item, "wp_post_type") != "post" or text_of(item, "wp_status") in {"auto-draft", "inherit"}:
                continue
            new, references = terms.borne(*_named(item, site))
            yield from ((place, record) for record in new)
            yield place, _post(item, site, plan, zone) | references
    except Broken as error:
        yield error.line, Problem("", error.message)


def _site(stream: BinaryIO) -> _Site:
    site = _Site()
    try:
        for _, found in elements(stream, _BEFORE):
            if found.tag == "wp_author":
                _add_author(site, found)
            elif found.tag == "language":
                site.language = language_tag((found.text or "").strip())
            elif text_of(found, "wp_post_type") == "attachment":
                _add_picture(site, found)
            elif text_of(found, "wp_post_type") == "post" and text_of(found, "wp_status") != "trash":
                site.slugs.add(_slug(found, text_of(found, "wp_post_id"), frozenset()))
    except Broken:
        pass  # told when the posts are read, in its place
    return site


def _add_author(site: _Site, found: Element) -> None:
    login = text_of(found, "wp_author_login")
    name = line(text_of(found, "wp_author_display_name")) or login
    email = text_of(found, "wp_author_email")
    if login:
        slug = slugify(name)
        slug = f"{slug}-{slugify(login)}"[:200].strip("-") if slug in site.author_slugs else slug
        site.author_slugs.add(slug)
        site.authors[login] = Named(slug, name, email if "@" in email and len(email) <= 254 else None)


def _add_picture(site: _Site, found: Element) -> None:
    url = web(text_of(found, "wp_attachment_url") or text_of(found, "guid"))
    if url is None:
        return
    meta = _meta(found)
    size = _SIZE.search(meta.get("_wp_attachment_metadata", ""))
    id_ = text_of(found, "wp_post_id")
    picture = {
        "url": url,
        "alt": (line(meta.get("_wp_attachment_image_alt")) or "")[:1_000] or None,
        "caption": plain(text_of(found, "excerpt_encoded"))[:2_000] or None,
        **({"width": int(size[1]), "height": int(size[2])} if size else {}),
    }
    site.pictures[id_] = orjson.dumps(picture).decode()  # its bytes would take 4 kB each
    site.of_posts.setdefault(text_of(found, "wp_post_parent"), []).append(id_)


def _named(item: Element, site: _Site) -> tuple[list[Named], list[Named], list[Named]]:
    """The categories, tags and authors of a post."""
    found: dict[str, list[Named]] = {"category": [], "post_tag": []}
    for one in item.iterfind("category"):
        named = category(one.text, one.get("nicename"))
        if named is not None and one.get("domain", "category") in found:
            found[one.get("domain", "category")].append(named)
    login = text_of(item, "dc_creator")
    author = site.authors.get(login) or category(login)
    return found["category"], found["post_tag"], [author] if author else []


def _post(item: Element, site: _Site, plan: Plan, zone: ZoneInfo) -> Record:
    meta, id_ = _meta(item), text_of(item, "wp_post_id")
    status, at = _status(item), _time(item, "wp_post_date", zone)
    slug = _slug(item, id_, site.slugs)
    link = text_of(item, "link")
    excerpt = plain(text_of(item, "excerpt_encoded"))
    image = site.picture(meta.get("_thumbnail_id", ""))
    format_ = next((_FORMATS[one.get("nicename", "")] for one in _formats(item)), "article")
    language = plan.language or site.language
    # What another post is called by now leads there, and not here.
    old = [one for one in (*_old_slugs(item), last_step(link)) if one and is_slug(one) and one not in site.slugs]
    body = shortcodes.rendered(text_of(item, "content_encoded"), lambda asked: _gallery(asked, id_, site))
    return {
        "type": "article",
        "slug": slug,
        "headline": line(text_of(item, "title")) or "",
        "standfirst": excerpt[:5_000] or None,
        "body_html": body,
        "format": format_,
        "status": status,
        "published_at": at if status != "withdrawn" or meta.get("_wp_trash_meta_status") == "publish" else None,
        "updated_at": _time(item, "wp_post_modified", zone),
        "image": image,
        "canonical_url": web(meta.get("_yoast_wpseo_canonical")),
        "previous_slugs": [one for one in dict.fromkeys(old) if one != slug][:100]
        if status in {"published", "withdrawn"}
        else [],
        **({"language": language} if language else {}),
    }


def _status(item: Element) -> str:
    """What was not for everybody stays hidden: drafts, what waits or is private, what has a password."""
    if text_of(item, "wp_post_password"):
        return "draft"
    return _STATUS.get(text_of(item, "wp_status"), "draft")


def _slug(item: Element, id_: str, taken: AbstractSet[str]) -> str:
    """The post's own name, or one made from its title with its number behind it, as titles repeat.

    What lay in the bin does not bear a name that another post has `taken` since.
    """
    name = text_of(item, "wp_post_name").lower()
    own = name.removesuffix("__trashed")
    if is_slug(own):
        return own if own == name or own not in taken else f"{own[:180]}-{id_}"
    return f"{slugify(plain(text_of(item, 'title')))[:180].strip('-')}-{id_}" if id_.isdigit() else slugify(name)


def _time(item: Element, name: str, zone: ZoneInfo) -> str | None:
    """A time in UTC, or else that of the newsroom's clock; what cannot be read is left to be refused."""
    for text, offset in ((text_of(item, f"{name}_gmt"), UTC), (text_of(item, name), zone)):
        if text and text != _NO_TIME:
            try:
                return datetime.fromisoformat(text).replace(tzinfo=offset).astimezone(UTC).isoformat()
            except (ValueError, OverflowError):
                return text
    return None


def _old_slugs(item: Element) -> Iterator[str]:
    for one in item.iterfind("wp_postmeta"):
        if text_of(one, "wp_meta_key") == "_wp_old_slug":
            yield text_of(one, "wp_meta_value").lower()


def _formats(item: Element) -> Iterator[Element]:
    return (one for one in item.iterfind("category") if one.get("nicename", "") in _FORMATS)


def _gallery(asked: Mapping[str, str], post: str, site: _Site) -> str:
    """The pictures that a gallery names, or else all that hang on its post."""
    ids = [id_.strip() for id_ in asked["ids"].split(",")] if asked.get("ids") else site.of_posts.get(post, [])
    pictures = [found for id_ in ids if (found := site.picture(id_)) is not None]
    shown = "".join(f'<img src="{html.escape(one["url"])}"{_alt(one["alt"])}>' for one in pictures)
    return f"<figure>{shown}</figure>" if shown else ""


def _alt(text: str | None) -> str:
    return "" if text is None else f' alt="{html.escape(text)}"'


def _meta(item: Element) -> dict[str, str]:
    return {text_of(one, "wp_meta_key"): text_of(one, "wp_meta_value") for one in item.iterfind("wp_postmeta")}
