"""Words of plain text: where they begin and end, and the joined form of words with a hyphen or a full stop inside.

A soft hyphen, a zero-width space or joiner and an accent of its own belong to the word that they are in. A dotted
capital I, which Turkish has, becomes a plain i in lower case.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from newsapi.text.characters import INVISIBLE_CHARACTERS, strip_invisible
from newsapi.text.folding import fold

MAX_JOINED_LENGTH: Final = 24
"""Characters of a joined word; a longer one is no name of a model."""


def _character_ranges(codes: Iterable[int]) -> str:
    """Return ascending code points as ranges of a character class, which compile faster than single characters."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], code]
        else:
            runs.append([code])
    return "".join("-".join(map(chr, run)) for run in runs)


_MARKS: Final = _character_ranges(code for code in range(0x300, 0xFE30) if unicodedata.category(chr(code))[0] == "M")
_LETTER: Final = rf"[\w{_MARKS}]"
_WORD = re.compile(f"{_LETTER}++")
_SPELLED_WORD = re.compile(rf"\w[\w{_MARKS}{INVISIBLE_CHARACTERS}]*+")
_JOINED = re.compile(
    rf"(?<![-.\u2010\u2011\w{_MARKS}]){_LETTER}++(?:[-.\u2010\u2011]{_LETTER}++){{1,3}}+(?![-.\u2010\u2011]?{_LETTER})"
)
_JOINERS = re.compile("[-.\u2010\u2011]")
_JOINED_HINT = re.compile(rf"[-.\u2010\u2011]{_LETTER}")
_NUMBERED_HINT = re.compile("[ \xa0][0-9]")
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


@lru_cache(maxsize=512)
def compile_words(letters: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern for the words of a plain text that begin with one of these letters.

    It matches in a text after a space, and reads it several times faster than `word_spans`. The first group of a match
    is the word as it is written.

    Args:
        letters: Folded letters; words match whatever the case and the accents of their first letter. Without any, all
            words match.
    """
    first = f"[{''.join(map(re.escape, _spellings(letters)))}]" if letters else r"\w"
    inside = rf"\w{_MARKS}{INVISIBLE_CHARACTERS}"
    return re.compile(rf"[^{inside}][{_MARKS}{INVISIBLE_CHARACTERS}]*({first}[{inside}]*+)")


def lower_word(written: str) -> str:
    """Return a word in lower case and without invisible characters."""
    return _lower(strip_invisible(written))


def _spellings(letters: Collection[str]) -> Iterator[str]:
    """Yield the characters that are folded to one of these letters."""
    for letter in letters:
        yield from _folded_letters().get(letter, "")
        yield from {letter, letter.upper()[:1]}


@lru_cache(maxsize=1)
def _folded_letters() -> dict[str, str]:
    """Return the characters of scripts with case or accents by the letter to which they are folded."""
    spellings: dict[str, str] = {}
    for code in (*range(0x80, 0x2200), *range(0xFB00, 0x10000)):
        first = fold(chr(code))[:1]
        if first:
            spellings[first] = spellings.get(first, "") + chr(code)
    return spellings


def joined_spans(text: str) -> Iterator[WordSpan]:
    """Yield the joined form of each word with hyphens or full stops inside: mx5 for MX-5, id3 for ID.3."""
    if not _JOINED_HINT.search(text):  # several times faster than the search for words
        return
    for match in _JOINED.finditer(_lower_in_place(text)):
        word = _JOINERS.sub("", match[0])
        if len(word) <= MAX_JOINED_LENGTH:
            yield WordSpan(word, match.start(), match.end())


def numbered_spans(text: str) -> Iterator[tuple[str, WordSpan]]:
    """Yield short words that a number of up to three digits follows, with the joined form of both: mx5 for MX 5."""
    if not _NUMBERED_HINT.search(text):
        return
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
