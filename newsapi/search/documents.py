"""What an article is found by: its terms, each with a weight, and its words in their order."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
    parts = [written_words(headline), written_words(standfirst)]
    parts.append(written_words(body)[: LONGEST - len(parts[0]) - len(parts[1])])
    known = {written: word(written, language) for written in {*chain(*parts)}}
    found: list[Counter[str]] = []
    for part in parts:
        counts: Counter[str] = Counter()
        for written, times in Counter(part).items():
            one = known[written]
            if not one.stop:
                for stem in one.stems:
                    counts[stem] += times
        found.append(counts)
    length = 1.5 * (0.4 + 0.6 * len(parts[2]) / _USUAL)
    weights: dict[int, int] = {}
    for stem in {*chain(*found)}:
        times = found[2][stem]
        missed = 1.0 - _IN_BODY * times / (times + length)
        missed *= (1.0 - _IN_HEADLINE) if stem in found[0] else 1.0
        missed *= (1.0 - _IN_STANDFIRST) if stem in found[1] else 1.0
        weight = max(1, round(FULL * (1.0 - missed)))
        weights[term(language, stem)] = weight | (HEADLINE if stem in found[0] else 0)
    places = {written: place(one.stems[0] if one.stems else written) for written, one in known.items()}
    sequence = array("H")
    for part in parts:
        sequence.extend(map(places.__getitem__, part))
        sequence.extend(_BREAK)
    return Document(
        published,
        updated,
        tuple(sorted(facets)),
        array("q", weights),
        bytes(weights.values()),
        _little_endian(sequence),
        {
            one.plain: written
            for written, one in known.items()
            if len(one.plain) in _WORDS_OF and one.plain.isalnum() and not one.plain.isdigit()
        },
    )


def _little_endian(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


@lru_cache(maxsize=1 << 17)
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


def terms_of(written: str, language: str) -> Iterator[int]:
    """Answer by which terms a word is found in a language; none for one that tells nothing there."""
    one = word(written, language)
    return iter(()) if one.stop else (term(language, stem) for stem in one.stems)


def phrase(words: Sequence[str], language: str) -> bytes:
    """Answer what a phrase is in a sequence."""
    found = array("H")
    for written in words:
        stems = word(written, language).stems
        found.append(place(stems[0] if stems else written))
    return _little_endian(found)


def holds(sequence: bytes, wanted: bytes) -> bool:
    """Tell whether a phrase stands in a sequence."""
    start = sequence.find(wanted)
    while start >= 0 and start % 2:
        start = sequence.find(wanted, start + 1)
    return start >= 0
