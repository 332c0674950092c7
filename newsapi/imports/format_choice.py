"""The choice of an import format: what a request or a command names, checked against the first bytes of the file."""

from __future__ import annotations

from newsapi.errors import NewsError
from newsapi.imports.readers.recognition import recognize_file
from newsapi.imports.registry import DEFAULT_FORMAT, FORMATS_BY_NAME


class FormatRefused(NewsError):
    """A file that has another format than the one that was named, or no import format."""


def choose_format(head: bytes, requested: str | None) -> str:
    """Return the name of the format of a file.

    Args:
        head: The first bytes of the file, `HEAD_BYTES` or all.
        requested: The name of a format; None to recognize it.

    Returns:
        The name of the format.

    Raises:
        FormatRefused: The file has another format than the requested one, or no import format.
    """
    recognized = recognize_file(head)
    if requested is None:
        if recognized.format_name is None:
            raise FormatRefused(f"the file seems to be {recognized.description}, which is no import format")
        return recognized.format_name
    if recognized.format_name not in {requested, None}:
        name = recognized.format_name
        raise FormatRefused(f"the file seems to be {recognized.description}: its format is {name}, not {requested}")
    # Lines that are no records are rejected one by one; a file that is no XML of the format has none.
    if recognized.format_name is None and requested != DEFAULT_FORMAT.name:
        raise FormatRefused(f"the file seems to be {recognized.description}, not {FORMATS_BY_NAME[requested].title}")
    return requested


def describe_empty(head: bytes) -> str:
    """Return the message for a file in which nothing was found."""
    return f"nothing was found to import: the file seems to be {recognize_file(head).description}"
