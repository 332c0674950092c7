"""Strict JSON parsing with located errors.

`is_valid_object` confirms in a few microseconds that a parsed text is valid; `parse_strictly` is slow and locates the
first problem.
"""

import json
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Final, TypeGuard

import orjson

from newsapi.text.characters import compose
from newsapi.text.json_types import JsonObject, JsonValue

MAX_DEPTH: Final = 32
"""Maximum nesting of objects and lists, the outermost included."""

_MAX_INTEGER: Final = 2**63 - 1
_MIN_INTEGER: Final = -(2**63)
_MAX_DIGITS: Final = 19
"""Number of digits of the largest 64-bit integer."""

_EXACT_LIMIT: Final = 10**18
"""Numbers below this are parsed exactly; larger ones are checked again."""
_MAX_QUOTED_CHARACTERS: Final = 60
"""Maximum length of a key or a number quoted in a message."""

_SURROGATE = re.compile("[\ud800-\udfff]")
# Escapes of characters that the quick check counts or excludes: a colon, and NUL.
_UNCOUNTED_ESCAPES: Final = (b"\\u003a", b"\\u003A", b"\\u0000")
_KINDS: Final = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
# The messages of the standard library's parser, rewritten for authors of import files.
_MESSAGES: Final = {
    "Expecting value": "expected a value",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Expecting ':' delimiter": "expected a colon",
    "Expecting ',' delimiter": "expected a comma",
    "Extra data": "unexpected data after the end",
    "Invalid control character at": "a control character must be escaped",
    "Unterminated string starting at": "unterminated string",
    "Unexpected UTF-8 BOM (decode using utf-8-sig)": "unexpected byte order mark",
}


class InvalidJson(Exception):
    """The text is not a valid JSON object; `pointer` (RFC 6901) locates the problem, `message` describes it."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(pointer, message)
        self.pointer = pointer
        self.message = message

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class _Pairs(list[tuple[str, object]]):
    """An object as a list of its keys and values in order, duplicate keys included."""


@dataclass(frozen=True)
class _RejectedNumber:
    """Stands for a number that is not accepted, with the message of the error."""

    message: str


def is_valid_object(record: object, raw: bytes) -> TypeGuard[dict[str, object]]:
    """Return whether a parsed JSON text is certainly a valid object.

    Every colon of a JSON text is either inside a string or after a key. If the text has as many colons as the record
    has keys and colons in strings, no key was lost, so there is no duplicate key.

    Args:
        record: The parsed value.
        raw: The text that it was parsed from.

    Returns:
        True if the text is valid; False if it may not be.
    """
    if type(record) is not dict or any(escape in raw for escape in _UNCOUNTED_ESCAPES):
        return False
    return _colons(record) == raw.count(b":")


def parse_strictly(raw: bytes) -> dict[str, object]:
    """Parse a JSON text as an object; raise InvalidJson for the first problem."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        column = len(raw[: error.start].decode()) + 1
        raise InvalidJson("", f"not UTF-8: byte 0x{raw[error.start]:02x} at column {column}") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=lambda name: _RejectedNumber(f"{name} is not a JSON number"),
        )
    except RecursionError:
        raise _too_deep("") from None
    except json.JSONDecodeError as error:
        raise InvalidJson("", _not_json(error)) from None
    if not isinstance(value, _Pairs):
        raise InvalidJson("", f"expected an object, not {_kind(value)}")
    return _object(value, "", 1)


def _colons(record: JsonObject) -> int | None:
    """Count the keys, and the colons in keys and strings; None if a number is doubtful or the nesting too deep."""
    count = 0
    level: list[JsonValue] = [record]
    for _ in range(MAX_DEPTH):
        next_level: list[JsonValue] = []
        for container in level:
            items = container
            if type(container) is dict:
                count += len(container) + "".join(container).count(":")
                items = container.values()
            for item in items:
                kind = type(item)
                if kind is str:
                    count += item.count(":")
                elif kind is dict or kind is list:
                    next_level.append(item)
                # An integer beyond 64 bits was parsed as a float.
                elif item is not None and not -_EXACT_LIMIT < item < _EXACT_LIMIT:
                    return None
        if not next_level:
            return count
        level = next_level
    return None


def _object(pairs: _Pairs, pointer: str, depth: int) -> dict[str, object]:
    if depth > MAX_DEPTH:
        raise _too_deep(pointer)
    members: dict[str, object] = {}
    for key, value in pairs:
        member_pointer = f"{pointer}/{_pointer_segment(key)}"
        _string(key, member_pointer)
        if key in members:
            raise InvalidJson(member_pointer, "duplicate key")
        members[key] = _value(value, member_pointer, depth)
    return members


def _value(value: object, pointer: str, depth: int) -> object:
    if isinstance(value, _Pairs):
        return _object(value, pointer, depth + 1)
    if isinstance(value, list):
        if depth >= MAX_DEPTH:
            raise _too_deep(pointer)
        return [_value(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, _RejectedNumber):
        raise InvalidJson(pointer, value.message)
    if isinstance(value, str):
        _string(value, pointer)
    return value


def _string(text: str, pointer: str) -> None:
    if "\0" in text:
        raise InvalidJson(pointer, "NUL (\\u0000) in a string")
    match = _SURROGATE.search(text)
    if match:
        raise InvalidJson(pointer, f"lone surrogate (\\u{ord(match[0]):04x}) in a string")


def _integer(digits: str) -> int | _RejectedNumber:
    # The length is checked before the conversion, which takes quadratic time.
    if len(digits.lstrip("-")) <= _MAX_DIGITS and _MIN_INTEGER <= int(digits) <= _MAX_INTEGER:
        return int(digits)
    return _RejectedNumber(f"{_shorten(digits)} does not fit into 64 bits")


def _fraction(digits: str) -> float | _RejectedNumber:
    number = float(digits)
    return _RejectedNumber(f"{_shorten(digits)} is out of range") if math.isinf(number) else number


def _pointer_segment(key: str) -> str:
    """Return a key as a segment of a JSON pointer: shortened, without forbidden characters, and escaped."""
    key = _SURROGATE.sub("\ufffd", _shorten(key).replace("\0", "\ufffd"))
    return key.replace("~", "~0").replace("/", "~1")


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED_CHARACTERS else f"{text[:_MAX_QUOTED_CHARACTERS]}…"


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")


def _too_deep(pointer: str) -> InvalidJson:
    return InvalidJson(pointer, f"nested deeper than {MAX_DEPTH} levels")


def _not_json(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc):
        return f"not JSON: unexpected end at column {error.pos + 1}"
    message = _MESSAGES.get(error.msg, f"{error.msg[:1].lower()}{error.msg[1:]}")
    return f"not JSON: {message} at column {error.pos + 1}"


def parse_line(raw: bytes) -> dict[str, object]:
    """Parse a line as a JSON object.

    Args:
        raw: The line without the white space around it.

    Returns:
        The object, with all strings composed (Unicode NFC).

    Raises:
        InvalidJson: The line is not JSON (NaN and Infinity are not), not an object, not UTF-8 or nested deeper than 32
            levels; a number exceeds 64 bits; a string contains NUL or a lone surrogate; or an object has a duplicate
            key, of which some parsers keep the first value and others the last. The exception has a JSON pointer.
    """
    try:
        record = orjson.loads(raw)
    except ValueError:
        record = None
    # The check takes a few microseconds; a doubtful line is parsed again, slowly, to locate the problem.
    valid_record = record if is_valid_object(record, raw) else parse_strictly(raw)
    is_plain = b"\\u" not in raw and (raw.isascii() or unicodedata.is_normalized("NFC", raw.decode()))
    return valid_record if is_plain else {name: _compose(value) for name, value in valid_record.items()}


def _compose(value: object) -> object:
    if isinstance(value, str):
        return compose(value)
    if isinstance(value, list):
        return [_compose(item) for item in value]
    if isinstance(value, dict):
        return {name: _compose(member) for name, member in value.items()}
    return value
