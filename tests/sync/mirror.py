"""A mirror as the contract lets a partner write it: apply each page, keep the cursor, start again when told to."""

from collections.abc import Callable
from typing import Any


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
