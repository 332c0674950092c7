"""Directus on PostgreSQL, with collections and articles created over its own API."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import click
import orjson

from bench.cache_hits import free_port
from bench.peers.postgres import PostgreSQL, postgresql
from bench.peers.sites import ARTICLE, DEEP, LIST, PAGE_SIZE, SEARCH, Corpus, Site, request, running, show_progress

TOKEN = "bench-token-of-the-administrator"  # noqa: S105 (serves made-up articles on the loopback interface)
PUBLIC_POLICY = "abf8a154-5b1c-4a46-ac9c-7300570f4f17"
BATCH = 250
TERMS = {"brands": "brand", "sections": "section", "authors": "author", "tags": "tag"}
TERM_FIELDS = "brand.slug,brand.name,section.slug,section.name,authors.authors_slug.*,tags.tags_slug.*"
FIELDS = f"slug,headline,standfirst,language,format,image,published_at,updated_at,{TERM_FIELDS}"


@contextmanager
def directus(folder: Path, corpus: Corpus) -> Iterator[dict[str, Site]]:
    """Run `node_modules/directus` of a folder on PostgreSQL, without and with its cache in memory."""
    data = folder / f"data-{corpus.size}"
    with postgresql(data) as database, ExitStack() as stack:
        package = folder / "node_modules" / "directus"
        version = f"Directus {orjson.loads((package / 'package.json').read_bytes())['version']}, {database.version}"
        sites: dict[str, Site] = {}
        for name, settings in (
            ("Directus", {"CACHE_ENABLED": "false"}),
            ("Directus, cached", {"CACHE_ENABLED": "true", "CACHE_STORE": "memory", "CACHE_TTL": "1h"}),
        ):
            url, process_id = stack.enter_context(_instance(package, data, database, settings))
            if not sites:
                _Admin(url).load(corpus)
                database.analyze()
            sites[name] = Site(url, version, _paths(corpus), _slugs, [process_id, database.process_id])
        yield sites


@contextmanager
def _instance(
    package: Path, place: Path, database: PostgreSQL, settings: Mapping[str, str]
) -> Iterator[tuple[str, int]]:
    """Run one process, the number of its container; yield its URL and process id."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": url,
        "SECRET": "bench",
        "DB_CLIENT": "pg",
        "DB_HOST": database.socket_folder,
        "DB_PORT": "5432",
        "DB_DATABASE": "postgres",
        "DB_USER": "postgres",
        "DB_PASSWORD": "none",
        "ADMIN_EMAIL": "bench@example.com",
        "ADMIN_PASSWORD": "a-long-passphrase-70",
        "ADMIN_TOKEN": TOKEN,
        "TELEMETRY": "false",
        "LOG_LEVEL": "error",
        "MAX_PAYLOAD_SIZE": "64mb",
        "PRESSURE_LIMITER_ENABLED": "false",
        **settings,
    }
    command = ["node", str(package / "cli.js")]
    with (place / "log").open("ab") as log:
        subprocess.run([*command, "bootstrap"], cwd=place, env={**os.environ, **environment}, check=True, stdout=log)
    with running([*command, "start"], place, environment, ready=partial(request, f"{url}/server/ping")) as process_id:
        yield url, process_id


def _slugs(body: Any) -> list[str]:
    return [item["slug"] for item in (body["data"] if isinstance(body["data"], list) else [body["data"]])]


def _paths(corpus: Corpus) -> Mapping[str, str]:
    def articles(**parameters: object) -> str:
        shown = {"fields": FIELDS, "sort": "-published_at", "limit": PAGE_SIZE}
        return f"/items/articles?{urlencode(shown | parameters)}"

    return {
        LIST: articles(),
        ARTICLE: f"/items/articles/{corpus.newest_first[0]}?{urlencode({'fields': FIELDS + ',body_html'})}",
        DEEP: articles(page=corpus.deep_page),
        SEARCH: articles(search=corpus.word),
    }


def _column(name: str, kind: str, **schema: object) -> dict[str, Any]:
    return {"field": name, "type": kind, "schema": schema}


class _Admin:
    """The API with the token of the administrator."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers = (f"Authorization: Bearer {TOKEN}", "Content-Type: application/json")

    def _post(self, path: str, body: object) -> None:
        try:
            request(self._url + path, orjson.dumps(body), self._headers)
        except HTTPError as error:
            raise click.ClickException(f"{path}: {error.read().decode()[:500]}") from error

    def _count(self) -> int | None:
        try:
            body = orjson.loads(request(f"{self._url}/items/articles?aggregate[count]=*", headers=self._headers))
        except HTTPError:
            return None  # there is no such collection yet
        return int(body["data"][0]["count"])

    def load(self, corpus: Corpus) -> None:
        """Create the collections and store the articles that are missing."""
        count = self._count()
        if count == corpus.size:
            return
        if count is None:
            self._create_collections()
            for collection, kind in TERMS.items():
                terms = [{"slug": term["slug"], "name": term["name"]} for term in corpus.of_type(kind)]
                self._post(f"/items/{collection}", terms)
        articles = [_item(article) for article in corpus.of_type("article")]
        for start in range(count or 0, len(articles), BATCH):
            self._post("/items/articles", articles[start : start + BATCH])
            show_progress("Directus", min(start + BATCH, corpus.size), corpus.size)

    def _create_collections(self) -> None:
        slug = _column("slug", "string", is_primary_key=True, is_nullable=False)
        for collection in TERMS:
            self._create(collection, [slug, _column("name", "string")])
        columns = [_column(name, "string") for name in ("headline", "brand", "section", "language", "format", "image")]
        columns += [_column(name, "text") for name in ("standfirst", "body_html")]
        columns += [_column(name, "timestamp", is_indexed=True) for name in ("published_at", "updated_at")]
        self._create("articles", [slug, *columns])
        for name, target in (("brand", "brands"), ("section", "sections")):
            self._post("/relations", {"collection": "articles", "field": name, "related_collection": target})
        for name in ("authors", "tags"):
            junction, key = f"articles_{name}", _column("id", "integer", is_primary_key=True, has_auto_increment=True)
            fields = [key, _column("articles_slug", "string"), _column(f"{name}_slug", "string")]
            self._create(junction, fields)
            alias = {"field": name, "type": "alias", "meta": {"special": ["m2m"], "interface": "list-m2m"}}
            self._post("/fields/articles", alias)
            for field, target, one_field in (("articles_slug", "articles", name), (f"{name}_slug", name, None)):
                other = f"{name}_slug" if target == "articles" else "articles_slug"
                meta = {"one_field": one_field, "junction_field": other}
                self._post(
                    "/relations",
                    {"collection": junction, "field": field, "related_collection": target, "meta": meta, "schema": {}},
                )

    def _create(self, collection: str, fields: list[dict[str, Any]]) -> None:
        """Create a collection that everybody may read."""
        self._post("/collections", {"collection": collection, "schema": {}, "meta": {}, "fields": fields})
        permission = {"policy": PUBLIC_POLICY, "collection": collection, "action": "read", "fields": ["*"]}
        self._post("/permissions", permission | {"permissions": {}, "validation": {}})


def _item(article: dict[str, Any]) -> dict[str, Any]:
    copied = "slug headline standfirst body_html language format brand section published_at updated_at".split()
    return {
        **{name: article[name] for name in copied},
        "image": article["image"]["url"],
        "authors": [{"authors_slug": slug} for slug in article["authors"]],
        "tags": [{"tags_slug": slug} for slug in article["tags"]],
    }
