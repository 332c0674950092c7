"""By-lines: who wrote an article, and on which day, as a reader's language says it."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list

from newsapi.text.languages import language_tag

# The word before a name. A language that is not here gets the names alone: no word is better than a wrong one.
_BY: Final = {
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


def byline(names: Sequence[str], day: date | None, language: str) -> str | None:
    """Write a by-line: "di Francesco Donnici | 26 luglio 2016".

    In: the names in their order, the day in the newsroom's time zone, a BCP 47 tag. Names are joined and the day is
    written as CLDR has it for the language; dates of an unknown language are English. Out: the names alone without a
    day, the day alone without names, None without either.
    """
    locale = _locale(language)
    people = [name for name in (" ".join(name.split()) for name in names) if name]
    parts = []
    if people:
        word = _BY.get(locale.language if locale else "")
        joined = _joined(people, locale)
        parts.append(f"{word} {joined}" if word else joined)
    if day is not None:
        parts.append(_written(day, locale))
    return " | ".join(parts) or None


def _joined(people: list[str], locale: Locale | None) -> str:
    if len(people) == 1:
        return people[0]
    if locale is None:
        return ", ".join(people)
    joined = format_list(people, locale=locale)
    if locale.language == "it" and _is_euphonic(people[-1]):
        return f"{joined.removesuffix(f' e {people[-1]}')} ed {people[-1]}"
    return joined


def _is_euphonic(name: str) -> bool:
    """Tell whether "e" becomes "ed" before a name: before an E, but not before "Ed", which would sound twice."""
    start = name[:2].casefold()
    return start[:1] in {"e", "è", "é"} and start != "ed"


@lru_cache(maxsize=4096)
def _written(day: date, locale: Locale | None) -> str:
    return format_date(day, "long", locale or _ENGLISH)


@lru_cache(maxsize=256)
def _locale(language: str) -> Locale | None:
    """Find the locale of a language tag, leaving off what CLDR does not know: variants, then region, then script."""
    tag = language_tag(language)
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
