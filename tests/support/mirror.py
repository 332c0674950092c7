"""A client of `/v1/changes` that keeps a copy: it applies each page, keeps the cursor and starts again after a 410."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.client import Editor


class Mirror:
    """What a filter holds, as far as its changes were read."""

    def __init__(self, get: Callable[[str], Any], query: str = "", limit: int = 3) -> None:
        self.get, self.query, self.limit = get, query, limit
        self.articles: dict[str, dict[str, Any]] = {}
        self.names: dict[tuple[str, str], dict[str, str]] = {}
        self.events: list[dict[str, Any]] = []
        self.cursor: str | None = None
        self.starts = 0

    @property
    def versions(self) -> dict[str, int]:
        return {id_: article["version"] for id_, article in self.articles.items()}

    def page(self, more: str = "") -> dict[str, Any]:
        """Read one page and apply it."""
        start = f"cursor={self.cursor}" if self.cursor else self.query
        answer = self.get(f"/v1/changes?limit={self.limit}{start and '&'}{start}{more}")
        if answer.status_code == 410:
            assert answer.json["type"].endswith("/problems/cursor-expired")
            self.cursor, self.articles, self.names = None, {}, {}
            self.starts += 1
            return self.page(more)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json
        assert [event["seq"] for event in page["data"]] == sorted({event["seq"] for event in page["data"]})
        for event in page["data"]:
            self.apply(event)
        assert page["cursor"] != self.cursor or not page["has_more"], "a page that does not advance"
        self.cursor = page["cursor"]
        return page

    def apply(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        id_ = event["id"]
        if event["type"] != "article":
            if event["action"] == "upsert":
                self.names[event["type"], id_] = event["name"]
            else:
                self.names.pop((event["type"], id_), None)
        elif event["action"] == "upsert":
            assert event["article"]["id"] == id_
            self.articles[id_] = event["article"]
        else:
            assert event["article"] is None
            self.articles.pop(id_, None)

    def follow(self) -> "Mirror":
        """Read on to the end."""
        while self.page()["has_more"]:
            pass
        return self


@pytest.fixture
def mirror(public: Editor) -> Callable[..., Mirror]:
    """Build mirrors of the articles that match a filter, empty at first."""
    return lambda query="", reader=None, limit=3: Mirror((reader or public).get, query, limit)


@pytest.fixture
def truth(public: Editor) -> Callable[[str], dict[str, int]]:
    """Read the versions of all articles that match a filter from the list itself, by id."""

    def truth(query: str = "") -> dict[str, int]:
        versions: dict[str, int] = {}
        address = f"/v1/articles?limit=100&fields=version{query and '&'}{query}"
        while address:
            answer: Any = public.get(address).json
            versions |= {item["id"]: item["version"] for item in answer["data"]}
            address = (answer["links"]["next"] or "").removeprefix("https://api.example.com")
        return versions

    return truth
