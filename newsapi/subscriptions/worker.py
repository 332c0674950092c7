"""The alert consumer: plans which subscribers get an email about a change, and sends the emails that are due.

A change is planned once for each subscriber, which a unique key guarantees. An email is checked again right before it
is sent: people who unsubscribed get none, and withdrawn articles are left out. It is sent outside any transaction and
then recorded, each email before the next. So only the email in progress when a worker was killed may be sent twice,
with the same Message-ID.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.content.queries import articles as article_queries
from newsapi.content.schemas.subscription_offer import FREQUENCIES
from newsapi.db.database import Connection
from newsapi.subscriptions import alert_queries, commands, digest_times, queries
from newsapi.subscriptions.alert_queries import AlertBatch
from newsapi.subscriptions.commands import IMMEDIATE_DELAY, SubscriptionContext
from newsapi.subscriptions.email_builder import EmailBuilder
from newsapi.subscriptions.emails import EmailArticle
from newsapi.subscriptions.mail_transport import PermanentFailure, ServerUnavailable, TemporaryFailure, Transport
from newsapi.subscriptions.refusal_guard import RefusalGuard
from newsapi.subscriptions.rows import DueAlert, FollowedTerm, NoticeRow
from newsapi.tracing import spans
from newsapi.worker.consumer import Consumer

log = structlog.get_logger("newsapi.alerts")

MAX_NEWS_AGE: Final = timedelta(days=2)
"""Older changes are no longer news: the worker or the mail server was unavailable."""

DIGEST_CLOSES_BEFORE: Final = timedelta(minutes=1)
"""Time before a digest after which nothing is added to it, so that it is complete when it is sent."""

SEND_SLICE_SECONDS: Final = 4.0
"""Seconds of sending before the changelog is read again; well below the duration of a lease."""

QUEUE_REFRESH_SECONDS: Final = 1.0
"""Seconds after which the due emails are read again, so that confirmations do not wait behind thousands of alerts."""

QUEUE_CHECK_SECONDS: Final = 10.0
"""Seconds between looks for the email that has waited longest."""

READ_BATCH: Final = 200
"""Maximum number of planned deliveries read at a time."""

RETRY_SCHEDULE: Final = tuple(timedelta(minutes=number) for number in (5, 15, 60, 240, 720, 1_440))
"""Delay after each temporary failure. Greylisting servers, for example, delay an email for minutes."""

MAX_SERVER_BACKOFF_SECONDS: Final = 300.0
"""Maximum seconds between attempts to reach an unavailable mail server."""

_EMAILS = Counter("newsapi_emails", "Emails, by outcome (sent, later, failed)", ["outcome"])
_QUEUE_AGE = Gauge(
    "newsapi_email_queue_age_seconds",
    "Seconds that the email that waits longest has been due",
    multiprocess_mode="livemostrecent",
)
_REFUSALS = Counter(
    "newsapi_email_refusals",
    "Emails that a mail server refused for good, by cause (recipient gone, host gone: the subscriber is deleted;"
    " refused: kept)",
    ["cause"],
)
_NIL_UUID: Final = UUID(int=0)


class AlertConsumer(Consumer):
    """Sends emails to subscribers."""

    name = "alerts"

    def __init__(
        self,
        context: SubscriptionContext,
        presentation: ArticlePresenter,
        transport: Transport,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the parts.

        Args:
            context: The database, the settings and the signer of tokens.
            presentation: Renders articles and builds URLs.
            transport: Sends emails.
            now: Returns the current time in UTC, timezone-aware.
            clock: Monotonic clock, in seconds.
        """
        self._context, self._database = context, context.database
        self._email_builder = EmailBuilder(context, presentation)
        self._transport = transport
        self._now, self._clock = now, clock
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mail")
        self._sending: Future[None] | None = None
        self._stop = threading.Event()
        self._cleaned_up_at: datetime | None = None
        self._queue_checked_at = float("-inf")
        self._failures, self._server_retry_at = 0, 0.0
        self._guard = RefusalGuard(clock)
        self._unplanned: deque[tuple[ChangeRow, set[int] | None]] = deque()

    @property
    def is_busy(self) -> bool:
        """Whether changes wait to be planned, or email is being sent."""
        return bool(self._unplanned) or self._sending is not None

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        self._queue(rows)
        finished = self._plan(self._clock() + SEND_SLICE_SECONDS)
        commands.process_requests(self._context, now=self._now())
        self._send()
        self._report_queue_age()
        self._clean_up()
        return finished

    def retry(self, rows: Sequence[ChangeRow]) -> None:
        unplanned, self._unplanned = self._unplanned, deque()
        try:
            self._queue(rows)
            self._plan(float("inf"))
        finally:
            self._unplanned = unplanned

    def reset(self) -> None:
        """Let the email in progress be sent, and no other: another worker may be about to take over."""
        self._unplanned.clear()
        self._stop.set()
        if self._sending is not None:
            wait([self._sending])
            self._sending = None
        self._stop.clear()

    # --- planning ---

    def _queue(self, rows: Sequence[ChangeRow]) -> None:
        """Queue changes for planning, with the followed facets of those that are news."""
        recent = [row for row in rows if row.committed_at > self._now() - MAX_NEWS_AGE]
        facets: dict[int, set[int]] = {}
        if recent:
            with self._database.read_transaction() as connection:
                newsworthy = alert_queries.list_newsworthy(connection, recent)
                facets = {
                    row.seq: alert_queries.list_followed_facets(connection, row.facets_after) for row in newsworthy
                }
        self._unplanned.extend((row, facets.get(row.seq)) for row in rows)

    def _plan(self, deadline: float) -> LogPosition | None:
        """Plan queued changes until the deadline; return the position of the last planned one."""
        finished = None
        while self._unplanned and self._clock() < deadline:
            row, facets = self._unplanned[0]
            if facets:
                # If a subscriber follows several terms, the most frequent subscription counts: it is planned first.
                for frequency in FREQUENCIES:
                    self._plan_for(row, facets, frequency)
            self._unplanned.popleft()
            finished = LogPosition(row.seq, row.nonce)
        return finished

    def _plan_for(self, row: ChangeRow, facets: set[int], frequency: str) -> None:
        """Plan a change for all subscribers of one frequency, in batches of one transaction each."""
        zones_by_due_at = self._group_by_due_time(facets, frequency, self._now())
        for due_at, zones in zones_by_due_at.items():
            after: UUID | None = _NIL_UUID
            while after is not None:
                with self._database.read_transaction() as connection:
                    until = alert_queries.find_batch_end(connection, facets, frequency, after)
                batch = AlertBatch(
                    facets=facets, frequency=frequency, zones=zones, due_at=due_at, after=after, until=until
                )
                with self._database.transaction() as session:
                    alert_queries.plan_deliveries(session, row, batch)
                after = until

    def _group_by_due_time(self, facets: set[int], frequency: str, now: datetime) -> dict[datetime, list[str] | None]:
        """Return the due times of emails of one frequency, each with its time zones (None for all)."""
        if frequency == "immediate":
            return {now + IMMEDIATE_DELAY: None}
        with self._database.read_transaction() as connection:
            zones = alert_queries.list_time_zones(connection, facets, frequency)
        zones_by_due_at: dict[datetime, list[str] | None] = {}
        for zone in zones:  # many zones share a time
            due_at = digest_times.next_digest_at(frequency, zone, now + DIGEST_CLOSES_BEFORE)
            zones_by_due_at[due_at] = [*(zones_by_due_at.get(due_at) or ()), zone]
        return zones_by_due_at

    # --- sending ---

    def _send(self) -> None:
        """Send emails in a separate thread, so that a server that hangs does not cost this consumer its lease."""
        is_due = self._clock() >= self._server_retry_at and not self._guard.is_paused()
        if self._sending is None and is_due:
            self._sending = self._pool.submit(self._send_until_deadline)
        if self._sending is not None:
            wait([self._sending], timeout=SEND_SLICE_SECONDS + 1)
            if self._sending.done():
                future, self._sending = self._sending, None
                self._record_server_state(future)

    def _record_server_state(self, future: Future[None]) -> None:
        """Delay the next attempt if the mail server was unavailable."""
        try:
            future.result()
        except ServerUnavailable as error:
            self._failures += 1
            backoff = min(MAX_SERVER_BACKOFF_SECONDS, 2.0 ** min(self._failures, 10))
            self._server_retry_at = self._clock() + backoff
            log.warning("mail server unavailable", cause=str(error), retry_in=backoff)
        else:
            self._failures = 0

    def _send_until_deadline(self) -> None:
        deadline = self._clock() + SEND_SLICE_SECONDS
        try:
            while self._clock() < deadline and self._send_batch(deadline):
                pass
            commands.suppress_hashes(self._context, self._guard.take_gone(), "bounce", now=self._now())
        finally:
            self._transport.close()

    def _send_batch(self, deadline: float) -> bool:
        """Read the emails that are due and send them for QUEUE_REFRESH_SECONDS; return False if there were none."""
        read_at, now = self._clock(), self._now()
        with self._database.read_transaction() as connection:
            confirmations = queries.list_due_notices(connection, now, 20)
            confirmation_terms = queries.list_terms(connection, {row.facet_id for row in confirmations})
            emails = alert_queries.list_ready_emails(connection, now, READ_BATCH)
            records = _email_articles(connection, emails, self._email_builder)
            terms = queries.list_terms(connection, {row.facet_id for rows in emails for row in rows})
        jobs: list[tuple[str, Callable[[], None]]] = [
            ("email confirmation", partial(self._send_confirmation, row, confirmation_terms.get(row.facet_id)))
            for row in confirmations
        ]
        jobs += [("email alert", partial(self._send_alert, rows, records, terms)) for rows in emails]
        for name, job in jobs:
            if self._must_stop() or self._clock() >= min(deadline, read_at + QUEUE_REFRESH_SECONDS):
                break
            with spans.span(name):
                job()
        return bool(jobs) and not self._must_stop()

    def _must_stop(self) -> bool:
        return self._stop.is_set() or self._guard.is_paused()

    def _send_confirmation(self, notice: NoticeRow, term: FollowedTerm | None) -> None:
        """Send the email about a subscription itself, if the mailbox may get one now; or else postpone or drop it."""
        now = self._now()
        with self._database.read_transaction() as connection:
            allowed_at = commands.mailable_from(connection, notice, now=now)
        if term is None or allowed_at is None or allowed_at > now:
            with self._database.transaction() as session:
                queries.update_subscription(session, notice.id, notice_due_at=allowed_at if term else None)
            return
        outcome, _ = self._send_email(self._email_builder.build_confirmation(notice, term), notice.email_hash)
        with self._database.transaction() as session:
            if outcome == "later":
                queries.update_subscription(session, notice.id, notice_due_at=now + RETRY_SCHEDULE[0])
            else:
                queries.mark_notice_sent(session, notice.id, notice.mailbox_hash, now)

    def _send_alert(
        self, rows: Sequence[DueAlert], records: Mapping[UUID, EmailArticle], terms: Mapping[int, FollowedTerm]
    ) -> None:
        """Send one alert with those of its articles that are public, and record the outcome."""
        first, now = rows[0], self._now()
        with self._database.read_transaction() as connection:
            deliverable = alert_queries.list_deliverable(connection, first.subscriber_id, [row.seq for row in rows])
        included = [
            row for row in rows if row.seq in deliverable and row.article_id in records and row.facet_id in terms
        ]
        outcome, retry_delay = "", None
        spans.current().set_attribute("newsapi.change.seqs", [row.seq for row in included])
        if included:
            email = self._email_builder.build_alert(included, records, terms)
            outcome, retry_delay = self._send_email(email, first.email_hash, first.attempts)
        seqs = {row.seq for row in included}
        dropped = {row.seq for row in rows} - seqs
        with self._database.transaction() as session:
            if dropped:
                alert_queries.record_outcome(session, first.subscriber_id, dropped, state="dropped", now=now)
            if retry_delay is not None:
                alert_queries.postpone(session, first.subscriber_id, seqs, now + retry_delay)
            elif included:
                alert_queries.record_outcome(session, first.subscriber_id, seqs, state=outcome, now=now)

    def _send_email(self, email: EmailMessage, email_hash: bytes, attempts: int = 0) -> tuple[str, timedelta | None]:
        """Send an email.

        Args:
            email: The email.
            email_hash: Hash of the address; the subscriber is deleted later if the address does not exist.
            attempts: Number of earlier attempts.

        Returns:
            The outcome ("sent", "later" or "failed"), and the delay before the next attempt, if there is one.

        Raises:
            ServerUnavailable: The server cannot be reached, or accepts no email at all.
        """
        outcome, cause = self._try_to_send(email, email_hash)
        retry_delay = None
        if outcome == "later":
            retry_delay = RETRY_SCHEDULE[attempts] if attempts < len(RETRY_SCHEDULE) else None
            outcome = "failed" if retry_delay is None else "later"
            log.info("email postponed", cause=cause, retry=retry_delay is not None)
        _EMAILS.labels(outcome).inc()
        return outcome, retry_delay

    def _try_to_send(self, email: EmailMessage, email_hash: bytes) -> tuple[str, str]:
        """Send an email once; return the outcome and, unless it was sent, the cause."""
        domain = str(email["To"]).rpartition("@")[2].rstrip(">").lower()
        if self._guard.is_paused(domain):
            return "later", "paused"
        try:
            with spans.span("SMTP send", kind="client"):
                self._transport.send(email)
        except TemporaryFailure as error:
            return "later", str(error)
        except PermanentFailure as error:
            _REFUSALS.labels(error.kind).inc()
            log.warning("email rejected", cause=str(error), kind=error.kind.value)
            is_suspicious = self._guard.record_refused(domain, email_hash, str(error), is_gone=error.kind.is_gone)
            return ("later" if is_suspicious else "failed"), str(error)
        self._guard.record_accepted(domain)
        return "sent", ""

    def _report_queue_age(self) -> None:
        """Set the metric of the queue, once in QUEUE_CHECK_SECONDS."""
        if self._clock() - self._queue_checked_at < QUEUE_CHECK_SECONDS:
            return
        self._queue_checked_at, now = self._clock(), self._now()
        with self._database.read_transaction() as connection:
            due_times = [alert_queries.find_oldest_ready(connection), queries.find_oldest_notice(connection)]
        waits = [(now - due_at).total_seconds() for due_at in due_times if due_at is not None]
        _QUEUE_AGE.set(max([0.0, *waits]))

    def _clean_up(self) -> None:
        now = self._now()
        if self._cleaned_up_at is None or now - self._cleaned_up_at >= timedelta(minutes=10):
            commands.purge_expired(self._context, now=now)
            self._database.truncate_write_ahead_log()
            self._cleaned_up_at = now


def _email_articles(
    connection: Connection, emails: Sequence[Sequence[DueAlert]], builder: EmailBuilder
) -> dict[UUID, EmailArticle]:
    """Return the articles of these emails by id, as the templates need them; only public ones."""
    ids = {row.article_id for rows in emails for row in rows}
    records = article_queries.get_many(connection, [*ids]).records if ids else []
    return {record["id"]: builder.build_article(record) for record in records}
