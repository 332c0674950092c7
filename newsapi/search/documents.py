"""What an article is found by: its terms, each with a weight, and its words in their order."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Final, NamedTuple

from newsapi.text.terms import word, written_words

LONGEST: Final = 20_000
"""Words of a text that are searched."""

HEADLINE: Final = 0x80
"""The bit of a weight that says that a term stands in the headline."""

FULL: Final = 127
"""The greatest weight, without that bit."""

_IN_HEADLINE, _IN_STANDFIRST, _IN_BODY = 0.7, 0.5, 0.4
_USUAL = 300
_BREAK = array("H", [0])
_NOTHING = _BREAK.tobytes()
_REMEMBERED = 1 << 17
_WORDS_OF = range(3, 41)
"""The lengths of words that are noted as words: others are not worth completing, or are none."""


class Document(NamedTuple):
    """An article as it is indexed.

    `published` and `updated` are microseconds since 1970. `facets` are the sets it belongs to. `weights` has a byte for
    each of `terms`. `sequence` has 16 bits for each word, in the order of the text, 0 between its parts.
    """

    published: int
    updated: int
    facets: tuple[int, ...]
    terms: array[int]
    weights: bytes
    sequence: bytes
    words: dict[str, str]

    def packed(self) -> bytes:
        """Answer it as bytes, without sequence and words."""
        head = array("q", (self.published, self.updated, len(self.facets), *self.facets))
        return head.tobytes() + self.terms.tobytes() + self.weights


def unpacked(stored: bytes) -> Document:
    """Answer the document that was packed."""
    head = array("q", stored[:24])
    end = 24 + 8 * head[2]
    count = (len(stored) - end) // 9
    terms = array("q", stored[end : end + 8 * count])
    return Document(head[0], head[1], tuple(array("q", stored[24:end])), terms, stored[end + 8 * count :], b"", {})


def describe(
    headline: str,
    standfirst: str,
    body: str,
    language: str,
    *,
    published: int,
    updated: int,
    facets: Iterable[int],
) -> Document:
    """Answer an article as it is indexed; `body` is plain text.

    A term weighs by where it stands, headline over standfirst over body, and there by how often.
    """
    known = _lexicon(language.partition("-")[0].lower())
    parts = [written_words(headline), written_words(standfirst)]
    parts.append(written_words(body)[: LONGEST - len(parts[0]) - len(parts[1])])
    length = 1.5 * (0.4 + 0.6 * len(parts[2]) / _USUAL)
    missed = {number: 1.0 - _IN_BODY * times / (times + length) for number, times in _counted(parts[2], known).items()}
    for part, share in ((parts[1], _IN_STANDFIRST), (parts[0], _IN_HEADLINE)):
        for number in _counted(part, known):
            missed[number] = missed.get(number, 1.0) * (1.0 - share)
    weights = {number: int(FULL * (1.0 - share) + 0.5) or 1 for number, share in missed.items()}
    for number in _counted(parts[0], known):
        weights[number] |= HEADLINE
    sequence = array("H")
    for part in parts:
        sequence.extend([known[written][_PLACE] for written in part])
        sequence.extend(_BREAK)
    words = {known[written][_PLAIN]: written for written in {*chain(*parts)}}
    words.pop("", None)
    return Document(
        published,
        updated,
        tuple(sorted(facets)),
        array("q", weights),
        bytes(weights.values()),
        _little_endian(sequence),
        words,
    )


_Known = tuple[int | None, int, str]
"""What a word is in the index: its term, None if it tells nothing; its place; and how it is noted, "" if it is not."""

_TERM: Final = 0
_PLACE: Final = 1
_PLAIN: Final = 2


class _Lexicon(dict[str, _Known]):
    """The words of a language, read once: most words of a text were in one shortly before."""

    def __init__(self, language: str) -> None:
        """Take the first subtag of the language, in small letters."""
        super().__init__()
        self._language = language

    def __missing__(self, written: str) -> _Known:
        if len(self) >= _REMEMBERED:
            self.clear()
        one = word(written, self._language)
        noted = len(one.plain) in _WORDS_OF and one.plain.isalnum() and not one.plain.isdigit()
        number = None if one.stop or not one.stem else term(self._language, one.stem)
        found = self[written] = (number, place(one.stem or written), one.plain if noted else "")
        return found


@lru_cache(maxsize=64)
def _lexicon(language: str) -> _Lexicon:
    return _Lexicon(language)


def _counted(part: Sequence[str], known: Mapping[str, _Known]) -> dict[int, int]:
    """How often each term stands in a part of a text."""
    counts: dict[int, int] = {}
    for written, times in Counter(part).items():
        number = known[written][_TERM]
        if number is not None:
            counts[number] = counts.get(number, 0) + times
    return counts


def _little_endian(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def term(language: str, stem: str) -> int:
    """Answer the number, above 0, that stands for a stem of a language: 62 bits of a hash.

    With so many bits no two words of all archives together share one.
    """
    name = f"{language.partition('-')[0].lower()}:{stem}"
    return (int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) >> 2) + 1


def facet(id_: int) -> int:
    """Answer the number, below 0, that stands for a facet."""
    return -id_


def place(stem: str) -> int:
    """Answer the 16 bits that stand for a word in a sequence: never 0."""
    return zlib.crc32(stem.encode()) % 0xFFFF + 1


def term_of(written: str, language: str) -> int | None:
    """Answer the term by which a word in small letters is found in a language; None for one that tells nothing."""
    return _lexicon(language.partition("-")[0].lower())[written][_TERM]


def bearing(text: str, wanted: Collection[int], language: str) -> set[str]:
    """Answer the words of a text, in small letters, that are found by one of these terms."""
    known = _lexicon(language.partition("-")[0].lower())
    return {written for written in {*written_words(text)} if known[written][_TERM] in wanted}


def phrase(words: Sequence[str], language: str) -> bytes:
    """Answer what a phrase is in a sequence."""
    known = _lexicon(language.partition("-")[0].lower())
    return _little_endian(array("H", [known[written][_PLACE] for written in words]))


def holds(sequence: bytes, wanted: bytes) -> bool:
    """Tell whether a phrase stands in a sequence."""
    return _find(sequence, wanted, 0) >= 0


def without_body(sequence: bytes) -> bytes:
    """Answer the headline and the standfirst of a sequence."""
    return sequence[: _find(sequence, _NOTHING, _find(sequence, _NOTHING, 0) + 2)]


def _find(sequence: bytes, wanted: bytes, start: int) -> int:
    start = sequence.find(wanted, start)
    while start >= 0 and start % 2:
        start = sequence.find(wanted, start + 1)
    return start
