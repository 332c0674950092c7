"""Dates of feeds: RFC 822, RFC 3339 and W3C-DTF, and what feeds write in their place."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")
_ISO_TIME: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}[T ]")
_WORD: Final = re.compile(r"[^\W\d_]{2,10}\.?")
_MONTHS: Final = {
    **dict.fromkeys("gen genn gennaio ene enero janv janvier januar january jän".split(), "Jan"),
    **dict.fromkeys("febb febbraio febrero févr février fév fev februar february".split(), "Feb"),
    **dict.fromkeys("marzo mars märz mär mrz march março".split(), "Mar"),
    **dict.fromkeys("aprile abr abril avr avril april".split(), "Apr"),
    **dict.fromkeys("mag maggio mayo mai maio".split(), "May"),
    **dict.fromkeys("giu giugno junio juin juni june junho".split(), "Jun"),
    **dict.fromkeys("lug luglio julio juil juillet juli july julho".split(), "Jul"),
    **dict.fromkeys("ago agosto août aout august".split(), "Aug"),
    **dict.fromkeys("set sett settembre septiembre sept septembre september setembro".split(), "Sep"),
    **dict.fromkeys("ott ottobre octubre octobre okt oktober october out outubro".split(), "Oct"),
    **dict.fromkeys("novembre noviembre november novembro".split(), "Nov"),
    **dict.fromkeys("dic dicembre diciembre déc décembre dez dezember december dezembro".split(), "Dec"),
}
_ZONES: Final = {
    **dict.fromkeys(("wet", "utc"), "+0000"),
    **dict.fromkeys(("cet", "mez", "bst", "west"), "+0100"),
    **dict.fromkeys(("cest", "mesz", "eet"), "+0200"),
    **dict.fromkeys(("eest", "msk"), "+0300"),
    "jst": "+0900",
}


class FeedDate(NamedTuple):
    """A date of a feed: RFC 3339 or a plain date, or None if there is none; and what had to be assumed."""

    text: str | None
    assumption: str | None = None


def parse_feed_date(source: str) -> FeedDate:
    """Return a date of a feed.

    Args:
        source: The text of the feed.

    Returns:
        The date. A time whose zone is missing or unknown is taken as UTC.
    """
    source = " ".join(source.split())
    match = _ISO_DATE.fullmatch(source)
    if match:
        return _plain_date(match)
    time = _iso_time(source) if _ISO_TIME.match(source) else _rfc_822_time(source)
    if time is None or not 1 < time.year < 9999:
        return FeedDate(None, f"«{source[:60]}» is no date" if source else None)
    if time.tzinfo is None:
        assumption = None if source.endswith("-0000") else f"«{source[:60]}» has no known time zone: UTC was assumed"
        return FeedDate(time.replace(tzinfo=UTC).isoformat(), assumption)
    return FeedDate(time.astimezone(UTC).isoformat())


def _plain_date(match: re.Match[str]) -> FeedDate:
    try:
        day = date(int(match[1]), int(match[2]), int(match[3] or 1))
    except ValueError:
        return FeedDate(None, f"«{match[0]}» is no date")
    return FeedDate(day.isoformat(), None if match[3] else f"«{match[0]}» has no day: the first was assumed")


def _iso_time(source: str) -> datetime | None:
    text = source.replace(" UTC", "Z").replace(" GMT", "Z").replace("T ", "T")
    text = re.sub(r" (?=[+-]\d\d:?\d\d$|Z$)", "", text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rfc_822_time(source: str) -> datetime | None:
    try:
        return parsedate_to_datetime(_WORD.sub(_english, source))
    except (ValueError, TypeError, OverflowError):
        return None


def _english(word: re.Match[str]) -> str:
    key = word[0].lower().rstrip(".")
    return _MONTHS.get(key) or _ZONES.get(key) or word[0]
