"""Stemming: words reduced so that accents, case, elision and inflection do not matter, and hashed to 32 bits.

Stems are those of Snowball (https://snowballstem.org), computed by PyStemmer. A word is represented by a 32-bit hash of
its stem, so that an index needs no vocabulary and is the same on every machine. Among a million words some collide,
which has no visible effect on scores that are sums over hundreds of words.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from typing import Final, NamedTuple

import Stemmer

from newsapi.text.folding import fold
from newsapi.text.stopwords import STOPWORDS
from newsapi.text.words import lower_words, written_words

_ALGORITHMS: Final = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "tr": "turkish",
}
_MAX_WORD_LENGTH: Final = 60
_MAX_CACHED_WORDS: Final = 1 << 17
_OFFSET: Final = 1 << 31


def term_hashes(text: str, language: str) -> list[int]:
    """Return the hashes of the words of a plain text, stop words left out.

    "dell'auto" yields the hash of "auto", and "città" that of "citta". Equal words of different languages have
    different hashes.

    Args:
        text: Plain text.
        language: A BCP 47 tag, whose first subtag selects the stemmer and the stop words. Where there is no stemmer,
            words are only folded.

    Returns:
        Signed 32-bit integers in the order of the words, with repetitions.
    """
    hashes = [word.hash for word in map(_words_of_language(_main_language(language)).__getitem__, lower_words(text))]
    return [word_hash for word_hash in hashes if word_hash is not None]


def words_by_hash(text: str, language: str) -> dict[int, str]:
    """Return the word behind each hash of `term_hashes`, in the spelling of its first occurrence."""
    hashed_words = _words_of_language(_main_language(language))
    spellings: dict[int, str] = {}
    for word in written_words(text):
        word_hash = hashed_words[word.replace("İ", "i").lower()].hash
        if word_hash is not None:
            spellings.setdefault(word_hash, word)
    return spellings


class AnalyzedWord(NamedTuple):
    """A word as search uses it: without accents (`plain`), and the stem of that.

    `stop` says whether it is a stop word of its language.
    """

    stem: str
    plain: str
    stop: bool


def analyze_word(lowered: str, language: str) -> AnalyzedWord:
    """Return the analysis of a word in lower case. The language is the first subtag of a BCP 47 tag, in lower case."""
    plain = fold(lowered[:_MAX_WORD_LENGTH])
    return AnalyzedWord(_stem(language, plain), plain, plain in _plain_stopwords(language))


@lru_cache(maxsize=64)
def _plain_stopwords(language: str) -> frozenset[str]:
    return frozenset(map(fold, STOPWORDS.get(language, ())))


def hash_name(name: str) -> int:
    """Return the hash of a name, such as an id, in the value range of `term_hashes`."""
    return zlib.crc32(name.encode()) - _OFFSET


def shingle_hashes(text: str) -> list[int]:
    """Return the hashes of the pairs of neighbouring words of a text (w-shingling, w = 2: Broder 1997).

    Texts that share half of their hashes or more are near-duplicates.

    Args:
        text: Plain text; case is ignored.

    Returns:
        Unsigned 32-bit integers, distinct and in ascending order.
    """
    return sorted(
        {zlib.crc32(f"{one} {next_}".encode()) for one, next_ in pairwise(map(str.casefold, lower_words(text)))}
    )


def hash_parts(parts: Sequence[Sequence[str]], language: str) -> tuple[list[list[int]], list[int]]:
    """Hash the words of a text and their pairs, with one look-up for each word.

    Args:
        parts: The words of the parts of the text, in lower case.
        language: A BCP 47 tag.

    Returns:
        The hashes of the words of each part, as those of `term_hashes`, and those of the pairs of neighbouring words of
        all parts together, as those of `shingle_hashes`.
    """
    words = [*chain(*parts)]
    if not words:
        return [[] for _ in parts], []
    hashed_words = map(_words_of_language(_main_language(language)).__getitem__, words)
    hashes, first_sums, second_parts = zip(*hashed_words, strict=True)
    ends = [*accumulate(map(len, parts))]
    by_part = [
        [word_hash for word_hash in hashes[end - len(part) : end] if word_hash is not None]
        for part, end in zip(parts, ends, strict=True)
    ]
    # The hash of a pair is the CRC of both words with a space between them: that of the first word, continued.
    return by_part, sorted({*map(zlib.crc32, second_parts[1:], first_sums)})


class _HashedWord(NamedTuple):
    """What texts are hashed with: the hash of a word, None if it is left out, and its CRC and bytes in pairs."""

    hash: int | None
    first_sum: int
    second_part: bytes


class _HashedWords(dict[str, _HashedWord]):
    """Words in lower case of one language. Most words of a text have occurred in another one shortly before."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __missing__(self, word: str) -> _HashedWord:
        if len(self) >= _MAX_CACHED_WORDS:
            self.clear()
        folded = word.casefold()
        hashed = _HashedWord(_hash_word(self._language, word), zlib.crc32(folded.encode()), f" {folded}".encode())
        self[word] = hashed
        return hashed


@lru_cache(maxsize=64)
def _words_of_language(language: str) -> _HashedWords:
    return _HashedWords(language)


def _main_language(language: str) -> str:
    return language.partition("-")[0].lower()


def _hash_word(language: str, word: str) -> int | None:
    """Return the hash of a word, or None for a stop word or a single letter."""
    if word in STOPWORDS.get(language, ()) or (len(word) < 2 and not word.isdigit()):
        return None
    stem = fold(_stem(language, word[:_MAX_WORD_LENGTH]))
    return hash_name(f"{language}:{stem}") if stem else None


def _stem(language: str, word: str) -> str:
    stemmer = _stemmer(language)
    return word if stemmer is None else str(stemmer.stemWord(word))


@lru_cache(maxsize=64)
def _stemmer(language: str) -> Stemmer.Stemmer | None:
    algorithm = _ALGORITHMS.get(language)
    return Stemmer.Stemmer(algorithm) if algorithm else None
