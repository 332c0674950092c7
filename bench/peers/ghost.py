"""Ghost, with the articles loaded by its own JSON import."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
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
from bench.peers.sites import ARTICLE, DEEP, LIST, PAGE_SIZE, SEARCH, Corpus, Site, request, running

ADMIN = {"name": "Bench", "email": "bench@example.com", "password": "a-long-passphrase-70", "blogTitle": "Bench"}
FIELDS = "id,slug,url,title,custom_excerpt,feature_image,published_at,updated_at"
LOAD_SECONDS = 3600


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


def _import_file(corpus: Corpus) -> dict[str, Any]:
    """Return the corpus in the import format of Ghost: brands, sections and tags become tags, the brand first."""
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
    for article in corpus.of_type("article"):
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
        """Create the owner and import the corpus unless they are there; wait until all articles are stored."""
        if not orjson.loads(self.get("authentication/setup/"))["setup"][0]["status"]:
            self.post("authentication/setup/", {"setup": [ADMIN]})
        self.post("session/", {"username": ADMIN["email"], "password": ADMIN["password"]})
        if self._posts() != corpus.size:
            for post in orjson.loads(self.get("posts/?fields=id"))["posts"]:
                self._send(f"posts/{post['id']}/", method="DELETE")  # what a new site greets with
            head = b'--part\r\nContent-Disposition: form-data; name="importfile"; filename="articles.json"\r\n'
            head += b"Content-Type: application/json\r\n\r\n"
            content = head + orjson.dumps(_import_file(corpus)) + b"\r\n--part--\r\n"
            self._send("db/", content, "multipart/form-data; boundary=part")
        until = time.monotonic() + LOAD_SECONDS
        while (posts := self._posts()) != corpus.size:
            if time.monotonic() > until:
                raise click.ClickException(f"Ghost imported {posts} of {corpus.size} articles")
            time.sleep(2)

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
