"""Words of plain text: where they begin and end, and the joined form of words with a hyphen or a full stop inside.

A soft hyphen, a zero-width space or joiner and an accent of its own belong to the word that they are in. A dotted
capital I, which Turkish has, becomes a plain i in lower case.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from newsapi.text.characters import INVISIBLE_CHARACTERS, strip_invisible

MAX_JOINED_LENGTH: Final = 24
"""Characters of a joined word; a longer one is no name of a model."""

_MARKS: Final = "".join(map(chr, (code for code in range(0x300, 0xFE30) if unicodedata.category(chr(code))[0] == "M")))
_LETTER: Final = rf"[\w{_MARKS}]"
_WORD = re.compile(f"{_LETTER}++")
_SPELLED_WORD = re.compile(rf"\w[\w{_MARKS}{INVISIBLE_CHARACTERS}]*+")
_JOINED = re.compile(
    rf"(?<![-.\u2010\u2011\w{_MARKS}]){_LETTER}++(?:[-.\u2010\u2011]{_LETTER}++){{1,3}}+(?![-.\u2010\u2011]?{_LETTER})"
)
_JOINERS = re.compile("[-.\u2010\u2011]")
_NUMBERED = re.compile(rf"(?<![\w{_MARKS}])([^\W\d_]{{1,5}})[ \xa0]([0-9]{{1,3}})(?![\w{_MARKS}]|[-.,:][0-9])")


class WordSpan(NamedTuple):
    """A word in lower case, and where it is in the text."""

    word: str
    start: int
    end: int


def lower_words(text: str) -> list[str]:
    """Return the words of a plain text in lower case and in their order."""
    return _WORD.findall(_lower(strip_invisible(text)))


def casefold_words(text: str) -> list[str]:
    """Return the words of a plain text with their case folded, in their order."""
    return _WORD.findall(strip_invisible(text).replace("İ", "i").casefold())


def written_words(text: str) -> list[str]:
    """Return the words of a plain text in the case in which they are written, in their order."""
    return _WORD.findall(strip_invisible(text))


def word_spans(text: str) -> Iterator[WordSpan]:
    """Yield the words of a plain text, in lower case and without invisible characters."""
    for match in _SPELLED_WORD.finditer(_lower_in_place(text)):
        yield WordSpan(strip_invisible(match[0]), match.start(), match.end())


def joined_spans(text: str) -> Iterator[WordSpan]:
    """Yield the joined form of each word with hyphens or full stops inside: mx5 for MX-5, id3 for ID.3."""
    for match in _JOINED.finditer(_lower_in_place(text)):
        word = _JOINERS.sub("", match[0])
        if len(word) <= MAX_JOINED_LENGTH:
            yield WordSpan(word, match.start(), match.end())


def numbered_spans(text: str) -> Iterator[tuple[str, WordSpan]]:
    """Yield short words that a number of up to three digits follows, with the joined form of both: mx5 for MX 5."""
    for match in _NUMBERED.finditer(_lower_in_place(text)):
        yield match[1], WordSpan(match[1] + match[2], match.start(), match.end())


def _lower(text: str) -> str:
    return text.replace("İ", "i").lower() if "İ" in text else text.lower()


def _lower_in_place(text: str) -> str:
    """Return a text in lower case with every character in its place."""
    lowered = _lower(text)
    if len(lowered) == len(text):
        return lowered
    return "".join(lower if len(lower := _lower(letter)) == 1 else letter for letter in text)
