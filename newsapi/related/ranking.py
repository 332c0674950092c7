"""Ranking of the candidates for a related list, with the reasons of each.

The similarity of two articles is the sum of what their texts, leads, tags, mentions and publication days have in
common. The best candidates are then reranked by their similarity to the five best (pseudo-relevance feedback after
Rocchio 1971), because the other articles of a story contain more of its words than the source alone. The weights were
tuned on four collections with human judgements or known stories; the optimum of each is close to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict
from uuid import UUID

from newsapi.related.near_duplicates import NearDuplicateFilter
from newsapi.related.vectors import SHARE_SCALE, ArticleVector, IdfWeights

LEAD_WEIGHT: Final = 0.3
TAG_WEIGHT: Final = 1.0
MENTION_WEIGHT: Final = 0.1
RECENCY_WEIGHT: Final = 0.1
TAG_SATURATION: Final = 4.0
"""The sum of shared IDF weights of tags, or of mentions, at which half of the maximum score is reached."""

RECENCY_HALF_LIFE_DAYS: Final = 7.0
"""Days between two articles at which the recency score is halved."""

FEEDBACK_DOCUMENTS: Final = 5
"""Best candidates that are used as feedback."""

FEEDBACK_WEIGHT: Final = 0.6
"""The weight of the similarity to the feedback documents."""

RERANK_DEPTH: Final = 25
"""Best candidates that are reranked with feedback."""

MAX_REASON_TERMS: Final = 5
"""Terms that are named in a reason."""


class RankingReason(TypedDict):
    """Why an article is related: the kind of reason, its part of the score and the terms that contribute most."""

    kind: str
    weight: float
    terms: list[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may be listed, with its vector."""

    id: UUID
    profile: ArticleVector


class TermSets:
    """The terms of an article as sets and a mapping, for many comparisons with other articles."""

    __slots__ = ("lead", "numbers", "profile", "shares")

    def __init__(self, vector: ArticleVector) -> None:
        """Prepare the terms of a vector."""
        self.profile = vector
        self.shares = dict(zip(vector.terms, vector.shares, strict=True))
        self.numbers = frozenset(self.shares)
        self.lead = frozenset(vector.terms[: vector.lead])


@dataclass(frozen=True, slots=True)
class Ranked:
    """An article of a list: `score` from 0 to 1, `similarity` to the source without feedback, and the reasons."""

    id: UUID
    score: float
    similarity: float
    reasons: list[RankingReason]


class SimilarityScorer:
    """Computes the similarity of articles to one source article."""

    def __init__(self, source: TermSets, weights: IdfWeights) -> None:
        """Take the terms of the source article and the IDF weights."""
        self._source = source
        self._weights = weights
        profile = source.profile
        self._terms = {
            term: share * weights.weight(term) / SHARE_SCALE / SHARE_SCALE for term, share in source.shares.items()
        }
        self._lead = {term: weights.weight(term) / profile.leading for term in source.lead}
        self._tags, self._mentions = {*profile.tags}, {*profile.mentions}

    def similarity(self, terms: TermSets) -> float:
        """Return the similarity of another article: 0 if nothing is shared, rarely more than 2."""
        term_weights, lead_weights, shares, other = self._terms, self._lead, terms.shares, terms.profile
        text = sum(term_weights[term] * shares[term] for term in self._source.numbers & terms.numbers)
        lead = sum(lead_weights[term] for term in self._source.lead & terms.lead) / other.leading
        similarity = text + LEAD_WEIGHT * lead + self._days(other)
        if self._tags:
            similarity += TAG_WEIGHT * self._overlap(self._tags, other.tags)
        if self._mentions:
            similarity += MENTION_WEIGHT * self._overlap(self._mentions, other.mentions)
        return similarity

    def reasons(self, terms: TermSets, labels: Mapping[int, str]) -> list[RankingReason]:
        """Return why another article is similar, as kinds of reasons with their part of the sum, largest first."""
        term_weights, lead_weights, shares, other = self._terms, self._lead, terms.shares, terms.profile
        text = {term: term_weights[term] * shares[term] for term in self._source.numbers & terms.numbers}
        for term in self._source.lead & terms.lead:
            text[term] += LEAD_WEIGHT * lead_weights[term] / other.leading
        tags = {tag: self._weights.weight(tag) for tag in other.tags if tag in self._tags}
        mentions = {mention: self._weights.weight(mention) for mention in other.mentions if mention in self._mentions}
        reasons: list[tuple[str, float, dict[int, float]]] = [
            ("text", sum(text.values()), text),
            ("tags", TAG_WEIGHT * _saturate(sum(tags.values())), tags),
            ("mentions", MENTION_WEIGHT * _saturate(sum(mentions.values())), mentions),
            ("fresh", self._days(other), {}),
        ]
        total = sum(weight for _, weight, _ in reasons) or 1.0
        return [
            {"kind": kind, "weight": round(weight / total, 3), "terms": _named(parts, labels)}
            for kind, weight, parts in sorted(reasons, key=lambda reason: -reason[1])
            if round(weight / total, 3) > 0
        ]

    def _overlap(self, ids: set[int], other_ids: Iterable[int]) -> float:
        return _saturate(sum(self._weights.weight(id_) for id_ in other_ids if id_ in ids))

    def _days(self, other: ArticleVector) -> float:
        return RECENCY_WEIGHT / (1.0 + abs(self._source.profile.day - other.day) / RECENCY_HALF_LIFE_DAYS)


def rank_candidates(
    source: ArticleVector,
    candidates: Sequence[Candidate],
    weights: IdfWeights,
    *,
    labels: Mapping[int, str],
    duplicates: NearDuplicateFilter,
    limit: int,
) -> list[Ranked]:
    """Rank candidates for the related list of a source, and return the best `limit` of them.

    `duplicates` contains the source and the articles listed already; near-duplicates of these and of better candidates
    are left out. `labels` are the readable terms of the source, which the reasons name.

    Returns:
        The articles to list, best first.
    """
    scorer = SimilarityScorer(TermSets(source), weights)
    compared = [(candidate.id, TermSets(candidate.profile)) for candidate in candidates]
    nearest = sorted(((scorer.similarity(terms), id_, terms) for id_, terms in compared), key=_nearest_first)
    reranked = _rerank_with_feedback(nearest[:RERANK_DEPTH], weights)
    others = [(similarity, similarity, id_, terms) for similarity, id_, terms in nearest[RERANK_DEPTH:]]
    ranked: list[Ranked] = []
    for value, similarity, id_, terms in [*reranked, *others]:
        if len(ranked) == limit:
            break
        if duplicates.add(id_, terms.profile):
            reasons = scorer.reasons(terms, labels)
            ranked.append(Ranked(id_, round(1.0 - math.exp(-value), 4), similarity, reasons))
    return ranked


_Near = tuple[float, UUID, TermSets]
"""The similarity of a candidate, its id and its terms."""


def _nearest_first(candidate: _Near) -> tuple[float, UUID]:
    return -candidate[0], candidate[1]


def _rerank_with_feedback(
    nearest: Sequence[_Near], weights: IdfWeights
) -> Iterable[tuple[float, float, UUID, TermSets]]:
    """Rerank the nearest candidates by adding their similarity to the best ones.

    Returns:
        For each candidate the new value, the similarity to the source, its id and its terms; best first.
    """
    if not nearest:
        return ()
    best_similarity = nearest[0][0]
    best = [
        (similarity / best_similarity, terms, SimilarityScorer(terms, weights))
        for similarity, _, terms in nearest[:FEEDBACK_DOCUMENTS]
        if similarity
    ]
    reranked = []
    for similarity, id_, terms in nearest:
        feedback = sum(share * scorer.similarity(terms) for share, other, scorer in best if other is not terms)
        reranked.append((similarity + FEEDBACK_WEIGHT * feedback / FEEDBACK_DOCUMENTS, similarity, id_, terms))
    return sorted(reranked, key=lambda candidate: (-candidate[0], candidate[2]))


def _saturate(weight: float) -> float:
    return weight / (weight + TAG_SATURATION)


def _named(term_weights: Mapping[int, float], labels: Mapping[int, str]) -> list[str]:
    """Return the labels of the heaviest terms that have one."""
    known = sorted((term for term in term_weights if term in labels), key=lambda term: (-term_weights[term], term))
    return [labels[term] for term in known[:MAX_REASON_TERMS]]
