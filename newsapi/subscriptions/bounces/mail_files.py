"""Reads messages from files: single messages, mbox files, and directories such as a Maildir."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MBOX_SEPARATOR: Final = re.compile(rb"(?:\A|\r?\n\r?\n)(?=From [^\r\n]+\d{4}\r?\n)")
"""The blank line in front of a line such as `From MAILER-DAEMON Sun Nov 29 06:00:00 2026` (RFC 4155)."""


def split_messages(content: bytes) -> list[bytes]:
    """Return the messages of an mbox file, without their separators; content of another form is one message."""
    if not content.startswith(b"From "):
        return [content]
    messages = (chunk.partition(b"\n")[2] for chunk in _MBOX_SEPARATOR.split(content) if chunk.strip())
    return [re.sub(rb"(?m)^>(>*From )", rb"\1", message) for message in messages]


def read_messages(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read the messages of a file or directory.

    Args:
        path: A message, an mbox file, or a directory whose files are read with those of its subdirectories.

    Yields:
        The place of each message, for reports, and its bytes.
    """
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    for file in files:
        yield from number_messages(str(file), file.read_bytes())


def number_messages(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the messages of a file with their places; messages of an mbox file are numbered."""
    messages = split_messages(content)
    for number, message in enumerate(messages, 1):
        yield (name if len(messages) == 1 else f"{name}, message {number}"), message
