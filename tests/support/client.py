"""Clients of the API, with an API key or without one."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from newsapi.content.writes.terms import resolve_slugs
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands

PATCH = "application/merge-patch+json"
EVERYTHING = ("content:write", "content:publish", "drafts:read")


class Editor:
    """Test client that sends an API key with every request; without a key it is a public reader."""

    def __init__(self, app: Flask, secret: str | None) -> None:
        self.client, self.secret = app.test_client(), secret
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    @property
    def prefix(self) -> str:
        return "_".join((self.secret or "").split("_")[:2])

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        usual = {"Content-Type": PATCH if method == "PATCH" else "application/json"} if body is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more = {"json": body, "content_type": usual["Content-Type"]} if body is not None else {}
        return self.client.open(path, method=method, headers=self.headers | named, **more)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def write(self, **article: Any) -> dict[str, Any]:
        """Create an article and return it."""
        answer = self.post("/v1/articles", {"headline": "Titolo", "body_html": "<p>Testo.</p>", **article})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json["data"]
        return created

    def change(self, article: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Update an article on the version that was read, and return the new one."""
        answer = self.patch(article["id"], changes, article["version"])
        assert answer.status_code == 200, answer.text
        updated: dict[str, Any] = answer.json["data"]
        return updated

    def patch(self, which: str, changes: dict[str, Any], version: int | None = None, kind: str = "articles") -> Any:
        headers = {"If_Match": f'"v{version}"'} if version else {}
        return self.send("PATCH", f"/v1/{kind}/{which}", changes, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, **headers)


def slugs_of(response: Any) -> list[str]:
    """Return the slugs of a list response, which must be a 200."""
    assert response.status_code == 200, response.text
    return [item["slug"] for item in response.json["data"]]


@pytest.fixture
def hire(app: Flask, database: Database, clock: Callable[[], Any]) -> Callable[..., Editor]:
    """Build a client with a new API key of the given scopes."""

    def hire(*scopes: str, **more: Any) -> Editor:
        return Editor(
            app,
            key_commands.create(
                database, "anna", scopes or EVERYTHING, now=clock(), resolve_slugs=resolve_slugs, **more
            ),
        )

    return hire


@pytest.fixture
def editor(hire: Callable[..., Editor]) -> Editor:
    """Client that may write, publish and read drafts."""
    return hire()


@pytest.fixture
def public(app: Flask) -> Editor:
    """Client without an API key."""
    return Editor(app, None)
