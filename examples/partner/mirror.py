"""A mirror of a news API, with nothing but the standard library.

    python mirror.py follow https://news.example.com --brand land-rover --key KEY     # first sync, then for ever
    python mirror.py sync   https://news.example.com                                 # read on to the end, once
    python mirror.py repair https://news.example.com                                 # find what is wrong, fetch it

The mirror is a SQLite file: what is published, the cursor, and recalls that are not acknowledged yet. It survives being
killed at any moment: a page and its cursor are kept in one transaction.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

TABLES = """
CREATE TABLE IF NOT EXISTS article (id TEXT PRIMARY KEY, version INTEGER NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS recall (id TEXT PRIMARY KEY, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fresh (id TEXT PRIMARY KEY);
"""
PATIENCE = 40
"""Seconds that an answer may take: longer than it may be held."""

MOST_IDS = 100
"""Ids that one request for articles may name."""


class StartAgain(Exception):
    """The cursor leads nowhere any more: it is too old, or the archive was set back to a backup."""


class Api:
    """Asks the API, and tries again where it says so."""

    def __init__(self, base: str, key: str | None = None, *, tries: int = 8) -> None:
        self.base, self.key, self.tries = base.rstrip("/"), key, tries

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", f"{path}?{urlencode(query)}")

    def ask(self, method: str, address: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        for number in range(self.tries):
            try:
                with urlopen(Request(self.base + address, method=method, headers=headers), timeout=PATIENCE) as answer:
                    return json.load(answer)
            except HTTPError as error:
                problem = json.load(error)
                if problem.get("type", "").endswith("/problems/cursor-expired"):
                    raise StartAgain from error
                if error.code not in {429, 503} or number == self.tries - 1:
                    raise
                time.sleep(float(error.headers.get("Retry-After", 1)))
            except URLError:
                if number == self.tries - 1:
                    raise
                time.sleep(min(30, 0.2 * 2**number))
        raise AssertionError


class Mirror:
    """A copy of what a filter holds, in a SQLite file."""

    def __init__(self, path: str, api: Api, query: dict[str, str] | None = None) -> None:
        self.api, self.query = api, query or {}
        self.file = sqlite3.connect(path)
        self.file.executescript(TABLES)

    def sync(self, *, wait: int = 0, limit: int = 500) -> None:
        """Read on to the end; where there is nothing, wait for so many seconds until something comes."""
        while self.page(wait=wait, limit=limit):
            pass

    def page(self, *, wait: int = 0, limit: int = 500) -> bool:
        """Read one page; answer whether there is more already."""
        row = self.file.execute("SELECT cursor FROM place").fetchone()
        start = {"cursor": row[0]} if row else self.query
        try:
            page = self.api.get("/v1/changes", limit=limit, **({"wait": wait} if wait else {}), **start)
        except StartAgain:
            # What is here stays until it is known what is still there: readers see no empty site meanwhile.
            with self.file:
                self.file.execute("DELETE FROM place")
                self.file.execute("DELETE FROM fresh")
                self.file.execute("INSERT INTO fresh VALUES ('')")
            return True
        with self.file:
            again = self.file.execute("SELECT 1 FROM fresh WHERE id = ''").fetchone()
            for event in page["data"]:
                self.apply(event)
                if again:
                    self.file.execute("INSERT OR REPLACE INTO fresh VALUES (?)", (event["id"],))
            if again and not page["has_more"]:
                self.file.execute("DELETE FROM article WHERE id NOT IN (SELECT id FROM fresh)")
                self.file.execute("DELETE FROM fresh")
            self.file.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (page["cursor"],))
        self.acknowledge()
        return bool(page["has_more"])

    def apply(self, event: dict[str, Any]) -> None:
        """Do what one event says. The same one twice does no harm."""
        if event["type"] != "article":
            return
        if event["action"] == "upsert":
            self.keep(event["article"])
            return
        had = self.file.execute("DELETE FROM article WHERE id = ?", (event["id"],)).rowcount
        if event["gone"] and (had or event["reason"] in {"withdrawn", "rights"}):
            self.file.execute("INSERT OR REPLACE INTO recall VALUES (?, ?)", (event["id"], event["gone"]["reason"]))

    def keep(self, article: dict[str, Any]) -> None:
        row = (article["id"], article["version"], json.dumps(article))
        self.file.execute("INSERT OR REPLACE INTO article VALUES (?, ?, ?)", row)

    def acknowledge(self) -> None:
        """Say of every recall that it was honoured: here nothing is left of the article. It wants a key."""
        if not self.api.key:
            return
        for (id_,) in self.file.execute("SELECT id FROM recall").fetchall():
            try:
                self.api.ask("POST", f"/v1/articles/{id_}/recall-receipts")
            except HTTPError as error:
                if error.code not in {404, 409}:  # published again meanwhile
                    raise
            with self.file:
                self.file.execute("DELETE FROM recall WHERE id = ?", (id_,))

    def versions(self) -> dict[str, int]:
        return dict(self.file.execute("SELECT id, version FROM article"))

    def repair(self) -> list[str]:
        """Return the ids of the articles that differed, after comparing with the digest bucket by bucket and fetching them.

        Three requests lead to an error: all buckets, those inside one that differs, the articles of one of these.
        """
        own = counted(self.versions(), inner=False)
        wrong = []
        for outer in self._different(own, self._digest()):
            inside = self._digest(outer)
            mine = {n: sums for n, sums in counted(self.versions(), inner=True).items() if n.split(".")[0] == outer}
            for bucket in self._different(mine, inside):
                wrong += self._set_right(bucket)
        return sorted(wrong)

    def _digest(self, bucket: str | None = None) -> dict[str, tuple[int, str]]:
        more = {"bucket": bucket} if bucket else {}
        data = self.api.get("/v1/digest", **more, **self.query)["data"]
        return {one["bucket"]: (one["count"], one["hash"]) for one in data["buckets"]}

    @staticmethod
    def _different(mine: dict[str, tuple[int, str]], theirs: dict[str, tuple[int, str]]) -> Iterator[str]:
        return (bucket for bucket in sorted({*mine, *theirs}) if mine.get(bucket) != theirs.get(bucket))

    def _set_right(self, bucket: str) -> list[str]:
        there = {
            item["id"]: item["version"]
            for item in self.api.get("/v1/digest", bucket=bucket, **self.query)["data"]["articles"]
        }
        here = {id_: version for id_, version in self.versions().items() if place(id_) == bucket}
        gone = [id_ for id_ in here if id_ not in there]
        stale = [id_ for id_, version in there.items() if here.get(id_) != version]
        with self.file:
            self.file.executemany("DELETE FROM article WHERE id = ?", [(id_,) for id_ in gone])
            for start in range(0, len(stale), MOST_IDS):
                ids = ",".join(stale[start : start + MOST_IDS])
                names = "fields=" + ",".join(FIELDS)
                for article in self.api.ask("GET", f"/v1/articles?id={ids}&limit={MOST_IDS}&{names}")["data"]:
                    self.keep(article)
        return [*gone, *stale]


FIELDS = (
    "slug url headline standfirst format language section brand authors image published_at published_on"
    " published_precision updated_at materially_updated_at links body_html body_text mentions tags byline word_count"
    " reading_minutes media canonical_url source corrections rights seo translations previous_slugs status version seq"
).split()


def place(id_: str) -> str:
    """The innermost bucket of an article."""
    number = int(id_[-3:], 16)
    return f"{number // 64}.{number % 64}"


def counted(versions: dict[str, int], *, inner: bool) -> dict[str, tuple[int, str]]:
    """The sums of a mirror, as the digest has them."""
    sums: dict[str, list[int]] = {}
    for id_, version in versions.items():
        bucket = place(id_)
        found = sums.setdefault(bucket if inner else bucket.split(".")[0], [0, 0])
        found[0] += 1
        found[1] += int.from_bytes(hashlib.sha256(f"{id_}:{version}".encode()).digest()[:8], "big")
    return {bucket: (count, f"{total % 2**64:016x}") for bucket, (count, total) in sums.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("act", choices=("sync", "follow", "repair"))
    parser.add_argument("api", help="where the API is, such as https://news.example.com")
    parser.add_argument("--file", default="mirror.sqlite3", help="where the mirror is kept")
    parser.add_argument("--key", help="a key with partner:read")
    for name in ("brand", "section", "author", "tag", "format", "language"):
        parser.add_argument(f"--{name}", help="one or several, joined by commas")
    asked = vars(parser.parse_args())
    act, base, path, key = (asked.pop(name) for name in ("act", "api", "file", "key"))
    mirror = Mirror(path, Api(base, key), {name: value for name, value in asked.items() if value})
    if act == "repair":
        print(f"{len(mirror.repair())} set right")
        return
    mirror.sync()
    print(f"{len(mirror.versions())} articles")
    while act == "follow":
        try:
            mirror.sync(wait=25)
        except (HTTPError, URLError) as error:
            print(f"{error}; trying again", file=sys.stderr)
            time.sleep(10)


if __name__ == "__main__":
    main()
