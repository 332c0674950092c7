"""Files of other systems, as a test reads them."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from newsapi.imports import mapping as import_mapping
from newsapi.imports import registry as import_registry
from newsapi.imports.ndjson import RecordProblem

FILES = Path(__file__).parent / "files"


class Told:
    """What a file says: its records by type and slug, and what is wrong with it."""

    def __init__(self, data: bytes, name: str, mapping: bytes | None = None) -> None:
        form = import_registry.get_format(
            name, import_mapping.parse_mapping(mapping) if mapping else None, ZoneInfo("Europe/Rome")
        )
        lines = list(form.lines(BytesIO(data)))
        self.records: list[dict[str, Any]] = [orjson.loads(line.raw) for line in lines if line.problem is None]
        self.problems: list[tuple[int, RecordProblem]] = [
            (form.source_line(line.number), line.problem) for line in lines if line.problem is not None
        ]
        self.places = [form.source_line(line.number) for line in lines]

    def __getitem__(self, slug: str) -> dict[str, Any]:
        (found,) = (one for one in self.records if one["type"] == "article" and one["slug"] == slug)
        return found

    def slugs(self, kind: str = "article") -> list[str]:
        return [one["slug"] for one in self.records if one["type"] == kind]


@pytest.fixture
def read() -> Callable[..., Told]:
    """Read a file of this folder, or bytes, in a form."""

    def read(what: str | bytes, name: str, mapping: bytes | None = None) -> Told:
        return Told((FILES / what).read_bytes() if isinstance(what, str) else what, name, mapping)

    return read


@pytest.fixture
def mapping() -> bytes:
    return (FILES / "mapping.toml").read_bytes()
