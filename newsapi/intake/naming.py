"""What files of other systems name, in our words: plain texts, slugs, terms by a mapping."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from newsapi.intake.plans import Plan
from newsapi.text import markup
from newsapi.text.addresses import PICTURES, absolute
from newsapi.text.slugs import is_slug, slugify

MOST_TAGS = 100
_TAGGED = re.compile("[<&]")
_NOWHERE = "https://localhost/"

Record = dict[str, Any]


class Named(NamedTuple):
    """A category or an author: its slug, and its name for people."""

    slug: str
    name: str
    email: str | None = None


def plain(text: str | None) -> str:
    """Answer a text that may hold HTML as plain text."""
    if not text or not _TAGGED.search(text):
        return " ".join((text or "").split())
    return markup.to_text(markup.clean(text, base=_NOWHERE, embed_hosts=frozenset()))


def line(text: str | None) -> str | None:
    """Answer the same as one line; None where there is nothing."""
    return " ".join(plain(text).split()) or None


def web(text: str | None, base: str = "") -> str | None:
    """Answer an address in full; None where it is none of the web."""
    return absolute(html.unescape((text or "").strip()), base=base, schemes=PICTURES)


def last_step(url: str | None) -> str | None:
    """Answer the last step of the path of an address, where that is a slug."""
    try:
        steps = [step for step in unquote(urlsplit(url or "").path).split("/") if step]
    except ValueError:
        return None
    step = steps[-1].lower().removesuffix(".html").removesuffix(".htm") if steps else ""
    return step if is_slug(step) else None


def short_hash(text: str) -> str:
    """Answer eight letters and digits that stand for a text."""
    return blake2b(text.encode(), digest_size=4).hexdigest()


class Terms:
    """The terms that a file names, each told once, before the record that first bears it."""

    def __init__(self, plan: Plan) -> None:
        """Take what becomes of categories."""
        self._plan = plan
        self._told: set[tuple[str, str]] = set()

    def borne(
        self, categories: Iterable[Named], tags: Iterable[Named], authors: Iterable[Named]
    ) -> tuple[list[Record], Record]:
        """Answer the terms that are new with a record, and what the record says of terms."""
        plan, new = self._plan, list[Record]()
        found: dict[str, list[str]] = {"brand": [], "section": [], "tag": [], "author": []}
        for one in categories:
            target = plan.categories.get(one.slug, None if plan.others == "drop" else (plan.others, one.slug))
            if target is not None:
                self._tell(new, found, target[0], Named(target[1], one.name))
        for one in tags:
            target = plan.categories.get(one.slug, ("tag", one.slug))
            if target is not None:
                self._tell(new, found, target[0], Named(target[1], one.name))
        for one in authors:
            self._tell(new, found, "author", one)
        for kind, slug in (("section", plan.section), ("author", plan.author)):
            if slug and not found[kind]:
                self._tell(new, found, kind, Named(slug, slug.replace("-", " ").capitalize()))
        return new, {
            "brand": next(iter(found["brand"]), None),
            "mentions": found["brand"][1:MOST_TAGS],
            "section": next(iter(found["section"]), None),
            "tags": found["tag"][:MOST_TAGS],
            "authors": found["author"][:50],
        }

    def _tell(self, new: list[Record], found: dict[str, list[str]], kind: str, one: Named) -> None:
        if one.slug not in found[kind]:
            found[kind].append(one.slug)
        if (kind, one.slug) not in self._told:
            self._told.add((kind, one.slug))
            record: Record = {"type": kind, "slug": one.slug, "name": one.name[:200]}
            new.append(record | ({"email": one.email} if one.email else {}))


def category(name: str | None, slug: str | None = None) -> Named | None:
    """Answer a category by its name and, where it has one, its slug; None where it has neither."""
    shown = line(name) or slug or ""
    return Named(slug if slug and is_slug(slug) else slugify(shown), shown) if shown else None
