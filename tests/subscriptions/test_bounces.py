"""Bounce messages of many mail servers, and complaints: whom they report, and as what."""

import base64
import quopri
import time
from pathlib import Path

import pytest

from newsapi.subscriptions.bounces.notices import parse_bounce, parse_notice
from newsapi.subscriptions.delivery_failures import FailureKind

ANNA, BRUNO = "anna@lettori.example", "bruno@lettori.example"
TOKEN = "0123456789abcdef0123456789abcdef"
CASES = Path(__file__).with_name("cases")

RETURNED = f"From: news@motor.example\nTo: {ANNA}\nSubject: Land Rover\nMessage-ID: <{TOKEN}@motor.example>\n"

GONE, REFUSED, LATER = FailureKind.RECIPIENT_GONE, FailureKind.REFUSED, FailureKind.TEMPORARY


def report(*blocks, text="Your message could not be delivered.", status_type="message/delivery-status"):
    """A bounce message of RFC 3464 with a block of fields for each recipient."""
    return "\n".join(
        [
            "From: MAILER-DAEMON@mx.example (Mail Delivery System)",
            "To: news@motor.example",
            "Subject: Undelivered Mail Returned to Sender",
            "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
            f"\n--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n",
            f"--b\nContent-Type: {status_type}\n\nReporting-MTA: dns; mx.example\n",
            *(f"{block}\n" for block in blocks),
            f"--b\nContent-Type: text/rfc822-headers\n\n{RETURNED}\n--b--\n",
        ]
    ).encode()


def plain(text, sender="MAILER-DAEMON@mx.example", subject="Undelivered Mail"):
    """A bounce message that is text alone."""
    return f"From: {sender}\nTo: news@motor.example\nSubject: {subject}\n\n{text}".encode()


def block(email=ANNA, action="failed", status="5.1.1", reply="550 5.1.1 User unknown"):
    diagnostic = f"\nDiagnostic-Code: smtp; {reply}" if reply else ""
    return f"Final-Recipient: rfc822;{email}\nAction: {action}\nStatus: {status}{diagnostic}"


def kinds(message):
    return {report.emails[0]: report.kind for report in parse_notice(message).reports}


@pytest.mark.parametrize("case", sorted(CASES.glob("*.eml")), ids=lambda path: path.stem)
def test_cases(case):
    """Those about an unknown recipient name one; whether we wrote to it is checked by its token."""
    is_gone = case.stem in {"b01-unknown", "b16-forged"}
    assert parse_bounce(case.read_bytes()) == ([ANNA] if is_gone else [])


def test_names_of_fields_and_values_know_no_case():
    message = report(f"FINAL-RECIPIENT: RFC822; {ANNA}\nACTION: Failed\nSTATUS: 5.1.1")
    assert kinds(message) == {ANNA: GONE}


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_line_ends_of_other_systems(end):
    assert kinds(report(block()).replace(b"\n", end)) == {ANNA: GONE}


def test_each_recipient_is_reported_on_its_own():
    other = block(BRUNO, status="5.2.2", reply="552 5.2.2 over quota")
    third = block("carla@lettori.example", action="delayed", status="4.4.1", reply="timed out")
    fourth = block("dino@lettori.example", action="relayed", status="2.0.0", reply="")
    message = report(block(), other, third, fourth)
    assert kinds(message) == {
        ANNA: GONE,
        BRUNO: REFUSED,
        "carla@lettori.example": LATER,
        "dino@lettori.example": None,
    }
    assert parse_bounce(message) == [ANNA]


def test_blocks_that_are_not_separated():
    assert kinds(report(f"{block()}\n{block(BRUNO, status='5.2.2', reply='552 full')}")) == {ANNA: GONE, BRUNO: REFUSED}


@pytest.mark.parametrize(
    "fields",
    [
        f"Original-Recipient: rfc822;{ANNA}\nFinal-Recipient: rfc822;inbox@internal.example",
        f"Final-Recipient: rfc822;<{ANNA}>",
        f"Final-Recipient: {ANNA}",
        f"Final-Recipient: rfc822;\n {ANNA} (Anna)",
        f"Final-Recipient: RFC822;{ANNA.upper()}",
        f"Original-Recipient: rfc822;\nFinal-Recipient: rfc822;{ANNA}",
    ],
)
def test_recipients_as_they_are_written(fields):
    message = report(f"{fields}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown user")
    assert [email.lower() for email in parse_bounce(message)] == [ANNA]


def test_every_name_of_a_recipient_is_tried():
    message = report(
        f"Original-Recipient: rfc822;{ANNA}\nFinal-Recipient: rfc822;{BRUNO}\nAction: failed\nStatus: 5.1.1"
    )
    (one,) = parse_notice(message).reports
    assert one.emails == (ANNA, BRUNO)


@pytest.mark.parametrize("status_type", ["message/delivery-status", "message/global-delivery-status"])
@pytest.mark.parametrize("address", [r"anna@citt\x{E0}.example", "anna@città.example"])
def test_international_addresses(status_type, address):
    """RFC 6533: characters outside ASCII, as they are or escaped."""
    message = report(
        f"Final-Recipient: utf-8;{address}\nAction: failed\nStatus: 5.1.1", status_type=f"{status_type}; charset=utf-8"
    )
    assert parse_bounce(message) == ["anna@xn--citt-3na.example"]


def test_the_reply_of_the_server_counts_more_than_the_status_of_the_reporter():
    assert kinds(report(block(status="5.0.0"))) == {ANNA: GONE}
    assert kinds(report(block(status="5.1.1", reply="550 5.7.1 Spam"))) == {ANNA: REFUSED}
    assert kinds(report(block(status="5.1.1", reply="450 4.2.0 Greylisted"))) == {ANNA: LATER}
    assert kinds(report(block(status="5.7.1", reply="553 Invalid recipient"))) == {ANNA: GONE}


def test_the_text_decides_where_the_fields_are_vague():
    text = f"<{ANNA}>: the address couldn't be found."
    assert kinds(report(block(status="5.0.0", reply=""), text=text)) == {ANNA: GONE}
    assert kinds(report(block(status="5.0.0", reply=""), text=f"<{ANNA}>: mailbox is full")) == {ANNA: REFUSED}
    assert kinds(report(block(status="5.0.0", reply=""))) == {ANNA: REFUSED}


def test_the_command_that_was_refused_counts():
    """Filters of content claim that the recipient is unknown; a server that names the sender is not about others."""
    at_end = "550 User unknown (in reply to end of DATA command)"
    assert kinds(report(block(status="5.0.0", reply=at_end))) == {ANNA: REFUSED}
    at_sender = "550 5.1.1 User unknown (in reply to MAIL FROM command)"
    assert kinds(report(block(reply=at_sender))) == {ANNA: REFUSED}
    pipelined = f"<{ANNA}>\n>>> DATA\n<<< 550 User unknown\n<<< 554 5.5.1 Error: no valid recipients"
    assert kinds(report(block(status="5.0.0", reply="550 User unknown"), text=pipelined)) == {ANNA: GONE}


QMAIL = f"""Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{ANNA}>:
192.0.2.1 does not like recipient.
Remote host said: %s
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <news@motor.example>
{RETURNED}"""

EXIM = f"""This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {ANNA}
    host mx.lettori.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<{ANNA}>:
    %s

------ This is a copy of the message, including all the headers. ------

{RETURNED}"""

POSTFIX = f"""This is the Postfix program at host mx.example.

I'm sorry to have to inform you that your message could not be delivered.

<{ANNA}>: host mx.lettori.example[192.0.2.1] said: %s
    (in reply to RCPT TO command)

{RETURNED}"""

EXCHANGE = f"""Your message did not reach some or all of the intended recipients.

      Subject:  Land Rover

The following recipient(s) could not be reached:

      {ANNA} on 11/29/2026 6:00 AM
            %s

Original message headers:

{RETURNED}"""

SENDMAIL = f"""   ----- The following addresses had permanent fatal errors -----
<{ANNA}>

   ----- Transcript of session follows -----
... while talking to mx.lettori.example.:
>>> RCPT To:<{ANNA}>
<<< %s

   ----- Original message follows -----

{RETURNED}"""


@pytest.mark.parametrize(
    "dialect", [QMAIL, EXIM, POSTFIX, EXCHANGE, SENDMAIL], ids="qmail exim postfix exchange sendmail".split()
)
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("550 5.1.1 User unknown", GONE),
        ("550 No such user", GONE),
        ("552 5.2.2 mailbox is full", REFUSED),
        ("553 5.1.8 Domain of sender address news@motor.example does not exist", REFUSED),
        ("554 5.7.1 blocked using zen.spamhaus.org", REFUSED),
        ("450 4.2.1 try again later", LATER),
    ],
)
def test_bounces_without_fields(dialect, reply, kind):
    notice = parse_notice(plain(dialect % reply))
    assert [(report.emails[0], report.kind) for report in notice.reports] == [(ANNA, kind)]
    assert TOKEN in notice.message_tokens


def test_the_field_of_exim_names_the_recipient():
    message = plain("550 5.1.1 no such user", subject=f"Mail delivery failed\nX-Failed-Recipients: {ANNA}")
    assert parse_bounce(message) == [ANNA]


def test_a_report_with_a_wrong_boundary_or_that_was_forwarded():
    assert parse_bounce(report(block()).replace(b'boundary="b"', b'boundary="other"')) == [ANNA]
    quoted = "\n".join(f"> {line}" for line in report(block()).decode().splitlines())
    assert parse_bounce(plain(quoted, sender="postmaster@motor.example", subject="Fwd: Returned mail")) == [ANNA]


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_fields_that_are_encoded(encoding):
    fields = f"Reporting-MTA: dns; mx.example\n\n{block()}\n".encode()
    encoded = base64.encodebytes(fields) if encoding == "base64" else quopri.encodestring(fields)
    message = report().replace(
        b"message/delivery-status\n\nReporting-MTA: dns; mx.example\n",
        b"message/delivery-status\nContent-Transfer-Encoding: " + encoding.encode() + b"\n\n" + encoded,
    )
    assert parse_bounce(message) == [ANNA]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: Land Rover", "I am out of the office. The mailbox anna@lettori.example no longer exists."),
        ("Land Rover", "550 5.1.1 User unknown, says my friend bruno@lettori.example"),
        ("Automatic reply", "This user does not exist any longer: anna@lettori.example"),
    ],
)
def test_mail_of_people_is_no_bounce(subject, text):
    assert parse_notice(plain(text, sender="anna@lettori.example", subject=subject)) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"x",
        b"\x00\xff" * 1_000,
        b"From: MAILER-DAEMON\n\n",
        b"Content-Type: multipart/report; report-type=delivery-status\n\n--\n",
        b"Content-Type: message/delivery-status\n\n\n\n\n",
        b"Content-Type: message/feedback-report\n\n",
        report(block("no address")),
        report().replace(b"charset=utf-8", b"charset=utf-7").replace(b"Your message", b"+2AA- +2AA-"),
        b'From: postmaster\nContent-Type: text/plain; charset="a\x00b"\n\ntext',
        report("Final-Recipient: utf-8;anna@\\x{D800}\\x{FFFFFF}.example\nAction: failed\nStatus: 5.1.1"),
        report(block()).replace(b"utf-8", b"no-such-charset").replace(b"anna@", b"\xff\xfe@"),
        b'Content-Type: multipart/report; boundary="a"\n\n'
        + b'--a\nContent-Type: multipart/mixed; boundary="a"\n\n' * 50,
    ],
)
def test_what_is_no_bounce_reports_nobody(message):
    assert parse_bounce(message) == []


@pytest.mark.real_time
@pytest.mark.parametrize(
    "body",
    [
        "a" * 500_000,
        "<" * 500_000,
        "a@" * 200_000,
        "From: a\n" * 50_000,
        "\n" * 300_000,
        f"Final-Recipient: rfc822;{ANNA}\nAction: failed\n" * 5_000,
        f"<{ANNA}>\n" * 20_000,
        "550 " * 100_000,
    ],
    ids="line brackets addresses headers empty recipients listed codes".split(),
)
def test_hostile_messages_cost_little(body):
    for message in (plain(body), report(block(), text=body), report(body)):
        start = time.perf_counter()
        parse_notice(message)
        assert time.perf_counter() - start < 5


# --- complaints -------------------------------------------------------------------------------------------------------


def complaint(kind="abuse", fields=f"Original-Rcpt-To: <{ANNA}>", returned=RETURNED):
    return (
        "From: feedback@provider.example\nTo: complaints@motor.example\nSubject: FW: Land Rover\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nVersion: 1\n{fields}\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\nText\n\n--b--\n"
    ).encode()


@pytest.mark.parametrize(
    ("kind", "counts"),
    [("abuse", True), ("Abuse", True), ("opt-out", True)]
    + [(kind, False) for kind in ("fraud", "virus", "other", "not-spam", "auth-failure", "dmarc", "")],
)
def test_complaints_count_by_their_type(kind, counts):
    notice = parse_notice(complaint(kind))
    assert notice.is_complaint is counts
    assert notice.reports[0].emails == (ANNA,)
    assert TOKEN in notice.message_tokens
    assert parse_bounce(complaint(kind)) == []


def test_the_recipient_of_a_complaint_is_also_read_from_the_returned_email():
    assert [one.emails for one in parse_notice(complaint(fields="Reported-Domain: motor.example")).reports] == [(ANNA,)]


def test_a_complaint_that_hides_the_recipient_has_the_links_of_the_email():
    link = f"List-Unsubscribe: <https://api.example/v1/subscriptions/unsubscribe?token=leave_{'a' * 71}>\n"
    notice = parse_notice(complaint(fields="", returned=link + "To: undisclosed\n"))
    assert (notice.reports, notice.leave_tokens) == ((), {f"leave_{'a' * 71}"})


def test_complaints_of_outlook_mark_the_returned_email():
    message = (
        "From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: message/rfc822\n\n'
        f"X-HmXmrOriginalRecipient: {ANNA}\n{RETURNED}\nText\n--b--\n"
    )
    notice = parse_notice(message.encode())
    assert (notice.is_complaint, notice.reports[0].emails) == (True, (ANNA,))
