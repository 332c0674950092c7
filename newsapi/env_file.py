"""The file `.env`, which holds environment variables as lines NAME=VALUE."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

logging.getLogger("dotenv").setLevel(logging.ERROR)  # it warns of lines that belong to other programs


def read_env_file(path: Path, prefix: str) -> Mapping[str, str | None]:
    """Return the variables of a `.env` file.

    Args:
        path: The file. If it does not exist or is a folder, such as a virtual environment, it holds no variables.
        prefix: Lines that contain this text must be valid; other invalid lines belong to other programs.

    Returns:
        Values by name; variables of the environment in values (`${NAME}`) are replaced.

    Raises:
        ValueError: The file cannot be read, is not text in UTF-8, or has an invalid line; the message continues a
            sentence that begins with the name of the file.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"is not text in UTF-8 (line {line})") from error
    before, nul, _ = text.partition("\0")
    if nul:
        line = before.count("\n") + 1
        raise ValueError(f"contains a NUL character (line {line})")
    for binding in parse_stream(StringIO(text)):
        is_valid = not binding.error and (binding.key is None or binding.value is not None)
        string = binding.original.string
        if not is_valid and prefix in string:
            line = binding.original.line + string[: len(string) - len(string.lstrip())].count("\n")
            raise ValueError(f"has a line that is not NAME=VALUE (line {line})")
    return dotenv_values(stream=StringIO(text))
