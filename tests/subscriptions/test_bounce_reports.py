"""Bounces and complaints about emails that were really sent: what they change, and what the command says."""

from dataclasses import replace
from mailbox import Maildir
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text as sql

from newsapi.cli.main import main
from newsapi.subscriptions.bounces import reports as bounce_reports
from newsapi.subscriptions.bounces.reports import MAX_DAILY_UNKNOWN_HOSTS, NoticeResult, apply_notice
from newsapi.subscriptions.mail_transport import make_transport
from tests.subscriptions.conftest import MailServer, NotifyingController, token
from tests.support.invariants import dump

ANNA, BRUNO = "anna@lettori.example", "bruno@lettori.example"
CASES = Path(__file__).with_name("cases")
CASE_TOKEN = "0123456789abcdef0123456789abcdef"

COMPLAINT = (
    "From: feedback@provider.example\nTo: complaints@motor.example\nSubject: FW\nMIME-Version: 1.0\n"
    'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
    "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nVersion: 1\n{fields}\n\n"
    "--b\nContent-Type: message/rfc822\n\n{returned}\n--b--\n"
)


@pytest.fixture
def sent(subscribe, publish, server, work):
    """The alert that was sent to Anna."""
    subscribe(ANNA)
    publish()
    work()
    (_, mail) = server.to(ANNA)
    return mail


@pytest.fixture
def case(sent):
    """A case about the email that was sent to Anna."""
    message_token = sent["Message-ID"].strip("<>").partition("@")[0]
    return lambda name: (CASES / f"{name}.eml").read_text().replace(CASE_TOKEN, message_token)


@pytest.fixture
def apply(box, clock):
    return lambda text: apply_notice(box, text.encode(), now=clock())


@pytest.fixture
def is_kept(database):
    def is_kept(email=ANNA):
        with database.read_transaction() as connection:
            emails = connection.execute(sql("SELECT email FROM subscriber")).scalars().all()
        return email in emails

    return is_kept


@pytest.fixture
def reasons(database):
    def reasons():
        with database.read_transaction() as connection:
            return connection.execute(sql("SELECT reason FROM suppression")).scalars().all()

    return reasons


@pytest.fixture
def run(settings, monkeypatch, tmp_path):
    """Run `newsapi suppressions import-bounces`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEWSAPI_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("NEWSAPI_SECRET_KEY", settings.secret_key)

    def run(*files, **options):
        return CliRunner().invoke(main, ["suppressions", "import-bounces", *map(str, files)], **options)

    return run


@pytest.mark.parametrize(
    ("name", "is_gone"),
    [
        ("b01-unknown", True),
        ("b03-sender-domain", False),
        ("b04-sender-syntax", False),
        ("b05-sender-blocked", False),
        ("b06-too-many", False),
        ("b10-mailbox-full", False),
        ("b11-delayed", False),
        ("b16-forged", False),
    ],
)
def test_cases(apply, case, is_kept, reasons, name, is_gone):
    result = apply(case(name))
    assert is_kept() is not is_gone
    assert reasons() == ["bounce"] * is_gone
    assert (result.suppressed, len(result.kept), result.not_ours) == (
        int(is_gone),
        int(not is_gone and name != "b16-forged"),
        int(name == "b16-forged"),
    )


def test_whoever_is_gone_is_not_written_to_again(apply, case, ask, publish, work, server, database):
    apply(case("b01-unknown"))
    assert "lettori" not in str(dump(database))
    sent = len(server.mails)
    ask(ANNA)
    publish("Ancora")
    work()
    assert len(server.mails) == sent


def test_an_unknown_message_changes_nothing(apply, is_kept, reasons):
    """The case names an email that was never sent, to an address that is known and to one that is not."""
    forged = (CASES / "b01-unknown.eml").read_text()
    assert apply(forged) == NoticeResult(not_ours=1)
    assert apply(forged.replace(ANNA, "nobody@lettori.example")) == NoticeResult(not_ours=1)
    assert reasons() == []


def test_a_notice_counts_only_for_the_recipient_of_the_email(apply, case, subscribe, is_kept, reasons):
    """Who received an email knows its token, but may not speak for others."""
    subscribe(BRUNO)
    forged = case("b01-unknown").replace(f"Recipient: rfc822;{ANNA}", f"Recipient: rfc822;{BRUNO}")
    assert apply(forged).not_ours == 1
    assert apply(case("b01-unknown").replace(ANNA, BRUNO)).not_ours == 1
    assert (is_kept(ANNA), is_kept(BRUNO), reasons()) == (True, True, [])


def test_a_changed_token_is_unknown(apply, case, sent, is_kept):
    message_token = sent["Message-ID"].strip("<>").partition("@")[0]
    for number in (0, 11, 12, 31):
        changed = message_token[:number] + ("0" if message_token[number] != "0" else "1") + message_token[number + 1 :]
        assert apply(case("b01-unknown").replace(message_token, changed)) == NoticeResult(not_ours=1)
    assert is_kept()


def test_case_of_addresses_and_tokens_does_not_matter(apply, case, is_kept):
    notice = case("b01-unknown")
    message_token = notice.rpartition("Message-ID: <")[2].partition("@")[0]
    assert apply(notice.replace(ANNA, ANNA.upper()).replace(message_token, message_token.upper())).suppressed == 1
    assert not is_kept()


def test_a_notice_is_applied_twice_without_harm(apply, case, reasons):
    assert [apply(case("b01-unknown")).suppressed for _ in range(2)] == [1, 1]
    assert reasons() == ["bounce"]


def test_a_confirmation_bounces_too(apply, ask, work, server, is_kept):
    ask(ANNA)
    work()
    (mail,) = server.to(ANNA)
    message_token = mail["Message-ID"].strip("<>").partition("@")[0]
    assert apply((CASES / "b01-unknown.eml").read_text().replace(CASE_TOKEN, message_token)).suppressed == 1
    assert not is_kept()


def test_the_return_path_names_the_email(apply, case, settings, subscribe, publish, server, work, listener, is_kept):
    """Some servers return neither the email nor its header."""
    listener._transport = make_transport(settings.smtp_url, "bounces@motori.example")
    subscribe(BRUNO)
    publish("Ancora")
    work()
    mail = server.to(BRUNO)[-1]
    message_token = mail["Message-ID"].strip("<>").partition("@")[0]
    assert mail.sender == f"bounces+{message_token}@motori.example"
    assert mail["Return-Path"] is None
    head, _, _ = case("b01-unknown").replace(ANNA, BRUNO).partition("--b1\nContent-Type: text/rfc822-headers")
    assert apply(head).not_ours == 1
    for field in ("To", "Delivered-To", "X-Original-To"):
        assert apply(f"{field}: {mail.sender}\n{head}").suppressed == 1
    assert not is_kept(BRUNO)


def test_without_a_return_path_bounces_go_to_the_sender(sent):
    assert sent.sender == "news@motori.example"


# --- complaints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["abuse", "opt-out", "fraud", "not-spam", "auth-failure"])
def test_complaints(apply, sent, is_kept, reasons, kind):
    headers = f"To: {ANNA}\nMessage-ID: {sent['Message-ID']}\n"
    result = apply(COMPLAINT.format(kind=kind, fields=f"Original-Rcpt-To: {ANNA}", returned=headers))
    counts = kind in {"abuse", "opt-out"}
    assert (result.suppressed, len(result.kept)) == (int(counts), int(not counts))
    assert reasons() == ["complaint"] * counts
    assert is_kept() is not counts


def test_a_complaint_about_an_email_of_others_changes_nothing(apply, sent, is_kept):
    headers = f"To: {ANNA}\nMessage-ID: <{CASE_TOKEN}@motori.example>\n"
    complaint = COMPLAINT.format(kind="abuse", fields=f"Original-Rcpt-To: {ANNA}", returned=headers)
    assert apply(complaint) == NoticeResult(not_ours=1)
    assert is_kept()


@pytest.mark.parametrize("fields", ["", "Original-Rcpt-To: redacted@provider.example"])
def test_a_complaint_that_hides_the_recipient_counts_by_the_links_of_the_email(apply, sent, is_kept, reasons, fields):
    headers = f"List-Unsubscribe: {sent['List-Unsubscribe']}\nMessage-ID: {sent['Message-ID']}\n"
    assert apply(COMPLAINT.format(kind="abuse", fields=fields, returned=headers)).suppressed == 1
    assert (is_kept(), reasons()) == (False, ["complaint"])


@pytest.mark.parametrize("kind", ["auth-failure", "abuse"])
def test_links_of_an_email_count_only_in_complaints(apply, sent, is_kept, kind):
    link = sent["List-Unsubscribe"] if kind == "auth-failure" else f"<https://x.example/?token=leave_{'a' * 71}>"
    complaint = COMPLAINT.format(kind=kind, fields="", returned=f"List-Unsubscribe: {link}\n")
    assert apply(complaint) == NoticeResult(not_ours=1)
    assert is_kept()


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def bounce_of(box, make, clock):
    """Subscribe a reader, and return the bounce of an email to it."""

    def bounce_of(email, fields="Status: 5.1.1"):
        signer = box.token_signer
        message_token = signer.message_token("an email", signer.hash_email(email))
        notice = (CASES / "b01-unknown.eml").read_text().replace(CASE_TOKEN, message_token).replace(ANNA, email)
        head, _, rest = notice.partition("Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n")
        return f"{head}{fields}\n{rest}"

    return bounce_of


def test_when_the_mail_server_has_no_dns_few_are_suppressed(apply, bounce_of, reasons, clock, run, tmp_path):
    """A resolver that knows no host makes every host unknown."""
    fields = (
        "Status: 5.4.4\nDiagnostic-Code: X-Postfix; Host or domain name not found. Name service error: Host not found"
    )
    results = [apply(bounce_of(f"anna@lettori{number}.example", fields)) for number in range(12)]
    assert [result.suppressed for result in results] == [1] * MAX_DAILY_UNKNOWN_HOSTS + [0, 0]
    assert results[-1].held_back == ("host gone (5.4.4)",)
    assert reasons() == ["unknown host"] * MAX_DAILY_UNKNOWN_HOSTS
    assert apply(bounce_of("bruno@lettori.example")).suppressed == 1
    clock.forward(days=1, seconds=1)
    assert apply(bounce_of("anna@lettori99.example", fields)).suppressed == 1


def test_the_command_asks_the_mail_server_to_try_again(run, bounce_of, tmp_path):
    fields = "Status: 5.1.2\nDiagnostic-Code: smtp; 550 Host unknown"
    notices = [bounce_of(f"anna@lettori{number}.example", fields) for number in range(11)]
    (tmp_path / "all.mbox").write_text("".join(f"From a Sun Nov 29 06:00:00 2026\n{notice}\n\n" for notice in notices))
    done = run("all.mbox")
    assert done.exit_code == 75
    assert done.stdout.splitlines() == ["10 suppressed", "1 held back: too many addresses in a day"]
    assert done.stderr.splitlines()[0] == "all.mbox, message 11: held back: host gone (5.1.2)"
    assert "look for a fault of the own mail server" in done.stderr


def test_a_day_of_bounces_erases_a_share_of_the_subscribers_at_most(apply, bounce_of, monkeypatch, reasons, subscribe):
    monkeypatch.setattr(bounce_reports, "MIN_DAILY_BOUNCES", 2)
    emails = [f"reader{number}@lettori.example" for number in range(12)]
    for email in emails:
        subscribe(email)
    monkeypatch.setattr(bounce_reports, "MAX_DAILY_BOUNCE_SHARE", 0.25)
    results = [apply(bounce_of(email)).suppressed for email in emails[:5]]
    assert results == [1, 1, 1, 0, 0]
    assert len(reasons()) == 3


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_did(run, case, tmp_path, is_kept):
    names = ("b06-too-many", "b16-forged", "b01-unknown")
    for name in names:
        (tmp_path / f"{name}.eml").write_text(case(name))
    (tmp_path / "other.eml").write_text("From: anna@lettori.example\nSubject: Hello\n\nHow are you?\n")
    done = run(*(f"{name}.eml" for name in names), "other.eml")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "1 suppressed",
        "1 not suppressed: the address may still exist",
        "1 not suppressed: not about an email sent from here to that address",
        "1 ignored: neither a bounce message nor a complaint",
    ]
    assert done.stderr.splitlines() == [
        "b06-too-many.eml: refused (5.2.1)",
        "b16-forged.eml: not about an email sent from here to that address",
        "other.eml: neither a bounce message nor a complaint",
    ]
    assert "lettori" not in done.output
    assert not is_kept()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_mbox_file(run, case, tmp_path, line_end, is_kept):
    text = "".join(
        f"From MAILER-DAEMON Sun Nov 29 06:00:00 2026\n{case(name)}\n>From a line of the text\n\n"
        for name in ("b10-mailbox-full", "b01-unknown")
    )
    (tmp_path / "bounces.mbox").write_bytes(text.replace("\n", line_end).encode())
    done = run("bounces.mbox")
    assert done.stdout.splitlines() == ["1 suppressed", "1 not suppressed: the address may still exist"]
    assert done.stderr == "bounces.mbox, message 1: refused (5.2.2)\n"
    assert not is_kept()


def test_a_maildir(run, case, tmp_path, is_kept):
    folder = Maildir(tmp_path / "bounces")
    for name in ("b10-mailbox-full", "b01-unknown"):
        folder.add(case(name))
    assert run("bounces").stdout.splitlines()[0] == "1 suppressed"
    assert not is_kept()


def test_standard_input(run, case, is_kept):
    done = run(input=case("b01-unknown"))
    assert (done.exit_code, done.output) == (0, "1 suppressed\n")
    assert not is_kept()


@pytest.mark.one_database
def test_files_without_any_notice_are_an_error(run, tmp_path):
    (tmp_path / "other.eml").write_text("From: anna@lettori.example\nSubject: Hello\n\nHow are you?\n")
    (tmp_path / "empty").mkdir()
    for name in ("other.eml", "empty"):
        done = run(name)
        assert (done.exit_code, "No bounce message" in done.stderr) == (1, True)
    assert run("missing.eml").exit_code == 2
    assert run(input="From: anna@lettori.example\nSubject: Hello\n\nHow are you?\n").exit_code == 0


# --- sending ----------------------------------------------------------------------------------------------------------


def test_headers_of_an_alert(sent):
    """RFC 8058: one link and the field that allows to post to it, each once and unfolded."""
    raw = sent.raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    (link,) = (line for line in raw if line.lower().startswith(b"list-unsubscribe:"))
    assert link.startswith(b"List-Unsubscribe: <https://api.example.com/v1/subscriptions/unsubscribe?token=leave_")
    assert link.endswith(b">")
    assert raw.count(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click") == 1
    assert [sum(line.lower().startswith(name) for line in raw) for name in (b"message-id:", b"date:", b"from:")] == [
        1
    ] * 3


def test_a_confirmation_is_no_list_email(ask, work, server):
    ask(ANNA)
    work()
    (mail,) = server.to(ANNA)
    assert token(mail, "confirm")
    assert mail["List-Unsubscribe"] is mail["List-Unsubscribe-Post"] is mail["Precedence"] is None


def test_a_token_is_of_one_recipient_and_one_key(box):
    signer = box.token_signer
    anna, bruno = (signer.hash_email(email) for email in (ANNA, BRUNO))
    message_token = signer.message_token("a", anna)
    assert signer.is_message_token(message_token, anna)
    assert message_token == signer.message_token("a", anna) != signer.message_token("b", anna)
    assert not signer.is_message_token(message_token, bruno)
    other = replace(box, token_signer=type(signer)(box.database, "another secret of thirty-two char")).token_signer
    assert not other.is_message_token(message_token, anna)
    for text in ("", "x" * 32, message_token[:-2], "é" * 32):
        assert not signer.is_message_token(text, anna)


class NotifyingServer(MailServer):
    def __init__(self):
        super().__init__(NotifyingController)

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]


@pytest.mark.parametrize(
    ("address", "original"), [(ANNA, ANNA), ("anna+a=b@lettori.example", "anna+2Ba+3Db@lettori.example")]
)
def test_a_server_that_sends_notifications_is_asked_to_name_the_recipient(ask, work, listener, address, original):
    """RFC 3461: `Original-Recipient` of a bounce is then the address that we wrote to."""
    server = NotifyingServer()
    try:
        listener._transport = make_transport(server.url)
        ask(address)
        work()
    finally:
        server.close()
    assert [mail["To"] for mail in server.to(address)] == [address]
    assert server.options == ["RET=HDRS", "NOTIFY=FAILURE", f"ORCPT=rfc822;{original}"]
