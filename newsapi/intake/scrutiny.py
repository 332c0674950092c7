"""What is wrong with a JSON text, and where.

`is_plain` tells in a few microseconds that nothing can be wrong; `scrutinised` takes its time and names the place.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

DEEPEST: Final = 32
"""How many objects and lists may stand inside each other, the outermost counted."""

_LARGEST: Final = 2**63 - 1
_SMALLEST: Final = -(2**63)
_DIGITS: Final = 19
"""How many digits the largest number of 64 bits has."""

_SAFE: Final = 10**18
"""Below this a number is what it was written as; above it is worth a second look."""
_READABLE: Final = 60
"""How much of a key or of a number a message repeats."""

_SURROGATE = re.compile("[\ud800-\udfff]")
# Escapes that hide what the quick check counts: a colon, and NUL.
_HIDDEN: Final = (b"\\u003a", b"\\u003A", b"\\u0000")
_KINDS: Final = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
# The sentences of the standard library, in words for one who wrote a file and no parser.
_SENTENCES: Final = {
    "Expecting value": "a value was expected",
    "Expecting property name enclosed in double quotes": "a key in double quotes was expected",
    "Expecting ':' delimiter": "a colon was expected",
    "Expecting ',' delimiter": "a comma was expected",
    "Extra data": "something follows the end",
    "Invalid control character at": "a control character must be escaped",
    "Unterminated string starting at": "a string is never closed that begins",
    "Unexpected UTF-8 BOM (decode using utf-8-sig)": "a byte order mark is out of place",
}


class Unreadable(Exception):
    """A line that cannot be read as a record: the place (a JSON pointer, RFC 6901) and a sentence about it."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(pointer, message)
        self.pointer = pointer
        self.message = message

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written: every key with its value, in order, also one that comes twice."""


@dataclass(frozen=True)
class _Bad:
    """In place of a number that cannot be taken: the sentence about it."""

    message: str


def is_plain(record: object, raw: bytes) -> TypeGuard[dict[str, object]]:
    """Tell whether a JSON text that was read without complaint is an object with nothing wrong in it.

    In: what was read, and the text. Every colon of a JSON text is either inside a string or behind a key. If there are
    as many as the record has keys and colons in its strings, no key has been lost, hence none came twice. False means
    no more than doubt.
    """
    if type(record) is not dict or any(escape in raw for escape in _HIDDEN):
        return False
    return _colons(record) == raw.count(b":")


def scrutinised(raw: bytes) -> dict[str, object]:
    """Read a JSON text as an object, or raise `Unreadable` for the first thing that is wrong with it."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        column = len(raw[: error.start].decode()) + 1
        raise Unreadable("", f"not UTF-8: byte 0x{raw[error.start]:02x} at column {column}") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=lambda name: _Bad(f"{name} is no JSON number"),
        )
    except RecursionError:
        raise _too_deep("") from None
    except json.JSONDecodeError as error:
        raise Unreadable("", _not_json(error)) from None
    if not isinstance(value, _Pairs):
        raise Unreadable("", f"not an object but {_kind(value)}")
    return _object(value, "", 1)


def _colons(record: dict[str, Any]) -> int | None:
    """Count the keys, and the colons in keys and strings; None if a number is in doubt or the nesting too deep."""
    count = 0
    level: list[Any] = [record]
    for _ in range(DEEPEST):
        deeper: list[Any] = []
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
                    deeper.append(item)
                # A whole number beyond 64 bits has been read as a float.
                elif item is not None and not -_SAFE < item < _SAFE:
                    return None
        if not deeper:
            return count
        level = deeper
    return None


def _object(pairs: _Pairs, pointer: str, depth: int) -> dict[str, object]:
    if depth > DEEPEST:
        raise _too_deep(pointer)
    plain: dict[str, object] = {}
    for key, value in pairs:
        place = f"{pointer}/{_step(key)}"
        _string(key, place)
        if key in plain:
            raise Unreadable(place, "the key comes twice in its object")
        plain[key] = _value(value, place, depth)
    return plain


def _value(value: Any, pointer: str, depth: int) -> object:
    if isinstance(value, _Pairs):
        return _object(value, pointer, depth + 1)
    if isinstance(value, list):
        if depth >= DEEPEST:
            raise _too_deep(pointer)
        return [_value(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, _Bad):
        raise Unreadable(pointer, value.message)
    if isinstance(value, str):
        _string(value, pointer)
    return value


def _string(text: str, pointer: str) -> None:
    if "\0" in text:
        raise Unreadable(pointer, "NUL (\\u0000) in a string")
    found = _SURROGATE.search(text)
    if found:
        raise Unreadable(pointer, f"half of a surrogate pair (\\u{ord(found[0]):04x}) in a string")


def _integer(digits: str) -> int | _Bad:
    # Counted before it is read: reading takes time that grows with the square of the length.
    if len(digits.lstrip("-")) <= _DIGITS and _SMALLEST <= int(digits) <= _LARGEST:
        return int(digits)
    return _Bad(f"{_short(digits)} does not fit into 64 bits")


def _fraction(digits: str) -> float | _Bad:
    number = float(digits)
    return _Bad(f"{_short(digits)} is out of range") if math.isinf(number) else number


def _step(key: str) -> str:
    """Write a key as a step of a JSON pointer: escaped, cut to what a person reads, and fit to be stored."""
    key = _SURROGATE.sub("\ufffd", _short(key).replace("\0", "\ufffd"))
    return key.replace("~", "~0").replace("/", "~1")


def _short(text: str) -> str:
    return text if len(text) <= _READABLE else f"{text[:_READABLE]}…"


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")


def _too_deep(pointer: str) -> Unreadable:
    return Unreadable(pointer, f"nested deeper than {DEEPEST} levels")


def _not_json(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc):
        return f"not JSON: unexpected end at column {error.pos + 1}"
    sentence = _SENTENCES.get(error.msg, f"{error.msg[:1].lower()}{error.msg[1:]}")
    return f"not JSON: {sentence} at column {error.pos + 1}"
