"""Files of other systems, as the readers of their formats read them."""

from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from newsapi.imports import mapping as import_mapping
from newsapi.imports import registry as import_registry
from newsapi.imports.record_notes import Omission, RecordProblem, RecordWarning

FILES = Path(__file__).parent / "files"
CASES = Path(__file__).parent / "cases"


class FileReading:
    """What a reader finds in a file.

    Attributes:
        records: The records.
        lines: The line of the file of each record.
        problems: The problems with their lines.
        omissions: The number of omissions of each kind.
        details: Kind and detail of each omission.
        warnings: The warnings.
    """

    def __init__(self, data: bytes, name: str, mapping: bytes | None = None) -> None:
        document = import_mapping.parse_mapping(mapping) if mapping else None
        record_format = import_registry.get_format(name, document, ZoneInfo("Europe/Rome"))
        self.records: list[dict[str, Any]] = []
        self.lines: list[int] = []
        self.problems: list[tuple[int, RecordProblem]] = []
        self.omissions: Counter[str] = Counter()
        self.details: list[tuple[str, str]] = []
        self.warnings: list[RecordWarning] = []
        for line in record_format.lines(BytesIO(data)):
            source_line = record_format.source_line(line.number)
            if line.problem is not None:
                self.problems.append((source_line, line.problem))
            elif isinstance(line.note, Omission):
                self.omissions[line.note.kind] += 1
                self.details.append((line.note.kind, line.note.detail))
            elif isinstance(line.note, RecordWarning):
                self.warnings.append(line.note)
            else:
                self.records.append(orjson.loads(line.raw))
                self.lines.append(source_line)

    def __getitem__(self, slug: str) -> dict[str, Any]:
        [record] = [record for record in self.articles if record["slug"] == slug]
        return record

    @property
    def articles(self) -> list[dict[str, Any]]:
        """The records of articles."""
        return [record for record in self.records if record["type"] == "article"]

    @property
    def article(self) -> dict[str, Any]:
        """The record of the only article."""
        [record] = self.articles
        return record

    def slugs(self, kind: str = "article") -> list[str]:
        """Return the slugs of the records of a kind."""
        return [record["slug"] for record in self.records if record["type"] == kind]

    def names(self, kind: str) -> list[str]:
        """Return the names of the terms of a kind."""
        return [record["name"] for record in self.records if record["type"] == kind]

    @property
    def warned(self) -> list[str]:
        """The pointers of the warnings."""
        return [warning.pointer for warning in self.warnings]

    @property
    def messages(self) -> list[str]:
        """The messages of the problems."""
        return [problem.message for _, problem in self.problems]


@pytest.fixture
def read() -> Callable[..., FileReading]:
    """Read a file of `files`, or bytes, in a format."""

    def read(file: str | bytes, name: str, mapping: bytes | None = None) -> FileReading:
        return FileReading((FILES / file).read_bytes() if isinstance(file, str) else file, name, mapping)

    return read


@pytest.fixture
def read_case() -> Callable[..., FileReading]:
    """Read the case whose file name begins with a text; its folder is that of its format unless another is given."""

    def read_case(start: str, name: str, folder: str | None = None) -> FileReading:
        [path] = (CASES / (folder or ("cms" if name == "wxr" else "feeds"))).glob(f"{start}*")
        return FileReading(path.read_bytes(), name)

    return read_case


@pytest.fixture
def mapping() -> bytes:
    return (FILES / "mapping.toml").read_bytes()
