"""Near-duplicates: texts with nearly the same words, such as one agency report on two sites.

Two texts are near-duplicates if their headlines are equal except for case and punctuation, or if the Jaccard
coefficient of their shingles (pairs of words) is at least one half. Sketches decide this for short texts, and for long
texts in all but the uncertain cases, for which the full texts are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from newsapi.relatedness.profiles import NO_HEADLINE, SKETCH, Profile

Pairs = frozenset[int]
"""The hashes of all shingles of a text."""

COPY: Final = 0.5
_DOUBT: Final = (0.3, 0.7)
"""Sketch similarities that are not decisive: a sketch of 64 shingles errs by more than 0.2 in 1 of 1,000 cases."""


class Copies:
    """The articles of a list, used to keep near-duplicates of them out of the list."""

    def __init__(self, read: Callable[[UUID], Pairs]) -> None:
        """Create an empty filter; `read_shingles` loads the shingles of an article when sketches are not decisive."""
        self._read = read
        self._listed: list[tuple[UUID, Profile, frozenset[int]]] = []
        self._headlines: set[int] = set()
        self._sketches: set[int] = set()
        self._shingles: dict[UUID, Pairs] = {}

    def add(self, id_: UUID, profile: Profile) -> bool:
        """Add an article; return False, without adding it, if it is a near-duplicate of one that was added."""
        if profile.headline in self._headlines:
            return False
        if any(self._is_copy(id_, profile, *other) for other in self._like(profile)):
            return False
        if profile.headline != NO_HEADLINE:
            self._headlines.add(profile.headline)
        self._sketches.update(profile.sketch)
        self._listed.append((id_, profile, frozenset(profile.sketch)))
        return True

    def _like(self, vector: Profile) -> list[tuple[UUID, Profile]]:
        """Return the articles that share enough of their sketch to be near-duplicates, in general none."""
        required = _DOUBT[0] * len(vector.sketch)
        if len(self._sketches.intersection(vector.sketch)) < required:
            return []
        sketch = frozenset(vector.sketch)
        return [(id_, other) for id_, other, other_sketch in self._listed if len(sketch & other_sketch) >= required]

    def _is_copy(self, id_: UUID, vector: Profile, other_id: UUID, other: Profile) -> bool:
        similarity = _likeness(vector, other)
        if similarity is None:
            similarity = _jaccard(self._shingles_of(id_), self._shingles_of(other_id))
        return similarity >= COPY

    def _shingles_of(self, id_: UUID) -> Pairs:
        shingles = self._shingles.get(id_)
        if shingles is None:
            shingles = self._shingles[id_] = self._read(id_)
        return shingles


def _likeness(first: Profile, second: Profile) -> float | None:
    """Return the similarity of two texts from 0 to 1, or None if their sketches are not decisive."""
    smaller, larger = sorted((first.pairs, second.pairs))
    if smaller < COPY * larger:
        return 0.0
    first_sketch, second_sketch = {*first.sketch}, {*second.sketch}
    shared = first_sketch & second_sketch
    if larger <= SKETCH:  # the sketches contain all shingles
        return len(shared) / (first.pairs + second.pairs - len(shared))
    smallest = sorted(first_sketch | second_sketch)[:SKETCH]
    similarity = len(shared.intersection(smallest)) / len(smallest)
    return None if _DOUBT[0] <= similarity < _DOUBT[1] else similarity


def _jaccard(first: Pairs, second: Pairs) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared) if shared else 0.0
