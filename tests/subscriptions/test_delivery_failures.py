"""The classification of refused deliveries, by reply, status and command."""

import pytest

from newsapi.subscriptions.delivery_failures import (
    MAX_TEXT_LENGTH,
    DeliveryFailure,
    FailureKind,
    classify_failure,
    redact,
)
from tests.support.cpu_seconds import least_cpu_seconds

ANNA, NEWS = "anna@lettori.example", "news@motor.example"

GONE = [
    ("550 5.1.1 <anna@lettori.example>: Recipient address rejected: User unknown in virtual mailbox table", ""),
    ("550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking the address", ""),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", ""),
    ("550 5.1.1 RESOLVER.ADR.RecipNotFound; not found", ""),
    ("550 5.4.1 [anna@lettori.example]: Recipient address rejected: Access denied. AS(201806281)", ""),
    ("554 delivery error: dd This user doesn't have a yahoo.com account (anna@lettori.example) [0]", "5.0.0"),
    ("550 #5.1.0 Address rejected.", "5.0.0"),
    ("550 Requested action not taken: mailbox unavailable", "5.5.0"),
    ("550 5.2.1 The email account that you tried to reach is disabled.", ""),
    ("550 sorry, no mailbox here by that name (#5.1.1 - chkusr)", ""),
    ("550 No such user", ""),
    ("551 5.1.6 The recipient has moved to another address", ""),
    ("553 5.3.0 <anna@lettori.example>... No such user here", "5.0.0"),
    ("553 Invalid recipient anna@lettori.example (Mode: normal)", "5.7.1"),
    ("550 5.1.1 User unknown in relay recipient table", ""),
    ("550 Utente sconosciuto", ""),
    ("", "5.1.1"),
    ("", "5.1.3"),
    ("550 5.1.1", "5.0.0"),
    ("550 5.1.1 <no-spam-please@lettori.example> user unknown", ""),
    ("550 5.1.1 host spam.blocked.example[192.0.2.1] said: user unknown", ""),
]
HOST_GONE = [
    ("Host or domain name not found. Name service error for name=lettori.example type=MX", "5.4.4"),
    ("550 Host unknown", ""),
    ('Unrouteable mail domain "lettori.example"', ""),
    ("all relevant MX records point to non-existent hosts", ""),
    ("550 5.4.4 Invalid domain", ""),
    ("556 5.1.10 Domain does not accept mail (null MX)", ""),
    ("", "5.1.10"),
    ("550 no", "5.1.2"),
]
STAYS = [
    # the sender
    ("553 5.1.8 <news@motor.example>... Domain of sender address does not exist", "5.1.8"),
    ("553 5.1.7 sender address rejected", "5.1.7"),
    ("550 5.1.0 <news@motor.example> sender rejected. AUP#CDRBL", "5.1.0"),
    ("550 5.1.0 Sender denied", "5.1.0"),
    ("550 5.1.1 Sender address rejected: User unknown in virtual mailbox table", "5.1.1"),
    ("550 Domain motor.example does not exist", "5.1.1"),
    ("550 <news@motor.example>: user unknown", "5.1.1"),
    ("550 Verification failed for <news@motor.example>: No such user here. Sender verify failed", "5.1.1"),
    ("550 5.7.26 This mail has been blocked because the sender is unauthenticated. SPF did not pass", ""),
    ("550 5.7.1 Unauthenticated email from motor.example is not accepted due to domain's DMARC policy.", ""),
    ("550 5.7.25 The IP address sending this message does not have a PTR record", ""),
    ("550 Invalid IP address", "5.1.1"),
    # reputation, policy, content
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "5.1.1"),
    ("550 rejected: see http://www.spamhaus.org/query/bl?ip=192.0.2.222", "5.1.3"),
    ("550 5.7.1 Relaying denied", "5.1.1"),
    ("550 relay not permitted", "5.1.1"),
    ("550 5.7.1 You are blocked", ""),
    ("554 5.6.0 Message content rejected", ""),
    ("554 Spam", ""),
    ("550 5.1.1 RCP-P2 refused due to recipient preferences", ""),
    ("550 5.7.133 Sender not authenticated for group; unknown recipient", ""),
    ("552 5.3.4 Message size exceeds fixed limit", ""),
    # rates and storage
    ("550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents delivery", "5.2.1"),
    ("550 5.1.1 Too many invalid recipients", "5.1.1"),
    ("552 5.2.2 over quota", "5.2.2"),
    ("550 user mailbox is full", "5.1.1"),
    ("552 5.2.2 Mailbox unknown state: full", ""),
    ("554 5.3.2 System not accepting network messages", ""),
    ("Name service error for domain lettori.example: Host not found, try again", ""),
    # nothing that could be understood
    ("550", ""),
    ("554 Transaction failed", "5.0.0"),
    ("550 Administrative prohibition", "5.5.0"),
    ("", ""),
]
LATER = [
    ("450 4.2.1 Grey", ""),
    ("451 4.1.1 <anna@lettori.example>: unverified address: user unknown", "5.1.1"),
    ("timed out", "4.4.1"),
    ("Host or domain name not found. Name service error for name=lettori.example: Host not found, try again", "4.4.3"),
    ("421 4.7.0 Try again later", ""),
    ("", "4.2.2"),
]


def classify(text, status="", **other):
    failure = DeliveryFailure(text=text, status=status, sender=NEWS, recipients=(ANNA,), **other)
    return classify_failure(failure)


@pytest.mark.parametrize(("text", "status"), GONE)
def test_a_recipient_is_gone(text, status):
    assert classify(text, status) is FailureKind.RECIPIENT_GONE


@pytest.mark.parametrize(("text", "status"), HOST_GONE)
def test_a_host_is_gone(text, status):
    assert classify(text, status) is FailureKind.HOST_GONE


def test_kinds_that_end_subscriptions():
    assert [kind.is_gone for kind in FailureKind] == [True, True, False, False]


@pytest.mark.parametrize(("text", "status"), STAYS)
def test_another_cause_leaves_the_recipient(text, status):
    assert classify(text, status) is FailureKind.REFUSED


@pytest.mark.parametrize(("text", "status"), LATER)
def test_a_temporary_failure_is_no_end(text, status):
    assert classify(text, status) is FailureKind.TEMPORARY


@pytest.mark.parametrize(("text", "status"), [*GONE, *HOST_GONE, *STAYS])
def test_what_is_said_to_the_sender_is_never_about_the_recipient(text, status):
    assert classify(text, status, command="MAIL") is FailureKind.REFUSED


def test_a_reply_to_the_message_is_about_the_recipient_only_with_a_status_that_says_so():
    """Filters of content claim that the recipient is unknown."""
    assert classify("550 User unknown", command="DATA") is FailureKind.REFUSED
    assert classify("550 5.2.1 User unknown", command="DATA") is FailureKind.REFUSED
    assert classify("550 5.1.1 User unknown", command="DATA") is FailureKind.RECIPIENT_GONE


def test_the_code_of_the_reply_decides_between_now_and_later():
    assert classify("User unknown", code=450) is FailureKind.TEMPORARY
    assert classify("User unknown", code=550) is FailureKind.RECIPIENT_GONE


def test_a_domain_that_is_shared_with_the_sender_can_be_named():
    failure = DeliveryFailure(
        text="550 5.1.1 user lucia@motor.example unknown", sender=NEWS, recipients=("lucia@motor.example",)
    )
    assert classify_failure(failure) is FailureKind.RECIPIENT_GONE


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "user " * 20_000, "sender" + " x" * 50_000, "@" * 50_000, "5.1." * 9_999]
)
def test_hostile_texts_cost_little(text):
    assert least_cpu_seconds(lambda n: (classify(f"{text}{n}"), redact(f"{text}{n}", ANNA))) < 0.05
    assert MAX_TEXT_LENGTH <= 2_000


def test_the_log_gets_no_address():
    text = "550 5.1.1 <anna@lettori.example>: Anna has no mailbox at lettori.example; ask postmaster@lettori.example"
    redacted = redact(text, ANNA)
    assert "lettori" not in redacted
    assert "anna" not in redacted.lower()
    assert redacted.startswith("550 5.1.1 <address>:")
