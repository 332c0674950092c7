"""Near-duplicates: texts with nearly the same words, such as one agency report on two sites.

Two texts are near-duplicates if their headlines are equal except for case and punctuation, or if the Jaccard
coefficient of their shingles (pairs of words) is at least one half. Sketches decide this for short texts, and for long
texts in all but the uncertain cases, for which the full texts are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from newsapi.related.vectors import EMPTY_HEADLINE_HASH, SKETCH_SIZE, ArticleVector

Shingles = frozenset[int]
"""The hashes of all shingles of a text."""

DUPLICATE_THRESHOLD: Final = 0.5
_UNCERTAIN_RANGE: Final = (0.3, 0.7)
"""Sketch similarities that are not decisive: a sketch of 64 shingles errs by more than 0.2 in 1 of 1,000 cases."""


class NearDuplicateFilter:
    """The articles of a list, used to keep near-duplicates of them out of the list."""

    def __init__(self, read_shingles: Callable[[UUID], Shingles]) -> None:
        """Create an empty filter; `read_shingles` loads the shingles of an article when sketches are not decisive."""
        self._read = read_shingles
        self._listed: list[tuple[UUID, ArticleVector, frozenset[int]]] = []
        self._headlines: set[int] = set()
        self._sketches: set[int] = set()
        self._shingles: dict[UUID, Shingles] = {}

    def add(self, id_: UUID, vector: ArticleVector) -> bool:
        """Add an article; return False, without adding it, if it is a near-duplicate of one that was added."""
        if vector.headline in self._headlines:
            return False
        sketch = frozenset(vector.sketch)
        if any(self._is_copy(id_, vector, *other) for other in self._like(sketch)):
            return False
        if vector.headline != EMPTY_HEADLINE_HASH:
            self._headlines.add(vector.headline)
        self._sketches |= sketch
        self._listed.append((id_, vector, sketch))
        return True

    def _like(self, sketch: frozenset[int]) -> list[tuple[UUID, ArticleVector]]:
        """Return the articles that share enough of a sketch to be near-duplicates, in general none."""
        required = _UNCERTAIN_RANGE[0] * len(sketch)
        if len(self._sketches & sketch) < required:
            return []
        return [(id_, other) for id_, other, other_sketch in self._listed if len(sketch & other_sketch) >= required]

    def _is_copy(self, id_: UUID, vector: ArticleVector, other_id: UUID, other: ArticleVector) -> bool:
        similarity = _sketch_similarity(vector, other)
        if similarity is None:
            similarity = _exact_jaccard(self._shingles_of(id_), self._shingles_of(other_id))
        return similarity >= DUPLICATE_THRESHOLD

    def _shingles_of(self, id_: UUID) -> Shingles:
        shingles = self._shingles.get(id_)
        if shingles is None:
            shingles = self._shingles[id_] = self._read(id_)
        return shingles


def _sketch_similarity(first: ArticleVector, second: ArticleVector) -> float | None:
    """Return the similarity of two texts from 0 to 1, or None if their sketches are not decisive."""
    smaller, larger = sorted((first.pairs, second.pairs))
    if smaller < DUPLICATE_THRESHOLD * larger:
        return 0.0
    first_sketch, second_sketch = {*first.sketch}, {*second.sketch}
    shared = first_sketch & second_sketch
    if larger <= SKETCH_SIZE:  # the sketches contain all shingles
        return len(shared) / (first.pairs + second.pairs - len(shared))
    smallest = sorted(first_sketch | second_sketch)[:SKETCH_SIZE]
    similarity = len(shared.intersection(smallest)) / len(smallest)
    return None if _UNCERTAIN_RANGE[0] <= similarity < _UNCERTAIN_RANGE[1] else similarity


def _exact_jaccard(first: Shingles, second: Shingles) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared) if shared else 0.0
