"""A checker of truth: while articles change, many readers read every surface, and no answer may be wrong.

Each edit of an article writes a new number into its headline ("a3 v17"), and the writer notes under which `seq` it did.
Whatever shows a headline can so be judged by two rules alone:

- an answer is true as of its own `Content-Seq`: every number in it is the one that stood at that change, and a list has
  exactly the articles that were public then;
- its `Content-Seq` is not behind what was committed a second before the request began.
"""

from __future__ import annotations

import random
import re
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from io import BytesIO
from urllib.parse import urlsplit

from sqlalchemy import select

from newsapi.app import WRITE_HOOKS
from newsapi.content.tables.articles import Article
from newsapi.db.database import Database
from newsapi.imports import loader as import_loader
from newsapi.settings import Settings
from tests.support.import_records import article, brand, lines, term
from tests.support.threads import running

BOUND = 1.0
ARTICLES = 12
BRANDS = 3
SHOWN = re.compile(rb"(a\d+) v(\d+)")
WHOLE_LISTS = {"/v1/articles?limit=50": None, **{f"/v1/articles?brand=b{n}&limit=50": f"b{n}" for n in range(BRANDS)}}
LISTED = {
    **WHOLE_LISTS,
    "/v1/feeds/articles.rss?limit=50": None,
    "/v1/feeds/articles.atom?brand=b1&limit=50": "b1",
    "/v1/feeds/articles.json?brand=b2&limit=50": "b2",
}
"""Lists that show every article there is, and of which brand."""

SURFACES = [
    *LISTED,
    "/v1/feeds/articles.ninjs?limit=4",
    "/sitemap.xml",
    "/sitemap-1.xml",
    "/v1/articles?limit=3&include=brand",
    "/v1/articles?tag=t0&section=s0",
    "/v1/articles?author=f0&fields=headline",
    "/v1/articles?about=b1&sort=-updated_at",
    "/v1/brands/b0?include=articles",
    "/v1/authors/f0?include=articles",
    *(f"/v1/articles/a{n}" for n in range(ARTICLES)),
    "/v1/articles/a1?include=related",
    "/v1/articles/a2/related",
    "/v1/articles/a3/jsonld",
    "/v1/search?q=v1&limit=50",
    "/v1/search?q=a1&facets=brand,tag&total=true",
    "/v1/articles?q=a2&limit=50",
    "/v1/suggest?q=a",
]


@dataclass
class History:
    """What the writer did: for each article, its states by the change that brought them; and when each was there."""

    states: dict[str, list[tuple[int, int | None, str]]] = field(default_factory=dict)
    commits: list[tuple[float, int]] = field(default_factory=list)

    def note(self, slug: str, seq: int, version: int | None, of: str) -> None:
        self.states.setdefault(slug, []).append((seq, version, of))
        self.commits.append((time.monotonic(), seq))

    def at(self, slug: str, seq: int) -> tuple[int | None, str]:
        """The number of an article as of a change (None: not public), and its brand."""
        states = self.states.get(slug, [])
        place = bisect_right(states, seq, key=lambda state: state[0]) - 1
        return states[place][1:] if place >= 0 else (None, "")

    def committed(self, moment: float) -> int:
        """The last change that was there at a moment."""
        place = bisect_right(self.commits, moment, key=lambda commit: commit[0]) - 1
        return self.commits[place][1] if place >= 0 else 0


@dataclass
class Checker:
    """Edits through `database`, reads from the server at `base`; `faults` is what it found.

    `refused` are the reads that were 503 with `Retry-After`, which are no wrong answers.
    """

    base: str
    database: Database
    settings: Settings
    seed: int = 7
    history: History = field(default_factory=History)
    faults: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    how: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    versions: dict[str, int] = field(default_factory=dict)
    _writing: bool = False

    def fill(self) -> None:
        terms = [*(brand(f"b{n}") for n in range(BRANDS)), term("section", "s0"), term("author", "f0")]
        self._write(*terms)
        for number in range(ARTICLES):
            self.edit(f"a{number}", random.Random(number))

    def edit(self, slug: str, chance: random.Random, *, hidden: bool = False) -> None:
        """Change one article: a new number, perhaps another brand, perhaps out of sight."""
        version = self.versions[slug] = self.versions.get(slug, 0) + 1
        of = f"b{chance.randrange(BRANDS)}"
        values = {"brand": of, "tags": ["t0"], "section": "s0", "authors": ["f0"], "headline": f"{slug} v{version}"}
        values["updated_at"] = datetime.now(UTC).isoformat()
        values["status"] = "withdrawn" if hidden else "published"
        self._writing = True
        self._write(article(slug, **values))
        with self.database.read_transaction() as connection:
            seq = connection.execute(select(Article.seq).where(Article.slug == slug)).scalar_one()
        assert seq
        self.history.note(slug, seq, None if hidden else version, of)
        self._writing = False

    def _write(self, *records: object) -> None:
        refused: list[object] = []
        import_loader.import_records(
            self.database,
            self.settings,
            BytesIO(lines(*records)),  # type: ignore[arg-type]
            hooks=WRITE_HOOKS,
            now=lambda: datetime.now(UTC),
            reject=lambda *fault: refused.append(fault),
        )
        assert not refused, refused

    @contextmanager
    def reading(self, readers: int) -> Iterator[None]:
        """Read every surface again and again, until the block is left."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._read_on, args=(n, stop), daemon=True) for n in range(readers)]
        with running(threads, stop.set, join_seconds=20):
            yield

    def run(self, seconds: float, *, pace: Callable[[random.Random], float]) -> None:
        """Edit for some seconds or until a fault is found; `pace` says how long to rest after each edit."""
        chance = random.Random(self.seed)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.faults:
            self.edit(f"a{chance.randrange(ARTICLES)}", chance, hidden=chance.random() < 0.1)
            time.sleep(pace(chance))

    def _read_on(self, number: int, stop: threading.Event) -> None:
        chance = random.Random(self.seed * 1000 + number)
        connection = HTTPConnection(urlsplit(self.base).netloc, timeout=10)
        while not stop.is_set():
            surface = chance.choice(SURFACES)
            began = time.monotonic()
            try:
                connection.request("GET", surface)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, HTTPException) as error:
                self.faults.append(f"{surface}: {error!r}")
                connection.close()
                continue
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if answer.status in {200, 410}:
                how = answer.headers["Cache-Status"]
                self.how[how] = self.how.get(how, 0) + 1
                self._judge(surface, answer.status, int(answer.headers["Content-Seq"]), body, began)
            elif answer.status == 503 and answer.headers["Retry-After"]:
                self.refused.append(f"{surface}: {body!r}")
            elif answer.status >= 500:
                self.faults.append(f"{surface}: {answer.status}")
            if chance.random() < 0.02:  # now and then another process
                connection.close()
        connection.close()

    def _judge(self, surface: str, status: int, seq: int, body: bytes, began: float) -> None:
        committed = self.history.committed(began - BOUND)
        if seq < committed:
            self.faults.append(f"{surface}: as of {seq}, {committed} was there a second before")
        while self._writing and self.history.commits and seq > self.history.commits[-1][1]:
            time.sleep(0.002)  # committed, and not yet noted by the writer; else it is a change of related lists
        shown = {slug.decode(): int(version) for slug, version in SHOWN.findall(body)}
        for slug, version in shown.items():
            if (true := self.history.at(slug, seq)[0]) != version:
                self.faults.append(f"{surface}: {slug} v{version} as of {seq}, where it is {true}")
        if surface in LISTED:
            of = LISTED[surface]
            states = {slug: self.history.at(slug, seq) for slug in self.history.states}
            public = {slug for slug, (version, own) in states.items() if version is not None and of in {None, own}}
            if public != set(shown):
                self.faults.append(f"{surface}: shows {sorted(shown)} as of {seq}, public are {sorted(public)}")
        if (only := re.fullmatch(r"/v1/articles/(a\d+)", surface)) and status != (200 if shown else 410):
            self.faults.append(f"{surface}: {status}, showing {shown} of {only[1]}")
