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
from itertools import repeat
from operator import mul
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

FEEDBACK_WEIGHT: Final = 0.5
"""The weight of the similarity to the feedback documents, which is their mean, weighted by the square of their own."""

RERANK_DEPTH: Final = 25
"""Best candidates that are reranked with feedback."""

MIN_TOPIC_SIMILARITY: Final = 0.2
"""Similarity from which two articles of different brands count as being about the same topic.

Of random pairs of the judged collections, 1 to 12 % are as similar, by collection; of pairs that were judged
to share a topic, 52 to 80 %.
"""

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


@dataclass(frozen=True, slots=True)
class Ranked:
    """An article of a list: `score` from 0 to 1, `similarity` to the source without feedback, and the reasons."""

    id: UUID
    score: float
    similarity: float
    reasons: list[RankingReason]


class TermScorer:
    """Computes what the texts of articles have in common with one text, or with several at once.

    The sum over several texts is that over the sum of their vectors, so it costs the same as that of one.
    """

    __slots__ = ("_lead", "_text")

    def __init__(self, sources: Iterable[tuple[float, ArticleVector]], weights: IdfWeights) -> None:
        """Take the vectors, each with the factor that it counts with, and the IDF weights."""
        text: dict[int, float] = {}
        lead: dict[int, float] = {}
        for factor, source in sources:
            for term, share in zip(source.terms, source.shares, strict=True):
                text[term] = text.get(term, 0.0) + factor * share
            lead_factor = factor / source.leading
            for term in source.terms[: source.lead]:
                lead[term] = lead.get(term, 0.0) + lead_factor
        scale, weight = 1.0 / SHARE_SCALE / SHARE_SCALE, weights.weight
        self._text = {term: share * weight(term) * scale for term, share in text.items()}
        self._lead = {term: factor * weight(term) for term, factor in lead.items()}

    def score(self, other: ArticleVector) -> float:
        """Return the common part of text and lead."""
        text: float = sum(map(mul, map(self._text.get, other.terms, _ZEROS), other.shares))
        lead: float = sum(map(self._lead.get, other.terms[: other.lead], _ZEROS))
        return text + LEAD_WEIGHT * lead / other.leading

    def parts(self, other: ArticleVector) -> dict[int, float]:
        """Return the terms in common, each with its part of the score."""
        text = self._text
        parts = {
            term: text[term] * share for term, share in zip(other.terms, other.shares, strict=True) if term in text
        }
        for term in other.terms[: other.lead]:
            if term in self._lead:
                parts[term] += LEAD_WEIGHT * self._lead[term] / other.leading
        return parts


_ZEROS: Final = repeat(0.0)


def score_of_itself(vector: ArticleVector, weights: IdfWeights) -> float:
    """Return what a `TermScorer` of a vector alone returns for the same vector."""
    text: float = sum(map(mul, map(mul, vector.shares, vector.shares), map(weights.weight, vector.terms)))
    lead: float = sum(map(weights.weight, vector.terms[: vector.lead]))
    return text / SHARE_SCALE / SHARE_SCALE + LEAD_WEIGHT * lead / vector.leading / vector.leading


class ContextScorer:
    """Computes the part of the similarity to one article that is not about the text: tags, mentions and time."""

    __slots__ = ("mentions", "source", "tags", "weights")

    def __init__(self, source: ArticleVector, weights: IdfWeights) -> None:
        """Take the vector of the article and the IDF weights."""
        self.source = source
        self.weights = weights
        self.tags, self.mentions = frozenset(source.tags), frozenset(source.mentions)

    def score(self, other: ArticleVector) -> float:
        """Return this part of the similarity."""
        score = self.time(other)
        if self.tags and other.tags:
            score += TAG_WEIGHT * self._overlap(self.tags, other.tags)
        if self.mentions and other.mentions:
            score += MENTION_WEIGHT * self._overlap(self.mentions, other.mentions)
        return score

    def time(self, other: ArticleVector) -> float:
        """Return the part that is about the days of publication."""
        return RECENCY_WEIGHT / (1.0 + abs(self.source.day - other.day) / RECENCY_HALF_LIFE_DAYS)

    def _overlap(self, ids: frozenset[int], other_ids: Iterable[int]) -> float:
        return _saturate(sum(map(self.weights.weight, ids.intersection(other_ids))))


class SimilarityScorer:
    """Computes the similarity of articles to one source article."""

    __slots__ = ("_context", "_terms")

    def __init__(self, source: ArticleVector, weights: IdfWeights) -> None:
        """Take the vector of the source article and the IDF weights."""
        self._terms = TermScorer([(1.0, source)], weights)
        self._context = ContextScorer(source, weights)

    def similarity(self, other: ArticleVector) -> float:
        """Return the similarity of another article: 0 if nothing is shared, rarely more than 2."""
        return self._terms.score(other) + self._context.score(other)

    def reasons(self, other: ArticleVector, labels: Mapping[int, str]) -> list[RankingReason]:
        """Return why another article is similar, as kinds of reasons with their part of the sum, largest first."""
        text, context, weight = self._terms.parts(other), self._context, self._context.weights.weight
        tags = {tag: weight(tag) for tag in other.tags if tag in context.tags}
        mentions = {mention: weight(mention) for mention in other.mentions if mention in context.mentions}
        reasons: list[tuple[str, float, dict[int, float]]] = [
            ("text", sum(text.values()), text),
            ("tags", TAG_WEIGHT * _saturate(sum(tags.values())), tags),
            ("mentions", MENTION_WEIGHT * _saturate(sum(mentions.values())), mentions),
            ("fresh", context.time(other), {}),
        ]
        total = sum(weight for _, weight, _ in reasons) or 1.0
        return [
            {"kind": kind, "weight": round(weight / total, 3), "terms": _named(parts, labels)}
            for kind, weight, parts in sorted(reasons, key=lambda reason: -reason[1])
            if round(weight / total, 3) > 0
        ]


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
    if not candidates:
        return []
    scorer = SimilarityScorer(source, weights)
    similarities = [(scorer.similarity(candidate.profile), candidate) for candidate in candidates]
    nearest = sorted(similarities, key=lambda near: (-near[0], near[1].id))
    reranked = _rerank_with_feedback(nearest[:RERANK_DEPTH], weights)
    others = [(similarity, similarity, candidate) for similarity, candidate in nearest[RERANK_DEPTH:]]
    ranked: list[Ranked] = []
    for value, similarity, candidate in [*reranked, *others]:
        if len(ranked) == limit:
            break
        if duplicates.add(candidate.id, candidate.profile):
            reasons = scorer.reasons(candidate.profile, labels)
            ranked.append(Ranked(candidate.id, round(1.0 - math.exp(-value), 4), similarity, reasons))
    return ranked


def rank_by_language(
    source: ArticleVector,
    candidates: Sequence[Candidate],
    weights: IdfWeights,
    *,
    labels: Mapping[int, str],
    duplicates: NearDuplicateFilter,
    limit: int,
) -> tuple[list[Ranked], list[Ranked]]:
    """Rank candidates as `rank_candidates` does, those in the language of the source first.

    Returns:
        The articles in the language of the source, and those in other languages, at most `limit` together.
    """
    own = [candidate for candidate in candidates if candidate.profile.language == source.language]
    others = [candidate for candidate in candidates if candidate.profile.language != source.language]
    ranked = rank_candidates(source, own, weights, labels=labels, duplicates=duplicates, limit=limit)
    left = limit - len(ranked)
    return ranked, rank_candidates(source, others, weights, labels=labels, duplicates=duplicates, limit=left)


def _rerank_with_feedback(
    nearest: Sequence[tuple[float, Candidate]], weights: IdfWeights
) -> list[tuple[float, float, Candidate]]:
    """Rerank the nearest candidates, given with their similarity to the source, by adding that to the best ones.

    Returns:
        For each candidate the new value, the similarity to the source and the candidate; best first.
    """
    if not nearest or not nearest[0][0]:
        return [(similarity, similarity, candidate) for similarity, candidate in nearest]
    best = [
        ((similarity / nearest[0][0]) ** 2, candidate.profile, ContextScorer(candidate.profile, weights))
        for similarity, candidate in nearest[:FEEDBACK_DOCUMENTS]
    ]
    terms = TermScorer([(factor, vector) for factor, vector, _ in best], weights)
    scale = FEEDBACK_WEIGHT / sum(factor for factor, _, _ in best)
    reranked = []
    for similarity, candidate in nearest:
        vector = candidate.profile
        feedback = terms.score(vector)
        for factor, other, context in best:
            if other is vector:  # it counts for the others, not for itself
                feedback -= factor * score_of_itself(vector, weights)
            else:
                feedback += factor * context.score(vector)
        reranked.append((similarity + scale * feedback, similarity, candidate))
    return sorted(reranked, key=lambda item: (-item[0], item[2].id))


def _saturate(weight: float) -> float:
    return weight / (weight + TAG_SATURATION)


def _named(term_weights: Mapping[int, float], labels: Mapping[int, str]) -> list[str]:
    """Return the labels of the heaviest terms that have one."""
    known = sorted((term for term in term_weights if term in labels), key=lambda term: (-term_weights[term], term))
    return [labels[term] for term in known[:MAX_REASON_TERMS]]
