"""Partners: mirrors that follow the changes, and keys with what they are for."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.desk.conftest import Editor, editor, hire, public
from tests.partners.mirror import Mirror

__all__ = ["editor", "hire", "public"]


@pytest.fixture
def mirror(public: Editor) -> Callable[..., Mirror]:
    """Somebody who keeps what a filter holds, starting with nothing."""
    return lambda query="", reader=None, limit=3: Mirror((reader or public).get, query, limit)


@pytest.fixture
def truth(public: Editor) -> Callable[[str], dict[str, int]]:
    """What a filter holds, by the list itself: ids and versions."""

    def truth(query: str = "") -> dict[str, int]:
        found: dict[str, int] = {}
        address = f"/v1/articles?limit=100&fields=version{query and '&'}{query}"
        while address:
            answer: Any = public.get(address).json
            found |= {item["id"]: item["version"] for item in answer["data"]}
            address = (answer["links"]["next"] or "").removeprefix("https://api.example.com")
        return found

    return truth
