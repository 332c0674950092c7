"""By-lines: the authors and the date of an article, formatted for its language."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list

from newsapi.text.languages import canonicalize_tag

# The word before the names. In languages that are not listed the names stand alone.
_PREPOSITIONS: Final = {
    "ca": "per",
    "da": "af",
    "de": "von",
    "en": "by",
    "es": "por",
    "fr": "par",
    "gl": "por",
    "it": "di",
    "nb": "av",
    "nl": "door",
    "nn": "av",
    "no": "av",
    "pt": "por",
    "ro": "de",
    "sv": "av",
}


def format_byline(names: Sequence[str], day: date | None, language: str) -> str | None:
    """Return a by-line such as "di Francesco Donnici | 26 luglio 2016".

    Names are joined, and the date is formatted, by the CLDR rules of the language; an unknown language gets dates in
    English.

    Args:
        names: The authors' names in their order.
        day: The publication date in the newsroom's time zone; None leaves the date out.
        language: A BCP 47 tag.

    Returns:
        Names and date, or one of the two if the other is missing; None if both are.
    """
    locale = _locale(language)
    authors = [name for name in (" ".join(name.split()) for name in names) if name]
    parts = []
    if authors:
        preposition = _PREPOSITIONS.get(locale.language if locale else "")
        joined = _join_names(authors, locale)
        parts.append(f"{preposition} {joined}" if preposition else joined)
    if day is not None:
        parts.append(_format_day(day, locale))
    return " | ".join(parts) or None


def _join_names(authors: list[str], locale: Locale | None) -> str:
    if len(authors) == 1:
        return authors[0]
    if locale is None:
        return ", ".join(authors)
    joined = format_list(authors, locale=locale)
    if locale.language == "it" and _is_euphonic(authors[-1]):
        return f"{joined.removesuffix(f' e {authors[-1]}')} ed {authors[-1]}"
    return joined


def _is_euphonic(name: str) -> bool:
    """Return whether "e" becomes "ed" before a name: before an E, but not before "Ed", which would repeat the sound."""
    start = name[:2].casefold()
    return start[:1] in {"e", "è", "é"} and start != "ed"


@lru_cache(maxsize=4096)
def _format_day(day: date, locale: Locale | None) -> str:
    return format_date(day, "long", locale or _ENGLISH)


@lru_cache(maxsize=256)
def _locale(language: str) -> Locale | None:
    """Return the CLDR locale of a language tag, dropping unknown variants, then the region, then the script."""
    tag = canonicalize_tag(language)
    if tag is None:
        return None
    parts = [part for part in tag.split("-")[:3] if len(part) <= 4]
    while parts:
        try:
            return Locale.parse("_".join(parts))
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return None


_ENGLISH: Final = Locale("en")
