"""What a process knew of the changelog at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from newsapi.cache.dependencies import Dependency


@dataclass(frozen=True, slots=True, eq=False)
class ChangelogSnapshot:
    """What was known of the changelog at one time. Immutable; the follower replaces it after each read.

    Attributes:
        seq: The last change.
        nonce: Random number of that change.
        began_at: When the query began, in seconds of a monotonic clock, like `due` and `trusted_until`.
        due: When the changelog should be read again.
        trusted_until: When the snapshot may no longer be used.
        complete_from_seq: Changes up to this position are not in `touched`.
        touched: The last change of each dependency.
        nonces: The nonce of each change after `complete_from_seq`.
        epoch: An object that is replaced when the changelog was restored from a backup: responses of another epoch are
            invalid.
    """

    seq: int
    nonce: int
    began_at: float
    due: float
    trusted_until: float
    complete_from_seq: int
    touched: Mapping[Dependency, int]
    nonces: Mapping[int, int]
    epoch: object

    def has_change(self, seq: int, nonce: int) -> bool:
        """Return whether this change is known to be in the changelog."""
        return nonce == (self.nonce if seq == self.seq else self.nonces.get(seq))
