"""Writes to those who asked for it: plans what changes mean for whom, and sends what is due.

A change is planned once for each person, whatever happens (a unique key sees to that). A mail is looked at again right
before it is sent: whoever left gets none, and of what was withdrawn nobody is told. It is sent outside any transaction
and then noted, each before the next: so the one that was under way when a worker was killed may go out twice, with the
same Message-ID, and no other.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from newsapi.actions import subscriptions as actions
from newsapi.actions.subscriptions import SOON, Box
from newsapi.outbox.letters import Letters
from newsapi.outbox.mail import Away, NotNow, Refused, Transport
from newsapi.outbox.worker import Listener
from newsapi.schemas.boxes import FREQUENCIES
from newsapi.schemas.presentation import Presentation
from newsapi.store import alerts, articles, subscriptions
from newsapi.store.database import Connection
from newsapi.store.places import Point
from newsapi.text import hours

log = structlog.get_logger("newsapi.alerts")

OLD: Final = timedelta(days=2)
"""What changed so long ago is no news any more: the worker, or mail, was away."""

CLOSED: Final = timedelta(minutes=1)
"""How long before a digest nothing is added to it any more, so that it is complete when it is sent."""

SLICE: Final = 4.0
"""Seconds for which mail is sent before the log is looked at again; well below the lease of a listener."""

FRESH: Final = 1.0
"""Seconds after which what is due is read again: who fills in a box does not wait behind thousands of others."""

ROWS: Final = 200
"""Planned changes that are read at once."""

RETRIES: Final = tuple(timedelta(minutes=number) for number in (5, 15, 60, 240, 720, 1_440))
"""How long to wait after each try that a server put off (grey lists do, for minutes)."""

PATIENCE: Final = 300.0
"""Seconds between tries of a mail server that is away, at most."""

_MAILS = Counter("newsapi_mails", "Mails, by what became of them", ["outcome"])
_NOWHERE: Final = UUID(int=0)


class Alerts(Listener):
    """The listener that writes to subscribers."""

    name = "alerts"

    def __init__(
        self,
        box: Box,
        shown: Presentation,
        transport: Transport,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts; `clock` answers seconds and never goes back."""
        self._box, self._database = box, box.database
        self._letters = Letters(box, shown)
        self._transport = transport
        self._now, self._clock = now, clock
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mail")
        self._sending: Future[None] | None = None
        self._stop = threading.Event()
        self._tidied: datetime | None = None
        self._failures, self._rests_until = 0, 0.0
        self._unplanned: deque[tuple[Any, set[int] | None]] = deque()

    def take(self, changed: Sequence[Any]) -> Point | None:
        self._read(changed)
        done = self._plan(self._clock() + SLICE)
        actions.settle(self._box, now=self._now())
        self._send()
        self._tidy()
        return done

    def forget(self) -> None:
        """Let the mail that is being sent go out, and no more: another worker may be about to begin."""
        self._unplanned.clear()
        self._stop.set()
        if self._sending is not None:
            wait([self._sending])
            self._sending = None
        self._stop.clear()

    # --- planning ---

    def _read(self, changed: Sequence[Any]) -> None:
        """Find what is news among changes, and whose lists it stands on."""
        recent = [row for row in changed if row.at > self._now() - OLD]
        facets: dict[int, set[int]] = {}
        if recent:
            with self._database.reading() as connection:
                news = alerts.news(connection, recent)
                facets = {row.seq: alerts.followed(connection, row.facets_after) for row in news}
        self._unplanned.extend((row, facets.get(row.seq)) for row in changed)

    def _plan(self, end: float) -> Point | None:
        """Plan change by change, as many as there is time for; answer the last."""
        done = None
        while self._unplanned and self._clock() < end:
            row, facets = self._unplanned[0]
            for frequency in FREQUENCIES if facets else ():  # the most frequent that somebody asked for counts
                self._plan_for(row, facets or set(), frequency)
            self._unplanned.popleft()
            done = Point(row.seq, row.mark)
        return done

    def _plan_for(self, row: Any, facets: set[int], frequency: str) -> None:
        due = self._due(facets, frequency, self._now())
        for due_at, zones in due.items():
            after: UUID | None = _NOWHERE
            while after is not None:
                with self._database.reading() as connection:
                    until = alerts.last_of_chunk(connection, facets, frequency, after)
                with self._database.transaction() as session:
                    alerts.plan(session, row, facets, frequency, zones=zones, due_at=due_at, after=after, until=until)
                after = until

    def _due(self, facets: set[int], frequency: str, now: datetime) -> dict[datetime, list[str] | None]:
        """Answer when mails to those who are written to so often are due, and in which zones then, or (None) in all."""
        if frequency == "immediate":
            return {now + SOON: None}
        with self._database.reading() as connection:
            zones = alerts.zones(connection, facets, frequency)
        due = [(hours.next_digest(frequency, zone, now + CLOSED), zone) for zone in zones]
        return {at: [zone for then, zone in due if then == at] for at, _ in due}  # clocks differ less than zones

    # --- sending ---

    def _send(self) -> None:
        """Have mail sent by a thread of its own: a server that hangs must not cost us our place in the log."""
        if self._sending is None and self._clock() >= self._rests_until:
            self._sending = self._pool.submit(self._send_some)
        if self._sending is not None:
            wait([self._sending], timeout=SLICE + 1)
            if self._sending.done():
                job, self._sending = self._sending, None
                self._note(job)

    def _note(self, job: Future[None]) -> None:
        try:
            job.result()
        except Away as error:
            self._failures += 1
            rest = min(PATIENCE, 2.0 ** min(self._failures, 10))
            self._rests_until = self._clock() + rest
            log.warning("mail cannot be sent", cause=str(error), again_in=rest)
        else:
            self._failures = 0

    def _send_some(self) -> None:
        end = self._clock() + SLICE
        try:
            while self._clock() < end and self._send_what_is_read(end):
                pass
        finally:
            self._transport.close()

    def _send_what_is_read(self, end: float) -> bool:
        """Read what is due and send it, for a while; False if there was nothing."""
        read_at, now = self._clock(), self._now()
        with self._database.reading() as connection:
            waiting = subscriptions.untold(connection, now, 20)
            topics = subscriptions.topics(connection, {row.facet_id for row in waiting})
            mails = alerts.ready(connection, now, ROWS)
            records = _records(connection, mails, self._letters)
            followed = subscriptions.topics(connection, {row.facet_id for rows in mails for row in rows})
        jobs: list[Callable[[], None]] = [
            *(lambda row=row: self._ask(row, topics.get(row.facet_id)) for row in waiting),
            *(lambda rows=rows: self._tell(rows, records, followed) for rows in mails),
        ]
        for job in jobs:
            if self._stop.is_set() or self._clock() >= min(end, read_at + FRESH):
                break
            job()
        return bool(jobs) and not self._stop.is_set()

    def _ask(self, row: Any, topic: subscriptions.Topic | None) -> None:
        """Send the mail about a subscription itself, where its mailbox may have one."""
        now = self._now()
        with self._database.reading() as connection:
            when = actions.may_mail(connection, row, now=now)
        if topic is None or when is None or when > now:
            with self._database.transaction() as session:
                subscriptions.change(session, row.id, mail_since=when if topic else None)
            return
        outcome, _ = self._hand_over(self._letters.about(row, topic), row.person)
        with self._database.transaction() as session:
            if outcome == "later":
                subscriptions.change(session, row.id, mail_since=now + RETRIES[0])
            else:
                subscriptions.told(session, row.id, row.mailbox, now)

    def _tell(self, rows: Sequence[Any], records: dict[UUID, Any], topics: dict[int, subscriptions.Topic]) -> None:
        """Send one alert, of those of its articles that readers see."""
        first, now = rows[0], self._now()
        with self._database.reading() as connection:
            standing = alerts.standing(connection, first.subscriber_id, [row.seq for row in rows])
        told = [row for row in rows if row.seq in standing and row.article_id in records and row.facet_id in topics]
        outcome, retry = "", None
        if told:
            mail = self._letters.alert(told, records, topics)
            outcome, retry = self._hand_over(mail, first.person, first.attempts)
        seqs = {row.seq for row in told}
        dropped = {row.seq for row in rows} - seqs
        with self._database.transaction() as session:
            if dropped:
                alerts.note(session, first.subscriber_id, dropped, state="dropped", now=now)
            if retry is not None:
                alerts.later(session, first.subscriber_id, seqs, now + retry)
            elif told:
                alerts.note(session, first.subscriber_id, seqs, state=outcome, now=now)

    def _hand_over(self, mail: EmailMessage, person: bytes, attempts: int = 0) -> tuple[str, timedelta | None]:
        """Hand a mail over; answer what became of it, and when to try again, if so. Raises Away."""
        outcome, retry = "sent", None
        try:
            self._transport.send(mail)
        except NotNow as error:
            retry = RETRIES[attempts] if attempts < len(RETRIES) else None
            outcome = "failed" if retry is None else "later"
            log.info("mail put off", cause=str(error), again=retry is not None)
        except Refused as error:
            outcome = "failed"
            log.info("mail refused", cause=str(error), gone=error.gone)
            if error.gone:
                actions.forget_bounced(self._box, person, now=self._now())
        _MAILS.labels(outcome).inc()
        return outcome, retry

    def _tidy(self) -> None:
        now = self._now()
        if self._tidied is None or now - self._tidied >= timedelta(minutes=10):
            actions.tidy(self._box, now=now)
            self._tidied = now


def _records(connection: Connection, mails: Sequence[Sequence[Any]], letters: Letters) -> dict[UUID, Any]:
    """The articles that mails tell of, as they are shown; what readers do not see is left out."""
    ids = {row.article_id for rows in mails for row in rows}
    found = articles.by_ids(connection, [*ids]).records if ids else []
    return {record["id"]: letters.article(record) for record in found}
