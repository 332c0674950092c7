"""What an article is found by: its terms, each with a weight, and its words in their order."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple

from newsapi.text.terms import word, written_words

LONGEST: Final = 20_000
"""Words of a text that are searched."""

HEADLINE: Final = 0x80
"""The bit of a weight that says that a term stands in the headline."""

FULL: Final = 127
"""The greatest weight, without that bit."""

_IN_HEADLINE, _IN_STANDFIRST, _IN_BODY = 0.7, 0.5, 0.4
_USUAL = 300
_BREAK = bytes(2)
_REMEMBERED = 1 << 17
_WORDS_OF = range(3, 41)
"""The lengths of words that are noted as words: others are not worth completing, or are none."""


class Document(NamedTuple):
    """An article as it is indexed.

    `published` and `updated` are microseconds since 1970. `facets` are the sets it belongs to. `weights` has a byte for
    each of `terms`. `sequence` has 16 bits for each word, in the order of the text, 0 between its parts. `words` are
    those that stand in it, in small letters.
    """

    published: int
    updated: int
    facets: tuple[int, ...]
    terms: array[int]
    weights: bytes
    sequence: bytes
    words: frozenset[str]
    language: str

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
    return Document(
        head[0], head[1], tuple(array("q", stored[24:end])), terms, stored[end + 8 * count :], b"", frozenset(), ""
    )


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
    head, stand = written_words(headline), written_words(standfirst)
    parts = [head, stand, written_words(body)[: LONGEST - len(head) - len(stand)]]
    read = [[*map(known.__getitem__, part)] for part in parts]
    in_head, in_stand, in_body = each = [Counter[Any](map(_TERM, part)) for part in read]
    for counted in each:
        counted.pop(None, None)  # words that tell nothing
    length = 1.5 * (0.4 + 0.6 * len(parts[2]) / _USUAL)
    missed = {number: 1.0 - _IN_BODY * times / (times + length) for number, times in in_body.items()}
    for counted, share in ((in_stand, _IN_STANDFIRST), (in_head, _IN_HEADLINE)):
        for number in counted:
            missed[number] = missed.get(number, 1.0) * (1.0 - share)
    weights = {number: int(FULL * (1.0 - share) + 0.5) or 1 for number, share in missed.items()}
    for number in in_head:
        weights[number] |= HEADLINE
    sequence = array("H")
    for part in read:
        sequence.extend([*map(_PLACE, part), 0])
    return Document(
        published,
        updated,
        tuple(sorted(facets)),
        array("q", weights),
        bytes(weights.values()),
        _little_endian(sequence),
        frozenset(chain(*parts)),
        language,
    )


class _Known(NamedTuple):
    """What a word is in the index: its term, None if it tells nothing; its place; how it is noted, "" if it is not."""

    term: int | None
    place: int
    noted: str


_TERM: Final = itemgetter(0)
_PLACE: Final = itemgetter(1)


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
        found = self[written] = _Known(number, place(one.stem or written), one.plain if noted else "")
        return found


@lru_cache(maxsize=64)
def _lexicon(language: str) -> _Lexicon:
    return _Lexicon(language)


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
    return _lexicon(language.partition("-")[0].lower())[written].term


def noted(written: str, language: str) -> str:
    """Answer a word in small letters as it is noted, without its accents; "" for what is not worth it."""
    return _lexicon(language.partition("-")[0].lower())[written].noted


def bearing(text: str, wanted: Collection[int], language: str) -> set[str]:
    """Answer the words of a text, in small letters, that are found by one of these terms."""
    known = _lexicon(language.partition("-")[0].lower())
    return {written for written in {*written_words(text)} if known[written].term in wanted}


def phrase(words: Sequence[str], language: str) -> bytes:
    """Answer what a phrase is in a sequence."""
    known = _lexicon(language.partition("-")[0].lower())
    return _little_endian(array("H", [known[written].place for written in words]))


def holds(sequence: bytes, wanted: bytes) -> bool:
    """Tell whether a phrase stands in a sequence."""
    return _find(sequence, wanted, 0) >= 0


def without_body(sequence: bytes) -> bytes:
    """Answer the headline and the standfirst of a sequence."""
    return sequence[: _find(sequence, _BREAK, _find(sequence, _BREAK, 0) + 2)]


def _find(sequence: bytes, wanted: bytes, start: int) -> int:
    start = sequence.find(wanted, start)
    while start >= 0 and start % 2:
        start = sequence.find(wanted, start + 1)
    return start
