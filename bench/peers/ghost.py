"""Ghost, with the articles loaded by its own JSON import."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import click
import orjson

from bench.cache_hits import free_port
from bench.peers.mariadb import MariaDB, mariadb
from bench.peers.sites import ARTICLE, DEEP, LIST, PAGE_SIZE, SEARCH, Corpus, Site, request, running, show_progress

ADMIN = {"name": "Bench", "email": "bench@example.com", "password": "a-long-passphrase-70", "blogTitle": "Bench"}
FIELDS = "id,slug,url,title,custom_excerpt,feature_image,published_at,updated_at"
BATCH = 500
"""Articles of one import: after its commit, an import takes time that grows with the square of their number."""
BATCH_SECONDS = 600


@contextmanager
def ghost(folder: Path, corpus: Corpus) -> Iterator[dict[str, Site]]:
    """Run Ghost from `package/` of its folder on MariaDB, without and with the cache of its content API."""
    data = folder / f"data-{corpus.size}"
    with mariadb(data) as database:
        database.create("ghost")
        with (
            _instance(folder / "package", database, cached=False) as (url, process_id),
            _instance(folder / "package", database, cached=True) as (cached_url, cached_id),
        ):
            admin = _Admin(url)
            admin.load(corpus)
            version = f"Ghost {orjson.loads(admin.get('config/'))['config']['version']}, {database.version}"
            paths = _paths(corpus, admin.content_key())
            yield {
                "Ghost": Site(url, version, paths, _slugs, [process_id, database.process_id]),
                "Ghost, cached": Site(cached_url, version, paths, _slugs, [cached_id, database.process_id]),
            }


@contextmanager
def _instance(package: Path, database: MariaDB, *, cached: bool) -> Iterator[tuple[str, int]]:
    """Run one process, the number that Ghost supports; yield its URL and process id."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "NODE_ENV": "production",
        "url": url,
        "server__port": str(port),
        "database__client": "mysql",
        "database__connection__socketPath": str(database.socket),
        "database__connection__user": database.user,
        "database__connection__database": "ghost",
        "logging__level": "error",
        "logging__transports": '["stdout"]',
        "mail__transport": "Direct",
        "mail__from": ADMIN["email"],
        "security__staffDeviceVerification": "false",
        "privacy__useUpdateCheck": "false",
        "hostSettings__postsPublicCache__enabled": str(cached).lower(),
    }
    ready = partial(request, f"{url}/ghost/api/admin/site/")
    with running(["node", "index.js"], package, environment, ready=ready) as process_id:
        yield url, process_id


def _slugs(body: Any) -> list[str]:
    return [post["slug"] for post in body["posts"]]


def _paths(corpus: Corpus, key: str) -> Mapping[str, str]:
    def listed(**parameters: object) -> str:
        return f"/ghost/api/content/posts/?{urlencode(shown | {'fields': FIELDS, 'limit': PAGE_SIZE} | parameters)}"

    shown = {"key": key, "include": "authors,tags"}
    return {
        LIST: listed(),
        ARTICLE: f"/ghost/api/content/posts/slug/{corpus.newest_first[0]}/?{urlencode(shown)}",
        DEEP: listed(page=corpus.deep_page),
        SEARCH: listed(filter=f"title:~'{corpus.word}'"),
    }


def _import_file(corpus: Corpus, articles: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return articles with all terms in the import format of Ghost; it leaves terms alone that it has already.

    Brands, sections and tags become tags, the brand first.
    """
    terms = {kind: corpus.of_type(kind) for kind in ("brand", "section", "tag")}
    tags = [
        {"id": f"{kind}-{term['slug']}", "name": term["name"], "slug": term["slug"]}
        for kind, records in terms.items()
        for term in records
    ]
    users = [
        {"id": author["slug"], "name": author["name"], "slug": author["slug"], "email": f"{author['slug']}@example.com"}
        for author in corpus.of_type("author")
    ]
    posts, posts_tags, posts_authors = [], [], []
    for article in articles:
        slug = article["slug"]
        card = {"type": "html", "version": 1, "html": article["body_html"]}
        root = {"children": [card], "direction": None, "format": "", "indent": 0, "type": "root", "version": 1}
        posts.append(
            {
                "id": slug,
                "slug": slug,
                "title": article["headline"],
                "custom_excerpt": article["standfirst"],
                "lexical": orjson.dumps({"root": root}).decode(),
                "feature_image": article["image"]["url"],
                "status": "published",
                "created_at": article["published_at"],
                "published_at": article["published_at"],
                "updated_at": article["updated_at"],
            }
        )
        names = [
            f"brand-{article['brand']}",
            f"section-{article['section']}",
            *(f"tag-{tag}" for tag in article["tags"]),
        ]
        posts_tags += [{"post_id": slug, "tag_id": name, "sort_order": order} for order, name in enumerate(names)]
        posts_authors += [
            {"post_id": slug, "author_id": name, "sort_order": order} for order, name in enumerate(article["authors"])
        ]
    data = {"posts": posts, "tags": tags, "users": users, "posts_tags": posts_tags, "posts_authors": posts_authors}
    return {"db": [{"meta": {"exported_on": 0, "version": "6.0.0"}, "data": data}]}


class _Admin:
    """The admin API, with the session of the owner."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def _send(
        self, path: str, data: bytes | None = None, content_type: str = "application/json", method: str | None = None
    ) -> bytes:
        headers = {"Content-Type": content_type, "Origin": self._url, "Accept-Version": "v6.0"}
        message = Request(f"{self._url}/ghost/api/admin/{path}", data, headers, method=method)  # noqa: S310 (loopback)
        with self._opener.open(message, timeout=3600) as response:
            return bytes(response.read())

    def get(self, path: str) -> bytes:
        return self._send(path)

    def post(self, path: str, body: object) -> bytes:
        return self._send(path, orjson.dumps(body))

    def load(self, corpus: Corpus) -> None:
        """Create the owner unless he is there, and import the articles that are missing, the oldest first."""
        if not orjson.loads(self.get("authentication/setup/"))["setup"][0]["status"]:
            self.post("authentication/setup/", {"setup": [ADMIN]})
        self.post("session/", {"username": ADMIN["email"], "password": ADMIN["password"]})
        articles = corpus.of_type("article")
        known = {article["slug"] for article in articles}
        for post in orjson.loads(self.get("posts/?fields=id,slug"))["posts"]:
            if post["slug"] not in known:  # what a new site greets with
                self._send(f"posts/{post['id']}/", method="DELETE")
        while (stored := self._posts()) < corpus.size:
            self._import(_import_file(corpus, articles[stored : stored + BATCH]))
            self._wait_for(min(stored + BATCH, corpus.size))
            show_progress("Ghost", self._posts(), corpus.size)
        for tag in orjson.loads(self.get("tags/?filter=visibility:internal&fields=id&limit=100"))["tags"]:
            self._send(f"tags/{tag['id']}/", method="DELETE")  # each import adds one to its articles

    def _import(self, content: dict[str, Any]) -> None:
        """Upload a file; Ghost imports it in one transaction after its response."""
        head = b'--part\r\nContent-Disposition: form-data; name="importfile"; filename="articles.json"\r\n'
        head += b"Content-Type: application/json\r\n\r\n"
        body = head + orjson.dumps(content) + b"\r\n--part--\r\n"
        self._send("db/", body, "multipart/form-data; boundary=part")

    def _wait_for(self, posts: int) -> None:
        until = time.monotonic() + BATCH_SECONDS
        while (stored := self._posts()) < posts:
            if time.monotonic() > until:
                raise click.ClickException(f"Ghost has {stored} articles, not {posts}; its log says why")
            time.sleep(0.5)

    def _posts(self) -> int:
        return int(orjson.loads(self.get("posts/?limit=1&fields=id"))["meta"]["pagination"]["total"])

    def content_key(self) -> str:
        """Return the key of the content API, of an integration that is created once."""
        path = "integrations/?include=api_keys"
        integrations = orjson.loads(self.get(path))["integrations"]
        if not any(integration["name"] == "bench" for integration in integrations):
            self.post("integrations/?include=api_keys", {"integrations": [{"name": "bench"}]})
            integrations = orjson.loads(self.get(path))["integrations"]
        keys = next(integration["api_keys"] for integration in integrations if integration["name"] == "bench")
        return next(str(key["secret"]) for key in keys if key["type"] == "content")
