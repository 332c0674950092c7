"""The summary of an import on the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from newsapi.imports.report import MAX_REPORTED, Counts, ImportReport, OmissionCount

SHOWN_LEFT_ARTICLES: Final = 5
"""Articles that were left as they are which the summary names."""

_ENDS_IN_CONSONANT_AND_Y: Final = re.compile(r"[^aeiou]y$")
_TAKES_ES: Final = re.compile(r"(?:s|x|z|ch|sh)$")


def iter_summary(report: ImportReport) -> Iterator[str]:
    """Yield the lines of the summary of an import.

    Args:
        report: The report of the import.

    Yields:
        The lines: the number of records by outcome first.
    """
    yield _format_counts(report.total)
    if report.terms != Counts() and report.articles != Counts():
        yield f"Articles: {_format_counts(report.articles)}."
        yield f"Brands, sections, tags and authors: {_format_counts(report.terms)}."
    if report.omissions:
        yield f"Not imported: {'; '.join(map(_format_omission, report.omissions.values()))}."
    if report.left["count"]:
        yield _format_left_articles(report)
    if report.warning_count:
        yield f"{_format_number(report.warning_count, 'warning')}, on standard error."


def iter_warnings(report: ImportReport) -> Iterator[str]:
    """Yield the warnings of an import as lines, and the number of those that the report does not contain."""
    for warning in report.warnings:
        yield f"line {warning['line']}: warning: {warning['pointer'] or 'the whole record'}: {warning['message']}"
    if report.warning_count > MAX_REPORTED:
        yield f"{report.warning_count - MAX_REPORTED:,} more warnings"


def pluralize(noun: str) -> str:
    """Return the plural of an English noun that forms it regularly."""
    if _ENDS_IN_CONSONANT_AND_Y.search(noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if _TAKES_ES.search(noun) else f"{noun}s"


def _format_counts(counts: Counts) -> str:
    return (
        f"{counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, {counts.rejected} rejected"
    )


def _format_number(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else pluralize(noun)}"


def _format_omission(omission: OmissionCount) -> str:
    number = _format_number(omission["count"], omission["kind"])
    if not omission["places"]:
        return number
    place = omission["places"][0]
    detail = f" ({place['detail']})" if place["detail"] else ""
    return f"{number}, {'at' if omission['count'] == 1 else 'first at'} line {place['line']}{detail}"


def _format_left_articles(report: ImportReport) -> str:
    places = [
        f"line {place['line']} {place['slug']} ({', '.join(place['left_fields'])})"
        for place in report.left["places"][:SHOWN_LEFT_ARTICLES]
    ]
    count = report.left["count"]
    more = f" and {count - len(places):,} more" if count > len(places) else ""
    number = _format_number(count, "article")
    return f"Left as it was changed here: {number}: {'; '.join(places)}{more}."
