"""Stops sending when many recipients in a row are refused: then the fault is not theirs, whatever the server says.

A mail server may report all its recipients as unknown, because of a fault of its own or because it refuses the sender
with misleading words. Without a limit, all their subscribers would be erased.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from prometheus_client import Gauge

log = structlog.get_logger("newsapi.alerts")

MAX_REFUSALS_IN_A_ROW: Final = 10
"""Recipients refused in a row, without one accepted in between, after which sending pauses."""

PAUSE_SECONDS: Final = 300.0
"""Seconds until the next attempt to a domain that refused too many recipients in a row, or to any domain."""

ALL_DOMAINS: Final = ""
"""Key of the refusals of all domains together."""

_PAUSED = Gauge(
    "newsapi_emails_paused",
    "Recipient domains to which emails are paused because they refused 10 recipients in a row; one more if all are",
    multiprocess_mode="livemostrecent",
)


@dataclass(slots=True)
class _Streak:
    """Recipients refused in a row, by email hash, and those of them that are to be suppressed."""

    refused: set[bytes] = field(default_factory=set)
    gone: set[bytes] = field(default_factory=set)
    paused_until: float = 0.0

    @property
    def is_suspicious(self) -> bool:
        return len(self.refused) >= MAX_REFUSALS_IN_A_ROW


class RefusalGuard:
    """Counts permanent refusals in a row, for each domain of recipients and for all.

    Addresses that are gone are only collected. `take_gone` returns them unless they are part of a suspicious streak.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Store a monotonic clock, in seconds."""
        self._clock = clock
        self._streaks: dict[str, _Streak] = {}
        self._gone: set[bytes] = set()

    def is_paused(self, domain: str = ALL_DOMAINS) -> bool:
        """Return whether no email should be sent to a domain now, or none at all."""
        streak = self._streaks.get(domain)
        return streak is not None and self._clock() < streak.paused_until

    def record_accepted(self, domain: str) -> None:
        """Record that an email to a domain was accepted, which ends the streaks of the domain and of all."""
        self._gone |= self.take_gone()
        for key in (domain, ALL_DOMAINS):
            self._streaks.pop(key, None)
        self._count_paused()

    def record_refused(self, domain: str, email_hash: bytes, reply: str, *, is_gone: bool) -> bool:
        """Record that a recipient was refused for good.

        Args:
            domain: The domain of the recipient.
            email_hash: Hash of the recipient's address.
            reply: The server's reply without addresses, for the log.
            is_gone: Whether the reply says that the recipient does not exist.

        Returns:
            Whether the refusal is part of a suspicious streak: the email should be sent again later.
        """
        of_domain, of_all = (self._streaks.setdefault(key, _Streak()) for key in (domain, ALL_DOMAINS))
        for streak in (of_domain, of_all):
            streak.refused.add(email_hash)
        if is_gone:
            of_domain.gone.add(email_hash)
        if of_domain.is_suspicious:  # only this domain is to be doubted
            of_all.refused -= of_domain.refused
            self._pause(of_domain, "a domain", reply)
        if of_all.is_suspicious:
            self._pause(of_all, "all domains", reply)
        self._count_paused()
        return of_domain.is_suspicious or of_all.is_suspicious

    def _pause(self, streak: _Streak, scope: str, reply: str) -> None:
        streak.paused_until = self._clock() + PAUSE_SECONDS
        log.error("emails paused", scope=scope, refused=len(streak.refused), reply=reply, retry_in=PAUSE_SECONDS)

    def take_gone(self) -> set[bytes]:
        """Return the hashes of addresses that are gone, each once; those of suspicious streaks are forgotten."""
        doubted = {hash_ for streak in self._streaks.values() if streak.is_suspicious for hash_ in streak.refused}
        collected = {hash_ for streak in self._streaks.values() for hash_ in streak.gone}
        for streak in self._streaks.values():
            streak.gone.clear()
        gone, self._gone = self._gone | (collected - doubted), set()
        return gone

    def _count_paused(self) -> None:
        _PAUSED.set(sum(streak.is_suspicious for streak in self._streaks.values()))
