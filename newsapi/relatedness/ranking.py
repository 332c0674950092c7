"""Which of some articles is best to read after another, and why.

How near two are is the sum of what their texts, their leads, their tags, their mentions and their days have in common.
Then what is near to the five best gains (pseudo-relevance feedback after Rocchio 1971): a story is more than the words
of one article, and its other articles say which. The factors were set on four collections judged by people or built
from stories, none of which wants them very different.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from newsapi.relatedness.copies import Copies
from newsapi.relatedness.profiles import SCALE, Profile, Weights

LEAD: Final = 0.3
TAGS: Final = 1.0
MENTIONS: Final = 0.1
FRESH: Final = 0.1
HALF: Final = 4.0
"""The shared weight of tags, or of mentions, that counts half."""

WEEK: Final = 7.0
"""Days between two articles at which nearness in time counts half."""

BEST: Final = 5
"""How many of the best say what the story is."""

STORY: Final = 0.6
"""How much being near to them counts."""

RERANKED: Final = 25
"""How many are compared with them."""

SHOWN_TERMS: Final = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may be listed."""

    id: UUID
    profile: Profile


class Terms:
    """The terms of an article as they are compared: many times with many others, so as sets."""

    __slots__ = ("lead", "numbers", "profile", "shares")

    def __init__(self, profile: Profile) -> None:
        """Take the article."""
        self.profile = profile
        self.shares = dict(zip(profile.terms, profile.shares, strict=True))
        self.numbers = frozenset(self.shares)
        self.lead = frozenset(profile.terms[: profile.lead])


@dataclass(frozen=True, slots=True)
class Ranked:
    """An article on a list: `score` from 0 to 1, `nearness` to the source alone, and why it is there."""

    id: UUID
    score: float
    nearness: float
    reasons: list[dict[str, Any]]


class Gauge:
    """Measures how near articles are to one of them."""

    def __init__(self, own: Terms, weights: Weights) -> None:
        """Take the article to measure from, and how rare terms are."""
        self._own = own
        self._weights = weights
        profile = own.profile
        self._terms = {number: share * weights.of(number) / SCALE / SCALE for number, share in own.shares.items()}
        self._lead = {number: weights.of(number) / profile.leading for number in own.lead}
        self._tags, self._mentions = {*profile.tags}, {*profile.mentions}

    def nearness(self, terms: Terms) -> float:
        """Answer how near another article is: 0 where nothing is shared, seldom more than 2."""
        mine, lead, shares, other = self._terms, self._lead, terms.shares, terms.profile
        text = sum([mine[number] * shares[number] for number in self._own.numbers & terms.numbers])
        shared = sum([lead[number] for number in self._own.lead & terms.lead]) / other.leading
        found = text + LEAD * shared + self._days(other)
        if self._tags:
            found += TAGS * self._marks(self._tags, other.tags)
        if self._mentions:
            found += MENTIONS * self._marks(self._mentions, other.mentions)
        return found

    def reasons(self, terms: Terms, names: Mapping[int, str]) -> list[dict[str, Any]]:
        """Answer what brings another article near, the weightiest first: each kind with its part of the whole."""
        mine, lead, shares, other = self._terms, self._lead, terms.shares, terms.profile
        parts = {number: mine[number] * shares[number] for number in self._own.numbers & terms.numbers}
        for number in self._own.lead & terms.lead:
            parts[number] += LEAD * lead[number] / other.leading
        tags = {number: self._weights.of(number) for number in other.tags if number in self._tags}
        mentions = {number: self._weights.of(number) for number in other.mentions if number in self._mentions}
        found = [
            ("text", sum(parts.values()), parts),
            ("tags", TAGS * _halved(sum(tags.values())), tags),
            ("mentions", MENTIONS * _halved(sum(mentions.values())), mentions),
            ("fresh", self._days(other), {}),
        ]
        whole = sum(weight for _, weight, _ in found) or 1.0
        return [
            {"kind": kind, "weight": round(weight / whole, 3), "terms": _named(which, names)}
            for kind, weight, which in sorted(found, key=lambda reason: -reason[1])
            if round(weight / whole, 3) > 0
        ]

    def _marks(self, mine: set[int], others: Iterable[int]) -> float:
        return _halved(sum([self._weights.of(number) for number in others if number in mine]))

    def _days(self, other: Profile) -> float:
        return FRESH / (1.0 + abs(self._own.profile.day - other.day) / WEEK)


def rank(
    source: Profile,
    candidates: Sequence[Candidate],
    weights: Weights,
    *,
    words: Mapping[int, str],
    copies: Copies,
    most: int,
) -> list[Ranked]:
    """Answer the best of the candidates, best first, without near-copies of what `copies` knows or of one another.

    In: the profile to compare with; how rare terms are; the words of the source by number; what is listed
    already, the source itself among it; how many to list.
    """
    gauge = Gauge(Terms(source), weights)
    compared = [(candidate.id, Terms(candidate.profile)) for candidate in candidates]
    near = sorted(((gauge.nearness(terms), id_, terms) for id_, terms in compared), key=_nearest_first)
    ordered = [*_by_story(near[:RERANKED], weights), *((found[0], *found) for found in near[RERANKED:])]
    listed: list[Ranked] = []
    for value, nearness, id_, terms in ordered:
        if len(listed) == most:
            break
        if copies.add(id_, terms.profile):
            reasons = gauge.reasons(terms, words)
            listed.append(Ranked(id_, round(1.0 - math.exp(-value), 4), nearness, reasons))
    return listed


_Near = tuple[float, UUID, Terms]


def _nearest_first(found: _Near) -> tuple[float, UUID]:
    return -found[0], found[1]


def _by_story(near: Sequence[_Near], weights: Weights) -> Iterable[tuple[float, float, UUID, Terms]]:
    """Order the nearest anew by how near they are to the best as well; answer both figures with each."""
    if not near:
        return ()
    best = [(value / near[0][0], terms, Gauge(terms, weights)) for value, _, terms in near[:BEST] if value]
    found = []
    for value, id_, terms in near:
        story = sum([share * gauge.nearness(terms) for share, other, gauge in best if other is not terms])
        found.append((value + STORY * story / BEST, value, id_, terms))
    return sorted(found, key=lambda each: (-each[0], each[2]))


def _halved(weight: float) -> float:
    return weight / (weight + HALF)


def _named(parts: Mapping[int, float], names: Mapping[int, str]) -> list[str]:
    known: Collection[int] = sorted(
        (number for number in parts if number in names), key=lambda number: (-parts[number], number)
    )
    return [names[number] for number in [*known][:SHOWN_TERMS]]
