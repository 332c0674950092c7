"""Terms: what is left of words when accents, case, elision and inflection do not matter. One number stands for each.

Stems are those of Snowball (https://snowballstem.org), by way of PyStemmer. A number is 32 bits of a hash, so that an
index needs no list of words and is the same on every machine; two of a million words share one now and then, which
tips no scale that hundreds of words are laid on.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import Stemmer

from newsapi.text.folding import fold
from newsapi.text.stopwords import STOPWORDS

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
_WORD = re.compile(r"\w++")
_LONGEST: Final = 60
_OFFSET: Final = 1 << 31


def terms(text: str, language: str) -> list[int]:
    """Read the terms of a plain text: a signed number of 32 bits for each word that means something, in their order.

    In: the text, and its BCP 47 language tag, whose first subtag picks stemmer and stop words; without a stemmer words
    are folded alone. "dell'auto" is the term of "auto", "città" that of "citta". Words of different languages are
    different terms.
    """
    main = language.partition("-")[0].lower()
    return [number for word in _WORD.findall(text.lower()) if (number := _number(main, word)) is not None]


def words(text: str, language: str) -> dict[int, str]:
    """Answer the word that each term of a text stands for there, as it is first written."""
    main = language.partition("-")[0].lower()
    found: dict[int, str] = {}
    for word in _WORD.findall(text):
        number = _number(main, word.lower())
        if number is not None:
            found.setdefault(number, word)
    return found


class Word(NamedTuple):
    """How a word is looked for: without its accents (`plain`), and the stem of that, so that nobody need type them.

    A `stop` word tells nothing in its language.
    """

    stem: str
    plain: str
    stop: bool


def written_words(text: str) -> list[str]:
    """Answer the words of a plain text, in small letters and in their order."""
    return _WORD.findall(text.lower())


def word_places(text: str) -> Iterator[re.Match[str]]:
    """Answer where each word of a plain text stands, in small letters."""
    small = text.lower()
    if len(small) != len(text):  # of a few letters the small one is two
        small = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)
    return _WORD.finditer(small)


def word(written: str, language: str) -> Word:
    """Read a word in small letters; of the language (a BCP 47 tag) the first subtag alone, in small letters."""
    plain = fold(written[:_LONGEST])
    return Word(_stem(language, plain), plain, plain in _plain_stopwords(language))


@lru_cache(maxsize=64)
def _plain_stopwords(language: str) -> frozenset[str]:
    return frozenset(map(fold, STOPWORDS.get(language, ())))


def number_of(name: str) -> int:
    """Answer the number that stands for any name, such as an id, among those of terms."""
    return zlib.crc32(name.encode()) - _OFFSET


def pairs(text: str) -> list[int]:
    """Answer the numbers (unsigned, 32 bits) of the pairs of neighbouring words in a text, each once, in rising order.

    Texts that share half of them or more are near-copies (shingling: Broder 1997). Case does not matter.
    """
    crc32 = zlib.crc32
    found = _WORD.findall(text.casefold())
    return sorted({crc32(f"{first} {second}".encode()) for first, second in pairwise(found)})


@lru_cache(maxsize=1 << 17)
def _number(language: str, word: str) -> int | None:
    """The number of a word; None for one that means nothing. Most words of a text were in one shortly before."""
    if word in STOPWORDS.get(language, ()) or (len(word) < 2 and not word.isdigit()):
        return None
    stem = fold(_stem(language, word[:_LONGEST]))
    return number_of(f"{language}:{stem}") if stem else None


def _stem(language: str, word: str) -> str:
    stemmer = _stemmer(language)
    return word if stemmer is None else str(stemmer.stemWord(word))


@lru_cache(maxsize=64)
def _stemmer(language: str) -> Stemmer.Stemmer | None:
    algorithm = _ALGORITHMS.get(language)
    return Stemmer.Stemmer(algorithm) if algorithm else None
