"""Recipients that are refused while sending: isolated ones are suppressed, many in a row are not."""

import pytest
from sqlalchemy import text as sql

from newsapi.subscriptions import refusal_guard
from newsapi.subscriptions.refusal_guard import MAX_REFUSALS_IN_A_ROW, PAUSE_SECONDS, RefusalGuard
from newsapi.subscriptions.worker import MAX_SERVER_BACKOFF_SECONDS

UNKNOWN = "550 5.1.1 User unknown"
READERS = 15


@pytest.fixture
def count(database):
    def count(table="subscriber", where="email IS NOT NULL"):
        with database.read_transaction() as connection:
            return connection.execute(sql(f"SELECT count(*) FROM {table} WHERE {where}")).scalar()

    return count


@pytest.fixture
def readers(subscribe):
    """Readers of one domain, and as many of domains of their own."""

    def readers(domain="lettori.example"):
        emails = [f"reader{number}@{domain.format(number)}" for number in range(READERS)]
        for email in emails:
            subscribe(email)
        return emails

    return readers


@pytest.mark.parametrize("domain", ["lettori.example", "lettori{}.example"])
def test_a_server_that_reports_everybody_as_unknown_erases_few(
    readers, publish, server, work, count, listener, domain, capfd, clock
):
    emails = readers(domain)
    server.answer = lambda _: UNKNOWN
    publish("Prima")
    work()
    assert count() == READERS
    assert count("suppression", "true") == 0
    captured = capfd.readouterr()
    assert "emails paused" in captured.out + captured.err
    assert refusal_guard._PAUSED._value.get() >= 1
    tried = []
    server.answer = lambda email: tried.append(email) or UNKNOWN
    work()
    assert tried == []
    listener._clock = listener._guard._clock = lambda: 1e9  # the pause is over
    server.answer = lambda _: None
    publish("Seconda")
    work()
    work()
    assert {email for email in emails if len(server.to(email)) > 1} == {*emails}
    assert refusal_guard._PAUSED._value.get() == 0


def test_few_that_are_unknown_are_suppressed(readers, publish, server, work, count):
    emails = readers()
    server.answer = lambda email: UNKNOWN if email in emails[:3] else None
    publish()
    work()
    assert count() == READERS - 3
    assert count("suppression", "reason = 'bounce'") == 3


@pytest.mark.parametrize(
    "reply", ["553 5.1.8 <news@motori.example>: Domain of sender address does not exist", "550 5.7.1 Blocked by policy"]
)
def test_a_fault_of_the_sender_erases_nobody_and_stops(readers, publish, server, work, count, reply):
    readers()
    tried = []
    server.answer = lambda email: tried.append(email) or reply
    publish()
    work()
    assert count() == READERS
    assert len(tried) == MAX_REFUSALS_IN_A_ROW
    assert count("alert_delivery", "state = 'failed'") == MAX_REFUSALS_IN_A_ROW - 1


@pytest.mark.parametrize("reply", ["553 5.1.8 Domain of sender address does not exist", "550 5.1.1 User unknown"])
def test_a_refused_return_path_stops_all_and_loses_nothing(readers, publish, server, work, count, listener, reply):
    emails = readers()
    server.answer_sender = lambda _: reply
    publish()
    work()
    assert (listener._failures, count()) == (1, READERS)
    assert count("alert_delivery", "state = 'pending'") == READERS
    server.answer_sender = lambda _: None
    listener._server_retry_at = 0.0
    work()
    assert {email for email in emails if len(server.to(email)) == 2} == {*emails}
    assert MAX_SERVER_BACKOFF_SECONDS >= 1


def test_an_email_that_is_too_big_holds_no_other_up(readers, publish, server, work, count, subscribe):
    emails = readers()
    replies = iter(["552 5.3.4 Message size exceeds fixed limit"])
    server.answer_sender = lambda _: next(replies, None)
    publish()
    work()
    assert count("alert_delivery", "state = 'failed'") == 1
    assert sum(len(server.to(email)) == 2 for email in emails) == READERS - 1


# --- the guard alone --------------------------------------------------------------------------------------------------


class Time:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def guard():
    return RefusalGuard(Time())


def refuse(guard, number, domain="a.example", **more):
    return guard.record_refused(domain, bytes([number]), UNKNOWN, is_gone=True, **more)


def test_gone_addresses_are_taken_once(guard):
    assert not refuse(guard, 1)
    assert guard.take_gone() == {b"\x01"}
    assert guard.take_gone() == set()


def test_the_same_recipient_counts_once(guard):
    assert not any(refuse(guard, 1) for _ in range(50))


def test_an_accepted_email_ends_the_row(guard):
    for number in range(MAX_REFUSALS_IN_A_ROW - 1):
        assert not refuse(guard, number)
    guard.record_accepted("a.example")
    assert not refuse(guard, 99)
    assert not guard.is_paused("a.example")


def test_a_domain_that_refuses_all_does_not_stop_others(guard):
    for number in range(MAX_REFUSALS_IN_A_ROW + 5):
        refuse(guard, number)
    assert guard.is_paused("a.example")
    assert not guard.is_paused("b.example")
    assert not guard.is_paused()
    assert not refuse(guard, 100, "b.example")
    assert guard.take_gone() == {bytes([100])}


def test_the_domains_of_others_are_counted_together(guard):
    results = [refuse(guard, number, f"{number}.example") for number in range(MAX_REFUSALS_IN_A_ROW)]
    assert results == [False] * (MAX_REFUSALS_IN_A_ROW - 1) + [True]
    assert guard.is_paused()
    assert guard.take_gone() == set()


def test_one_attempt_is_made_after_the_pause(guard):
    for number in range(MAX_REFUSALS_IN_A_ROW):
        refuse(guard, number)
    guard._clock.now = PAUSE_SECONDS
    assert not guard.is_paused("a.example")
    assert refuse(guard, 200)
    assert guard.is_paused("a.example")
    assert guard.take_gone() == set()
    guard.record_accepted("a.example")
    assert not guard.is_paused("a.example")
