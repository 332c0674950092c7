"""What an article is about, as numbers: its profile.

A text is a vector of its terms (Salton and Buckley 1988): how often a term stands there, damped, the headline counting
four times and the standfirst twice. How rare terms are is laid on when two are compared, once for both, so that weights
counted later rank what was described before.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from newsapi.text.terms import number_of, pairs, terms, words

TERMS: Final = 128
"""Terms of a text that are compared; of the 300 of a long one the others tell almost nothing (measured: 0.001)."""

KEYS: Final = 24
"""Terms of a text by which it is found."""

MARKS: Final = 12
"""Tags and mentions by which it is found."""

SKETCH: Final = 64
"""Pairs of words, those with the smallest hashes, that stand for all of a text (bottom-k sketch: Broder 1997)."""

SCALE: Final = 640
"""Shares of a term are kept in a byte: 1/640 each, 0.4 at most."""

_IN_HEADLINE, _IN_STANDFIRST = 4, 2
_SECONDS_OF_A_DAY: Final = 86_400.0
_WORD = re.compile(r"\w++")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An article as a reader has it. `body` is plain text; tags and mentions are ids and names; `at` is in seconds."""

    id: UUID
    headline: str
    standfirst: str
    body: str
    language: str
    tags: Sequence[tuple[UUID, str]] = ()
    mentions: Sequence[tuple[UUID, str]] = ()
    at: float = 0.0

    @property
    def whole(self) -> str:
        """All of it, from the headline down."""
        return " ".join(filter(None, (self.headline, self.standfirst, self.body)))


class Weights:
    """How rare terms are: `log(1 + N/n)` for a term that stands in n of N texts; what is in none counts as in one."""

    def __init__(self, version: int, documents: int, found: Mapping[int, int]) -> None:
        """Take the number of this count, how many texts were counted, and in how many of them a term stands."""
        self.version = version
        self.documents = documents
        self._rarest = math.log1p(documents)
        self._common = {number: math.log1p(documents / count) for number, count in found.items() if count > 1}

    def of(self, number: int) -> float:
        """Answer the weight of a term."""
        return self._common.get(number, self._rarest)


class Profile(NamedTuple):
    """What is kept of an article to compare it.

    `terms` begin with the first `lead` ones, which stand in headline or standfirst; `shares` (bytes of 1/640) are their
    part in the whole. `leading` is the length of the vector of the lead. `sketch` stands for `pairs` pairs of words.
    """

    terms: array[int]
    shares: bytes
    lead: int
    leading: float
    tags: array[int]
    mentions: array[int]
    sketch: array[int]
    pairs: int
    headline: int
    day: float

    def found_by(self) -> list[tuple[int, int]]:
        """Answer by which terms, tags and mentions it is found, each with its share."""
        order = sorted(range(len(self.terms)), key=lambda place: (-self.shares[place], self.terms[place]))
        marks = [(tag, SHARE_OF_TAG) for tag in self.tags] + [(named, SHARE_OF_MENTION) for named in self.mentions]
        return [*((self.terms[place], self.shares[place]) for place in order[:KEYS]), *marks[:MARKS]]

    def packed(self) -> bytes:
        """Answer it as bytes, little endian."""
        head = _HEAD.pack(
            *(len(self.terms), self.lead, len(self.tags), len(self.mentions), len(self.sketch)),
            *(self.pairs, self.leading, self.headline, self.day),
        )
        arrays = (self.terms, self.tags, self.mentions, self.sketch)
        return b"".join((head, self.shares, *(each.tobytes() for each in arrays)))


_HEAD = struct.Struct("<BBHHBIdId")
SHARE_OF_TAG: Final = 150
SHARE_OF_MENTION: Final = 95
"""What finding by a tag or a mention counts, as if it were a term of the text with this share."""


def unpacked(stored: bytes) -> Profile:
    """Answer the profile that was packed."""
    count, lead, tags, mentions, sketch, pairs_, leading, headline, day = _HEAD.unpack_from(stored)
    place = _HEAD.size + count
    shares = stored[_HEAD.size : place]
    arrays = []
    for kind, length in (("i", count), ("i", tags), ("i", mentions), ("I", sketch)):
        arrays.append(array(kind, stored[place : place + 4 * length]))
        place += 4 * length
    return Profile(arrays[0], shares, lead, leading, arrays[1], arrays[2], arrays[3], pairs_, headline, day)


def vocabulary(text: Text) -> set[int]:
    """Answer every term, tag and mention of an article once, for those who count them."""
    return {*terms(text.whole, text.language)} | {_mark(id_) for id_, _ in (*text.tags, *text.mentions)}


def describe(text: Text, weights: Weights) -> Profile:
    """Answer the profile of an article."""
    headline, standfirst, counts = (
        Counter(terms(part, text.language)) for part in (text.headline, text.standfirst, text.body)
    )
    for part, times in ((headline, _IN_HEADLINE), (standfirst, _IN_STANDFIRST)):
        for number, count in part.items():
            counts[number] += times * count
    log, weight = math.log, weights.of
    damped = {number: 1.0 + log(count) for number, count in counts.items()}
    value = {number: -share * math.sqrt(weight(number)) for number, share in damped.items()}
    length = math.hypot(*value.values()) or 1.0
    lead = {*headline, *standfirst}
    kept = [number for _, number in sorted(zip(value.values(), value, strict=True))[:TERMS]]
    ordered = sorted(lead.intersection(kept)) + sorted({*kept} - lead)
    sketch = pairs(text.whole)
    return Profile(
        terms=array("i", ordered),
        shares=bytes(min(255, round(SCALE * damped[number] / length)) for number in ordered),
        lead=len(lead.intersection(kept)),
        leading=math.sqrt(sum(map(weight, lead))) or 1.0,
        tags=_marks(text.tags),
        mentions=_marks(text.mentions),
        sketch=array("I", sketch[:SKETCH]),
        pairs=len(sketch),
        headline=headline_of(text.headline),
        day=text.at / _SECONDS_OF_A_DAY,
    )


NO_HEADLINE: Final = 0
"""The number of a headline without words."""


def headline_of(headline: str) -> int:
    """Answer a number that headlines of the same words have in common, whatever stands between the words."""
    return zlib.crc32(" ".join(_WORD.findall(headline.casefold())).encode())


def _marks(named: Iterable[tuple[UUID, str]]) -> array[int]:
    return array("i", dict.fromkeys(_mark(id_) for id_, _ in named))


def _mark(id_: UUID) -> int:
    return number_of(str(id_))


def names(text: Text) -> dict[int, str]:
    """Answer the words of an article by the numbers that stand for them, as they are first written."""
    found = words(text.whole, text.language)
    for id_, name in (*text.tags, *text.mentions):
        found[_mark(id_)] = name
    return found
