"""Near-copies: texts that say the same in the same words, such as one agency's report on two sites.

Two texts are near-copies if their headlines are the same but for case and punctuation, or if they share half of the
pairs of words that either has (Jaccard's coefficient). Sketches tell that of short texts, and of long ones all but the
doubtful cases, for which the texts themselves are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from newsapi.relatedness.profiles import NO_HEADLINE, SKETCH, Profile

Pairs = frozenset[int]
"""The pairs of words of a whole text, as numbers."""

COPY: Final = 0.5
_DOUBT: Final = (0.3, 0.7)
"""A sketch of 64 pairs is off by more than 0.2 once in a thousand times."""


class Copies:
    """What is on a list, so that no near-copy of it comes there too."""

    def __init__(self, read: Callable[[UUID], Pairs]) -> None:
        """Begin with nothing; `read` answers the pairs of an article's words, where sketches leave it open."""
        self._read = read
        self._there: list[tuple[UUID, Profile, frozenset[int]]] = []
        self._headlines: set[int] = set()
        self._seen: set[int] = set()
        self._pairs: dict[UUID, Pairs] = {}

    def add(self, id_: UUID, profile: Profile) -> bool:
        """Put an article on the list; False, and it is not, where it is a near-copy of one that is."""
        if profile.headline in self._headlines or any(
            self._is_copy(id_, profile, other) for other in self._like(profile)
        ):
            return False
        if profile.headline != NO_HEADLINE:
            self._headlines.add(profile.headline)
        self._seen.update(profile.sketch)
        self._there.append((id_, profile, frozenset(profile.sketch)))
        return True

    def _like(self, profile: Profile) -> list[tuple[UUID, Profile]]:
        """Those that may be copies, as they share enough of their sketches: as a rule none."""
        enough = _DOUBT[0] * len(profile.sketch)
        if len(self._seen.intersection(profile.sketch)) < enough:
            return []
        own = frozenset(profile.sketch)
        return [(id_, other) for id_, other, sketch in self._there if len(own & sketch) >= enough]

    def _is_copy(self, id_: UUID, profile: Profile, other: tuple[UUID, Profile]) -> bool:
        likeness = _likeness(profile, other[1])
        if likeness is None:
            likeness = _jaccard(self._of(id_), self._of(other[0]))
        return likeness >= COPY

    def _of(self, id_: UUID) -> Pairs:
        found = self._pairs.get(id_)
        if found is None:
            found = self._pairs[id_] = self._read(id_)
        return found


def _likeness(one: Profile, two: Profile) -> float | None:
    """How alike two texts are, from 0 to 1; None where their sketches leave it open on which side of a half."""
    fewer, more = sorted((one.pairs, two.pairs))
    if fewer < COPY * more:
        return 0.0
    sketch, other = {*one.sketch}, {*two.sketch}
    shared = sketch & other
    if more <= SKETCH:
        return len(shared) / (one.pairs + two.pairs - len(shared))
    smallest = sorted(sketch | other)[:SKETCH]
    likeness = len(shared.intersection(smallest)) / len(smallest)
    return None if _DOUBT[0] <= likeness < _DOUBT[1] else likeness


def _jaccard(one: Pairs, two: Pairs) -> float:
    shared = len(one & two)
    return shared / (len(one) + len(two) - shared) if shared else 0.0
