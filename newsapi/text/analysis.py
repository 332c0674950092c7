"""Text analysis for search: the words of a text as tokens, so that case, accents, elision and inflection do not matter.

A token is `LANGUAGE:STEM`. Stop words have tokens too, because phrases contain them, but no query consists of them.
Words with a hyphen or a full stop inside, and short words before a number, also have the token of their joined form:
"MX-5", "MX 5" and "mx5" share one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Final, NamedTuple

from newsapi.text.stemming import analyze_word
from newsapi.text.words import joined_spans, lower_words, numbered_spans

ANALYSIS_VERSION: Final = 1
"""Incremented with every change of this module or of the modules it uses that changes a token."""

MAX_JOINED_WORDS: Final = 2_000
"""Joined words of a text that are analyzed."""

BREAK: Final = "|"
"""The token between parts of a text, and before each joined form: no phrase extends over it."""

_MAX_LEXICON_WORDS: Final = 1 << 16
_MAX_TOKEN_LENGTH: Final = 60
_SUGGESTION_LENGTHS: Final = range(3, 41)
"""Lengths of words that are offered as completions and corrections."""


class AnalyzedText(NamedTuple):
    """An analyzed text.

    Attributes:
        words: Its words in lower case, in their order.
        joined: The joined forms in lower case.
        tokens: The tokens of the words, in their order.
        joined_tokens: The tokens of the joined forms.
    """

    words: Sequence[str]
    joined: Sequence[str]
    tokens: Sequence[str]
    joined_tokens: Sequence[str]

    def field(self) -> str:
        """Return the tokens separated by spaces, the joined forms last."""
        return join_fields([" ".join(self.tokens), *self.joined_tokens])


def join_fields(parts: Iterable[str]) -> str:
    """Return tokens of several parts, each separated by spaces, as those of one text."""
    return f" {BREAK} ".join(part for part in parts if part)


class Lexicon:
    """The analysis of words of one language. Most words of a text occurred in another one shortly before.

    Attributes:
        token: Returns the token of a word in lower case.
        searched: Returns the token of a word in lower case, or None for a stop word.
        suggested: Returns a word in lower case as it is suggested, `PLAIN/SHOWN`: without accents, and as displayed if
            that is another form; "" for one that is not suggested, such as a stop word.
    """

    def __init__(self, language: str) -> None:
        """Create the lexicon of a language, given by its first subtag in lower case."""
        self.token: Callable[[str], str] = _Cache(lambda word: _token(language, word)).__getitem__
        self.searched: Callable[[str], str | None] = _Cache(
            lambda word: self.token(word) if _is_searched(language, word) else None
        ).__getitem__
        self.suggested: Callable[[str], str] = _Cache(lambda word: _suggested(language, word)).__getitem__

    def analyze(self, text: str, max_words: int) -> AnalyzedText:
        """Analyze a plain text, of which the first `max_words` words count."""
        words = lower_words(text)[:max_words]
        joined = [*self._joined_words(text)]
        return AnalyzedText(words, joined, [*map(self.token, words)], [*map(self.token, joined)])

    def _joined_words(self, text: str) -> Iterator[str]:
        """Yield the joined forms of words with a hyphen or a full stop inside, and of short words before a number."""
        numbered = (span for word, span in numbered_spans(text) if self.searched(word) is not None)
        return (span.word for span in islice(chain(joined_spans(text), numbered), MAX_JOINED_WORDS))


class _Cache(dict):  # type: ignore[type-arg]
    """Values by word, computed when a word first occurs; mapped over words, this is the inner loop of indexing."""

    def __init__(self, compute: Callable[[str], str | None]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, word: str) -> str | None:
        if len(self) >= _MAX_LEXICON_WORDS:
            self.clear()
        value = self[word] = self._compute(word)
        return value


def _token(language: str, word: str) -> str:
    stem = analyze_word(word, language).stem or word[:_MAX_TOKEN_LENGTH]
    return f"{language}:{stem.replace(' ', '_')}"


def _is_searched(language: str, word: str) -> bool:
    analyzed = analyze_word(word, language)
    return not analyzed.stop and bool(analyzed.stem)


def _suggested(language: str, word: str) -> str:
    analyzed = analyze_word(word, language)
    plain = analyzed.plain
    is_suggested = not analyzed.stop and len(plain) in _SUGGESTION_LENGTHS and plain.isalnum() and not plain.isdigit()
    if not is_suggested:
        return ""
    return f"{plain}/" if plain == word else f"{plain}/{word}"


@lru_cache(maxsize=64)
def _lexicon(language: str) -> Lexicon:
    return Lexicon(language)


def get_lexicon(language: str) -> Lexicon:
    """Return the lexicon of a language, given by its BCP 47 tag, of which the first subtag counts."""
    return _lexicon(language.partition("-")[0].lower())
