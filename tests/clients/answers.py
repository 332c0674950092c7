"""The demo's answers that the document shows, as `newsapi/web/examples.json` keeps them.

`python -m tests.clients.answers http://127.0.0.1:8000` asks a running demo and writes that file anew.
"""

import json
import re
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from newsapi.web.feed_formats import FEED_FORMATS

FILE = Path(__file__).parents[2] / "newsapi" / "web" / "examples.json"
BASE = "http://127.0.0.1:8000"

REFERENCE = "jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie"
ADDRESSES = {
    "listArticles": {
        "summaries": "/v1/articles?group=ford",
        "narrowed": "/v1/articles?brand=ford&fields=headline,image.url",
        "counted": "/v1/articles?slug=incentivi-auto-come-si-legge-un-bando&total=true",
        "cards": "/v1/articles?profile=card&group=ford",
        "refused": "/v1/articles?limit=1000",
    },
    "getArticle": {
        "full": f"/v1/articles/{REFERENCE}",
        "narrowed": f"/v1/articles/{REFERENCE}?fields=headline,byline,brand",
        "withdrawn": "/v1/articles/stellantis-il-calendario-dei-porte-aperte",
        "unknown": "/v1/articles/nothing-of-that-name",
    },
    "getArticleJsonLd": {"newsArticle": f"/v1/articles/{REFERENCE}/jsonld"},
    "listRelatedArticles": {"best": f"/v1/articles/{REFERENCE}/related?limit=1"},
    "searchArticles": {
        "found": "/v1/search?q=batterie+somerset&facets=brand",
        "meant": "/v1/search?q=gigafactori",
    },
    "suggestTerms": {"begun": "/v1/suggest?q=rover&limit=4"},
    "listBrands": {"found": "/v1/brands?q=range"},
    "getBrand": {"alone": "/v1/brands/land-rover", "unknown": "/v1/brands/nothing-of-that-name"},
    "listAuthors": {"found": "/v1/authors?q=donnici"},
    "getAuthor": {"alone": "/v1/authors/francesco-donnici"},
    "listSections": {"found": "/v1/sections?q=prove"},
    "getSection": {"alone": "/v1/sections/prove"},
    "listChanges": {"first": "/v1/changes?brand=land-rover&limit=1&fields=headline,slug"},
    "getDigest": {"sums": "/v1/digest?brand=tesla"},
    "listTags": {"found": "/v1/tags?q=batterie"},
    "getTag": {"alone": "/v1/tags/batterie"},
    **{
        feed_format.operation_id: {"one": f"{feed_format.path}?slug=incentivi-auto-come-si-legge-un-bando"}
        for feed_format in FEED_FORMATS
    },
    "getReadiness": {"ready": "/readyz"},
}
CHANCE = {"id", "request_id", "at", "changed_at", "cursor", "bucket", "hash"}
"""What differs from demo to demo; so do ids within a text."""
ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def ask(base: str, address: str) -> tuple[int, Any]:
    connection = HTTPConnection(urlsplit(base).netloc, timeout=20)
    try:
        connection.request("GET", address)
        answer = connection.getresponse()
        text = answer.read().decode().replace(urlsplit(base).netloc, urlsplit(BASE).netloc)
        return answer.status, text if "xml" in answer.headers["Content-Type"] else json.loads(text)
    finally:
        connection.close()


def without_chance(value: Any) -> Any:
    """The same with only the type of what differs from demo to demo."""
    if isinstance(value, dict):
        return {
            name: type(inner).__name__ if name in CHANCE else without_chance(inner) for name, inner in value.items()
        }
    if isinstance(value, str):
        return ID.sub("id", value)
    return [without_chance(inner) for inner in value] if isinstance(value, list) else value


def examples(base: str) -> dict[str, dict[str, dict[str, Any]]]:
    """By operation, status and name."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for operation, addresses in ADDRESSES.items():
        for name, address in addresses.items():
            status, value = ask(base, address)
            found.setdefault(operation, {}).setdefault(str(status), {})[name] = {"summary": address, "value": value}
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(examples(sys.argv[1]), ensure_ascii=False, indent=1) + "\n")
