"""What the definitions of the forms ask for, written down as checks."""

import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator
from lxml import etree

HERE = Path(__file__).parent
ATOM = "{http://www.w3.org/2005/Atom}"
AT = "{http://purl.org/atompub/tombstones/1.0}"
DC = "{http://purl.org/dc/elements/1.1/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
RFC_822 = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(
        json.loads((HERE / name).read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def xml(body: bytes) -> Any:
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))


def one(parent: Any, name: str) -> Any:
    found = parent.findall(name)
    assert len(found) == 1, (name, len(found))
    return found[0]


def absolute(url: str) -> None:
    parts = urlsplit(url)
    assert parts.scheme in {"http", "https"}
    assert parts.netloc, url


def time(text: str) -> datetime:
    assert RFC_3339.fullmatch(text), text
    return datetime.fromisoformat(text)


def rss(body: bytes) -> Any:
    """RSS 2.0 by the board's specification and its best practices profile."""
    root = xml(body)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = one(root, "channel")
    for name in ("title", "link", "description"):
        assert one(channel, name).text
    absolute(one(channel, "link").text)
    assert [link.get("rel") for link in channel.findall(f"{ATOM}link")].count("self") == 1
    guids = [one(item, "guid") for item in channel.findall("item")]
    assert len({guid.text for guid in guids}) == len(guids)
    for item, guid in zip(channel.findall("item"), guids, strict=True):
        assert guid.get("isPermaLink") == "false"
        assert guid.text.startswith("urn:uuid:")
        assert one(item, "title").text
        absolute(one(item, "link").text)
        assert RFC_822.fullmatch(one(item, "pubDate").text)
        parsedate_to_datetime(one(item, "pubDate").text)
        time(one(item, f"{ATOM}updated").text)
        assert one(item, "description").text  # readers show an item without one as empty
        for name in (CONTENT, f"{DC}rights", f"{DC}language"):
            assert len(item.findall(name)) <= 1
        media(item)
    order = [time(one(item, f"{ATOM}updated").text) for item in channel.findall("item")]
    assert order == sorted(order, reverse=True)
    return channel


def media(entry: Any) -> None:
    for file in entry.findall(f"{MEDIA}content"):
        absolute(file.get("url"))
        assert file.get("medium") in {"image", "video", "audio"}
        for name in ("width", "height", "duration"):
            assert file.get(name) is None or file.get(name).isdigit()


def atom(body: bytes) -> Any:
    """RFC 4287, sections 4.1.1 and 4.1.2, and RFC 6721, section 3."""
    feed = xml(body)
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert one(feed, f"{ATOM}{name}").text
    assert feed.find(f"{ATOM}author/{ATOM}name").text
    assert [link.get("rel") for link in feed.findall(f"{ATOM}link")].count("self") == 1
    updated = time(one(feed, f"{ATOM}updated").text)
    assert updated.year > 2000, "a real time"
    ids = [one(entry, f"{ATOM}id").text for entry in feed.findall(f"{ATOM}entry")]
    assert len(set(ids)) == len(ids)
    for entry in feed.findall(f"{ATOM}entry"):
        assert one(entry, f"{ATOM}id").text.startswith("urn:uuid:")
        assert one(entry, f"{ATOM}title").text
        assert time(one(entry, f"{ATOM}updated").text) <= updated
        links = [(link.get("rel"), link.get("type")) for link in entry.findall(f"{ATOM}link")]
        assert links.count(("alternate", "text/html")) == 1
        content, summary = entry.findall(f"{ATOM}content"), entry.findall(f"{ATOM}summary")
        assert len(content) <= 1
        assert len(summary) <= 1
        assert content or summary
        for category in entry.findall(f"{ATOM}category"):
            assert category.get("term")
            absolute(category.get("scheme"))
        media(entry)
    for gone in feed.findall(f"{AT}deleted-entry"):
        assert gone.get("ref").startswith("urn:uuid:")
        assert gone.get("ref") not in ids
        time(gone.get("when"))
    return feed


def jsonfeed(body: bytes) -> Any:
    found = json.loads(body)
    validator("jsonfeed_1.1.schema.json").validate(found)
    return found


def ninjs(body: bytes) -> Any:
    found = json.loads(body)
    validator("ninjs-schema_3.1.json").validate(found)
    return found


def sitemap(body: bytes) -> list[Any]:
    """Answer address and last change of each entry; the document must be as its schema says."""
    schema = etree.XMLSchema(etree.parse(HERE / "sitemap.xsd"))
    root = xml(body)
    schema.assertValid(root)
    assert len(root) <= 50_000
    assert len(body) <= 50 << 20
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    return [(entry.findtext(f"{space}loc"), entry.findtext(f"{space}lastmod")) for entry in root]


CHECKS = {"rss": rss, "atom": atom, "json": jsonfeed, "ninjs": ninjs}
