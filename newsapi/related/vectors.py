"""Article vectors: the terms, tags and mentions of an article in a form that can be compared and stored.

A text is a vector of logarithmic term frequencies (Salton and Buckley 1988), in which a term of the headline counts
four times and one of the standfirst twice. IDF weights are applied when two vectors are compared, once for both, so
that newer weights can rank vectors that were built before.
"""

from __future__ import annotations

import math
import struct
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from operator import mul, neg
from typing import Final, NamedTuple
from uuid import UUID

from newsapi.text.stemming import hash_name, hash_parts, term_hashes, words_by_hash
from newsapi.text.words import casefold_words, lower_words

MAX_TERMS: Final = 128
"""Terms of a text that are compared; a long text has 300, the others of which contribute 0.001 (measured)."""

MAX_INDEX_TERMS: Final = 24
"""Terms of a text that are indexed."""

MAX_INDEX_TAGS: Final = 12
"""Tags and mentions of an article that are indexed."""

SKETCH_SIZE: Final = 64
"""Shingles with the smallest hashes that represent a text (bottom-k sketch: Broder 1997)."""

SHARE_SCALE: Final = 640
"""The share of a term is stored in a byte, in units of 1/640, so 0.4 at most."""

_IN_HEADLINE, _IN_STANDFIRST = 4, 2
_SECONDS_OF_A_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleText:
    """The text of an article.

    `body` is plain text; `tags` and `mentions` are ids and names; `at` is the publication in seconds since 1970.
    """

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
        """Headline, standfirst and body as one text."""
        return " ".join(filter(None, (self.headline, self.standfirst, self.body)))


class IdfWeights:
    """IDF weights: `log(1 + N/n)` for a term that occurs in n of N texts; a term in no text has the weight of n = 1.

    Attributes:
        weight: Returns the weight of a term.
        root: Returns the square root of the weight of a term.
    """

    def __init__(self, version: int, documents: int, frequencies: Mapping[int, int]) -> None:
        """Take the version, the number of texts that were counted, and the document frequency of each term."""
        self.version = version
        self.documents = documents
        common = {term: math.log1p(documents / count) for term, count in frequencies.items() if count > 1}
        rarest = math.log1p(documents)
        self.weight: Callable[[int], float] = _Weights(common, rarest).__getitem__
        roots = {term: math.sqrt(weight) for term, weight in common.items()}
        self.root: Callable[[int], float] = _Weights(roots, math.sqrt(rarest)).__getitem__


class _Weights(dict[int, float]):
    """Weights by term, with one for all terms that have none: mapped over terms, a loop of indexing."""

    def __init__(self, weights: Mapping[int, float], default: float) -> None:
        super().__init__(weights)
        self._default = default

    def __missing__(self, term: int) -> float:
        return self._default


class ArticleVector(NamedTuple):
    """The vector of an article.

    The first `lead` of `terms` occur in headline or standfirst. `shares` has the share of each term in units of 1/640.
    `leading` is the length of the vector of the lead. `sketch` represents the `pairs` shingles of the text. `headline`
    is the hash of the headline, `day` the publication in days since 1970, `language` the hash of the language without
    region and script.
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
    language: int

    def index_keys(self) -> list[tuple[int, int]]:
        """Return the terms, tags and mentions under which the article is indexed, each with its share.

        The heaviest terms come first; tags and mentions follow the terms.
        """
        heaviest = sorted(zip(map(neg, self.shares), self.terms, strict=True))[:MAX_INDEX_TERMS]
        text_terms = [(term, -negated) for negated, term in heaviest]
        tags = [(tag, TAG_INDEX_SHARE) for tag in self.tags]
        mentions = [(mention, SHARE_OF_MENTION) for mention in self.mentions]
        return text_terms + (tags + mentions)[:MAX_INDEX_TAGS]

    def to_bytes(self) -> bytes:
        """Return the vector as bytes."""
        head = _HEAD.pack(
            len(self.terms),
            self.lead,
            len(self.tags),
            len(self.mentions),
            len(self.sketch),
            self.pairs,
            self.leading,
            self.headline,
            self.day,
            self.language,
        )
        arrays = (self.terms, self.tags, self.mentions, self.sketch)
        return head + self.shares + b"".join(values.tobytes() for values in arrays)


_HEAD = struct.Struct("<BBHHBIdIdI")
TAG_INDEX_SHARE: Final = 150
SHARE_OF_MENTION: Final = 95
"""A tag or a mention is indexed like a term of the text with this share."""


def vector_from_bytes(stored: bytes) -> ArticleVector:
    """Return the vector that `to_bytes` stored."""
    count, lead, tags, mentions, sketch, pairs_, leading, headline, day, language = _HEAD.unpack_from(stored)
    offset = _HEAD.size + count
    shares = stored[_HEAD.size : offset]
    arrays = []
    for type_code, length in (("i", count), ("i", tags), ("i", mentions), ("I", sketch)):
        arrays.append(array(type_code, stored[offset : offset + 4 * length]))
        offset += 4 * length
    return ArticleVector(
        arrays[0], shares, lead, leading, arrays[1], arrays[2], arrays[3], pairs_, headline, day, language
    )


def document_terms(text: ArticleText) -> set[int]:
    """Return the distinct terms, tags and mentions of an article."""
    terms = term_hashes(text.whole, text.language)
    return {*terms} | {_hash_id(id_) for id_, _ in (*text.tags, *text.mentions)}


def build_vector(text: ArticleText, weights: IdfWeights) -> ArticleVector:
    """Build the vector of an article; the weights select its most significant terms."""
    words = [lower_words(part) for part in (text.headline, text.standfirst, text.body)]
    (headline, standfirst, body), shingles = hash_parts(words, text.language)
    counts = Counter(chain(body, headline * _IN_HEADLINE, standfirst * _IN_STANDFIRST))
    frequencies = map(_LOG_FREQUENCIES.__getitem__, counts.values())
    values = [*map(mul, frequencies, map(weights.root, counts))]
    scale = SHARE_SCALE / (math.hypot(*values) or 1.0)
    # A share depends only on the number of occurrences, of which a text has few different ones.
    shares = {count: min(255, int(scale * _LOG_FREQUENCIES[count] + 0.5)) for count in {*counts.values()}}
    lead = {*headline, *standfirst}
    kept = _heaviest(counts, values)
    kept_lead = kept & lead
    ordered = sorted(kept_lead) + sorted(kept - lead)
    return ArticleVector(
        terms=array("i", ordered),
        shares=bytes(map(shares.__getitem__, map(counts.__getitem__, ordered))),
        lead=len(kept_lead),
        leading=math.sqrt(sum(map(weights.weight, lead))) or 1.0,
        tags=_hash_ids(text.tags),
        mentions=_hash_ids(text.mentions),
        sketch=array("I", shingles[:SKETCH_SIZE]),
        pairs=len(shingles),
        headline=headline_hash(text.headline),
        day=text.at / _SECONDS_OF_A_DAY,
        language=language_hash(text.language),
    )


def _heaviest(terms: Collection[int], values: Sequence[float]) -> set[int]:
    """Return the MAX_TERMS terms with the highest values; of equal ones, those with the lowest numbers."""
    if len(terms) <= MAX_TERMS:
        return {*terms}
    least = sorted(values)[-MAX_TERMS]
    heavier = {*compress(terms, map(least.__lt__, values))}
    equal = sorted(compress(terms, map(least.__eq__, values)))
    return heavier.union(equal[: MAX_TERMS - len(heavier)])


class _LogFrequencies(dict[int, float]):
    """Logarithmic frequencies by number of occurrences: mapped over numbers, a loop of indexing."""

    def __missing__(self, count: int) -> float:
        value = self[count] = 1.0 + math.log(count)
        return value


_LOG_FREQUENCIES: Final = _LogFrequencies()


EMPTY_HEADLINE_HASH: Final = 0
"""The hash of a headline without words."""


def headline_hash(headline: str) -> int:
    """Return a hash of the words of a headline that ignores case and punctuation."""
    return zlib.crc32(" ".join(casefold_words(headline)).encode())


def language_hash(language: str) -> int:
    """Return a hash of a language, which is the same for all regions and scripts: `en` and `en-GB`."""
    return zlib.crc32(language.partition("-")[0].lower().encode())


def _hash_ids(names_by_id: Iterable[tuple[UUID, str]]) -> array[int]:
    return array("i", dict.fromkeys(_hash_id(id_) for id_, _ in names_by_id))


def _hash_id(id_: UUID) -> int:
    return hash_name(str(id_))


def term_labels(text: ArticleText) -> dict[int, str]:
    """Return the readable form of each term, tag and mention: the first spelling in the text, or the name."""
    labels = words_by_hash(text.whole, text.language)
    for id_, name in (*text.tags, *text.mentions):
        labels[_hash_id(id_)] = name
    return labels
