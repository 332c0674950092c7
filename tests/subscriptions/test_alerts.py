"""What is sent: to whom, of what, when, and once; and what becomes of it where a server will not have it."""

import re
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import text as sql

from newsapi.app import WRITE_HOOKS
from newsapi.editing import merges, scheduler
from newsapi.imports import loader as import_loader
from newsapi.subscriptions import digest_times
from newsapi.subscriptions.commands import IMMEDIATE_DELAY
from newsapi.subscriptions.messages import LANGUAGES, MESSAGES, format_long_date
from newsapi.subscriptions.worker import MAX_NEWS_AGE, RETRY_SCHEDULE
from tests.subscriptions.conftest import text, token, tokens
from tests.support.import_records import article, lines
from tests.support.invariants import dump
from tests.support.metrics import metric

LUCIA = "lucia@lettori.example"


def alerts(server, address=LUCIA):
    return [mail for mail in server.to(address) if mail["List-Unsubscribe"]]


def subjects(server, address=LUCIA):
    return [mail["Subject"] for mail in alerts(server, address)]


def test_a_mail_says_all_it_should(subscribe, editor, server, work, make):
    make.section("curiosita", name="Curiosità")
    make.author("francesco-donnici", name="Francesco Donnici")
    subscribe()
    image = {"url": "https://motori.example/foto.jpg", "alt": "Una <Velar>", "width": 1600, "height": 900}
    made = editor.write(
        headline="L’auto <che> verrà & perché: è già realtà",
        standfirst="Così l’ha pensata <b>chi</b> l’ha disegnata.",
        brand="land-rover",
        section="curiosita",
        authors=["francesco-donnici"],
        image=image,
        status="published",
        published_at="2016-07-26T10:00:00+02:00",
    )
    work()
    (mail,) = alerts(server)
    assert mail["Subject"] == "Land Rover: L’auto <che> verrà & perché: è già realtà"
    assert str(mail["From"]) in {'"Motori & Caffè" <news@motori.example>', "Motori & Caffè <news@motori.example>"}
    assert mail["To"] == LUCIA
    assert (mail["Auto-Submitted"], mail["Precedence"]) == ("auto-generated", "bulk")
    assert (mail["Content-Language"], mail["List-Id"]) == ("it", "<alerts.motori.example>")
    assert re.fullmatch(r"<[0-9a-f]{32}@motori\.example>", mail["Message-ID"])
    assert mail["List-Unsubscribe"].startswith("<https://api.example.com/v1/subscriptions/unsubscribe?token=leave_")
    assert b"List-Unsubscribe: <https://api.example.com/v1" in mail.raw
    plain, html = text(mail), text(mail, "html")
    for words in ("CURIOSITÀ", "di Francesco Donnici | 26 luglio 2016", "Così l’ha pensata", "Annulla l’iscrizione: "):
        assert words in plain
    assert "L’auto &lt;che&gt; verrà &amp; perché" in html
    assert "<b>chi" not in html
    assert 'alt="Una &lt;Velar&gt;"' in html
    assert f"https://api.example.com/v1/articles/{made['slug']}" in plain
    assert "https://motori.example/privacy" in html
    assert max(len(line) for line in mail.raw.split(b"\r\n") if not line.startswith(b"List-Unsub")) <= 998


def test_the_age_of_the_queue_is_that_of_the_email_that_waits_longest(
    subscribe, publish, server, listener, work, clock
):
    subscribe()
    server.answer_sender = lambda _address: "421 later"
    publish()
    work(later=timedelta(seconds=60))
    clock.forward(seconds=40)
    listener._queue_checked_at = float("-inf")
    work(later=timedelta())
    assert metric("newsapi_email_queue_age_seconds") == pytest.approx(100 - IMMEDIATE_DELAY.total_seconds(), abs=1)
    server.answer_sender = lambda _address: None
    listener._server_retry_at = 0.0
    work()
    listener._queue_checked_at = float("-inf")
    work()
    assert len(alerts(server)) == 1
    assert metric("newsapi_email_queue_age_seconds") == 0


def test_english_is_written_in_english(subscribe, publish, server, work):
    mail = subscribe(language="en-GB")
    publish()
    work()
    assert mail["Subject"] == "Please confirm: updates on Land Rover"
    assert "You receive this email because you asked for updates on Land Rover on November 1, 2026." in text(
        alerts(server)[0]
    )


def test_other_languages_are_answered_in_ours(subscribe):
    assert subscribe(language="de")["Subject"] == "Conferma: aggiornamenti su Land Rover"


def test_every_phrase_is_there_in_every_language():
    assert {frozenset(MESSAGES[language]) for language in LANGUAGES} == {frozenset(MESSAGES["it"])}
    for name, words in MESSAGES["it"].items():
        assert re.findall(r"\{\w*\}", words) == re.findall(r"\{\w*\}", MESSAGES["en"][name]) or name == "why", name
    straight = [words for words in MESSAGES["it"].values() if "'" in words]
    assert straight == []


def test_only_news_is_told(subscribe, editor, publish, server, work):
    subscribe()
    told = publish("Prima")
    work()
    told = editor.change(told, headline="Prima, con un refuso in meno")
    told = editor.change(told, update_type="correction", correction="Il nome era sbagliato.")
    work()
    assert subjects(server) == ["Land Rover: Prima"]
    told = editor.change(told, headline="Prima, ora con i prezzi", update_type="major")
    work()
    assert subjects(server)[1:] == ["Land Rover: Prima, ora con i prezzi"]
    told = editor.change(told, status="draft")
    editor.change(told, status="published")
    work()
    assert len(subjects(server)) == 2


def test_what_was_published_before_somebody_confirmed_is_not_told(ask, publish, server, work, post, clock):
    clock.time = datetime.now(UTC) + timedelta(hours=1)  # later than the brand, as commits never go back in time
    ask()
    work()
    publish()
    clock.forward(seconds=1)
    assert post("confirm", {"token": token(server.to(LUCIA)[-1], "confirm")}).status_code == 204
    work()
    assert alerts(server) == []
    publish("Ancora")
    work()
    assert subjects(server) == ["Land Rover: Ancora"]


def test_drafts_and_other_brands_and_mentions_are_not_told(subscribe, editor, publish, server, work, make):
    make.brand("jaguar")
    subscribe()
    editor.write(headline="Bozza", brand="land-rover")
    publish("Altra", brand="jaguar", mentions=["land-rover"])
    work()
    assert subjects(server) == []


def test_an_hour_that_comes_is_news(subscribe, editor, server, work, clock, app):
    subscribe()
    editor.write(
        headline="Domani", brand="land-rover", status="scheduled", published_at=(clock() + timedelta(1)).isoformat()
    )
    work()
    clock.forward(days=1)
    scheduler.run_due(app.extensions["newsapi"].write_context)
    work()
    assert subjects(server) == ["Land Rover: Domani"]


def test_who_follows_a_group_is_told_of_its_children(subscribe, editor, server, work, make):
    make.brand("gruppo", name="Gruppo")
    make.brand("figlia", parent="gruppo")
    subscribe(path="brands/gruppo")
    editor.write(headline="Nuova", brand="figlia", status="published")
    work()
    assert subjects(server) == ["Gruppo: Nuova"]


def test_an_import_is_not_told(subscribe, server, work, database, settings, clock, make):
    make.section("anteprime")
    make.author("anna")
    subscribe()
    record = article("vecchio", brand="land-rover", section="anteprime", authors=["anna"])
    counts = import_loader.import_records(
        database,
        settings,
        BytesIO(lines(record)),
        hooks=WRITE_HOOKS,
        now=clock,
        reject=lambda *said: pytest.fail(str(said)),
    )
    assert counts.created == 1
    work()
    assert subjects(server) == []


def test_what_was_withdrawn_meanwhile_is_not_told(subscribe, editor, publish, server, work, follow, clock):
    subscribe()
    gone, kept = publish("Sbagliato"), publish("Giusto")
    follow.step()
    editor.delete(f"/v1/articles/{gone['slug']}?reason=error")
    work()
    assert subjects(server) == ["Land Rover: Giusto"]
    assert "Sbagliato" not in str([mail.raw for mail in server.mails])
    work(timedelta(days=1))
    assert len(alerts(server)) == 1
    assert kept


def test_nothing_is_sent_after_somebody_left_although_it_was_planned(subscribe, publish, server, work, follow, post):
    subscribe()
    publish()
    work()
    leave = token(alerts(server)[0], "leave")
    publish("Ancora")
    follow.step()
    assert post("unsubscribe", {"token": leave}).status_code == 204
    assert post("unsubscribe", {"token": leave}).status_code == 410
    work()
    assert len(alerts(server)) == 1


def test_one_click_of_a_mail_program(subscribe, publish, server, work, client):
    subscribe()
    publish()
    work()
    path = alerts(server)[0]["List-Unsubscribe"].strip("<>").removeprefix("https://api.example.com")
    one_click = {"List-Unsubscribe": "One-Click"}
    form = "application/x-www-form-urlencoded"
    assert client.post(path, data="", content_type=form).status_code == 422
    assert client.post(path, data={"List-Unsubscribe": "No"}).status_code == 422
    assert client.post("/v1/subscriptions/unsubscribe", data=one_click).status_code == 400
    assert client.get(path).headers["Location"].startswith("https://api.example.com/subscriptions?token=leave_")
    assert client.post(path, data=one_click, content_type="multipart/form-data").status_code == 204
    assert client.post(path, data=one_click).status_code == 410
    publish("Ancora")
    work()
    assert len(alerts(server)) == 1


def test_an_article_is_told_once_to_who_follows_it_twice(subscribe, editor, server, work, make):
    make.section("prove", name="Prove")
    subscribe()
    subscribe(path="sections/prove")
    editor.write(headline="Qui", brand="land-rover", section="prove", status="published")
    work()
    assert [mail["Subject"].partition(": ")[2] for mail in alerts(server)] == ["Qui"]


def test_a_digest_comes_at_seven_where_the_reader_lives(subscribe, publish, server, work, follow, clock):
    clock.time = datetime(2026, 3, 28, 12, tzinfo=UTC)
    subscribe("roma@lettori.example", frequency="daily")
    subscribe("tokyo@lettori.example", frequency="daily", time_zone="Asia/Tokyo")
    subscribe("lunedi@lettori.example", frequency="weekly", language="en")
    clock.time = datetime(2026, 3, 28, 20, tzinfo=UTC)
    first, second = publish("Prima"), publish("Seconda")
    follow.step()
    seen = {}
    for hour in range(24 * 3):
        clock.time = datetime(2026, 3, 28, 21, tzinfo=UTC) + timedelta(hours=hour)
        follow.step()
        for name in ("roma", "tokyo", "lunedi"):
            if name not in seen and alerts(server, f"{name}@lettori.example"):
                seen[name] = clock.time
    # The clocks of Rome went forward in that night.
    assert seen == {
        "tokyo": datetime(2026, 3, 28, 22, tzinfo=UTC),
        "roma": datetime(2026, 3, 29, 5, tzinfo=UTC),
        "lunedi": datetime(2026, 3, 30, 5, tzinfo=UTC),
    }
    (mail,) = alerts(server, "roma@lettori.example")
    assert mail["Subject"] == "2 novità su Land Rover"
    assert text(mail).index("Seconda") < text(mail).index("Prima")
    assert "Le novità del giorno" in text(mail)
    (mail,) = alerts(server, "lunedi@lettori.example")
    assert "This week’s news" in text(mail)
    assert first
    assert second


def test_one_digest_for_all_that_one_follows(subscribe, publish, server, work, follow, clock, make, post):
    make.brand("jaguar", name="Jaguar")
    subscribe(frequency="daily")
    subscribe(path="brands/jaguar", frequency="daily")
    publish("Prima")
    publish("Seconda", brand="jaguar")
    follow.step()
    work(timedelta(days=1))
    (mail,) = alerts(server)
    assert mail["Subject"] == "Le novità di oggi: 2 articoli"
    assert "hai chiesto aggiornamenti su Land Rover e su Jaguar" in text(mail)
    assert post("unsubscribe", {"token": token(mail, "leave")}).status_code == 204
    publish("Terza", brand="jaguar")
    work(timedelta(days=2))
    assert len(alerts(server)) == 1


@pytest.mark.parametrize(
    ("frequency", "zone", "now", "due"),
    [
        ("daily", "Europe/Rome", "2026-10-24T20:00:00+00:00", "2026-10-25T06:00:00+00:00"),  # the clocks go back
        ("daily", "Europe/Rome", "2026-10-25T06:00:00+00:00", "2026-10-26T06:00:00+00:00"),
        ("daily", "Europe/Rome", "2026-07-01T04:59:59+00:00", "2026-07-01T05:00:00+00:00"),
        ("weekly", "Europe/Rome", "2026-07-01T00:00:00+00:00", "2026-07-06T05:00:00+00:00"),
        ("weekly", "America/Los_Angeles", "2026-12-28T15:00:00+00:00", "2027-01-04T15:00:00+00:00"),
        ("daily", "Pacific/Apia", "2026-01-01T17:59:00+00:00", "2026-01-01T18:00:00+00:00"),
    ],
)
def test_when_a_digest_is_due(frequency, zone, now, due):
    assert digest_times.next_digest_at(frequency, zone, datetime.fromisoformat(now)) == datetime.fromisoformat(due)


def test_what_is_old_when_mail_comes_back_is_no_news(subscribe, publish, server, work, follow, clock):
    clock.time = datetime(2031, 1, 1, tzinfo=UTC)  # the log goes back no further than to when its tables were made
    subscribe()
    publish("Vecchia")
    clock.time += MAX_NEWS_AGE + timedelta(seconds=1)
    work()
    assert subjects(server) == []


def test_a_merged_brand_takes_its_readers_along(subscribe, publish, server, work, make, app, editor):
    make.brand("rover", name="Rover")
    subscribe(path="brands/rover")
    both = "due@lettori.example"
    subscribe(both, path="brands/rover")
    subscribe(both)
    assert editor.post("/v1/brands/rover/merge", {"into": "land-rover"}).status_code == 202
    while merges.run_slice(app.extensions["newsapi"].write_context):
        pass
    publish()
    work()
    assert len(alerts(server)) == 1
    assert len(alerts(server, both)) == 1


def test_a_deleted_brand_is_followed_by_nobody(subscribe, editor, make, database, work, server):
    make.brand("finta")
    subscribe(path="brands/finta")
    assert editor.delete("/v1/brands/finta").status_code == 204
    work(timedelta(minutes=11))
    assert LUCIA not in str(dump(database))


def test_a_server_that_puts_off_gets_the_same_mail_later(subscribe, publish, server, work):
    subscribe()
    publish()
    server.answer = lambda _: "450 4.2.1 Grey"
    work()
    work(timedelta(minutes=1))
    server.answer = lambda _: None
    work(timedelta(minutes=1))
    assert alerts(server) == []
    work(timedelta(minutes=5))
    assert subjects(server) == ["Land Rover: Nuova Velar"]


def test_a_server_that_always_puts_off_is_left_alone_in_the_end(subscribe, publish, server, work):
    subscribe()
    publish()
    attempts = []
    server.answer = lambda address: attempts.append(address) or "450 4.2.1 Grey"
    work()
    for delay in RETRY_SCHEDULE:
        work(delay)
    assert attempts == [LUCIA] * (1 + len(RETRY_SCHEDULE))
    work(2 * RETRY_SCHEDULE[-1])
    assert len(attempts) == 1 + len(RETRY_SCHEDULE)


@pytest.mark.parametrize(
    ("said", "stays"),
    [
        ("550 5.1.1 No such user", False),
        ("550 No such user", False),
        ("550 5.7.1 You are blocked", True),
        ("552 5.2.2 Full", True),
        ("554 Spam", True),
    ],
)
def test_who_is_not_there_is_not_written_to_again(subscribe, ask, publish, server, work, database, said, stays):
    subscribe()
    publish()
    server.answer = lambda _: said
    work()
    assert (LUCIA in str(dump(database))) is stays
    server.answer = lambda _: None
    publish("Ancora")
    work()
    assert len(alerts(server)) == int(stays)
    if not stays:
        ask()
        work(timedelta(days=2))
        assert len(server.mails) == 1


def test_a_refused_mail_is_not_sent_again_and_others_are(subscribe, publish, server, work):
    subscribe()
    subscribe("second@lettori.example")
    publish()
    server.answer_data = lambda mail: "554 5.6.0 No" if mail["To"] == LUCIA else None
    work()
    server.answer_data = lambda _: None
    work(timedelta(days=1))
    assert alerts(server) == []
    assert len(alerts(server, "second@lettori.example")) == 1


def test_a_mail_that_a_server_chokes_on_holds_no_other_up(subscribe, publish, server, work):
    subscribe()
    subscribe("second@lettori.example")
    publish()
    server.answer_data = lambda mail: server.hang_up() if mail["To"] == LUCIA else None
    work()
    assert len(alerts(server, "second@lettori.example")) == 1
    server.answer_data = lambda _: None
    work(timedelta(minutes=6))
    assert len(alerts(server)) == len(alerts(server, "second@lettori.example")) == 1


def test_a_request_that_a_server_chokes_on_is_tried_again_as_the_same_mail(ask, server, work, clock):
    tried = []

    def choke(mail):
        tried.append(mail["Message-ID"])
        server.hang_up()

    server.answer_data = choke
    ask()
    work()
    server.answer_data = lambda _: None
    work(timedelta(minutes=6))
    assert tried == [mail["Message-ID"] for mail in server.mails]
    clock.forward(days=1)
    ask()
    work()
    assert len({mail["Message-ID"] for mail in server.mails}) == 2


def test_whoever_leaves_between_two_mails_gets_none(subscribe, publish, server, work, listener, post):
    """All that is due was read before; each mail is looked at again."""
    leave = {}
    for name in ("first", "second", "third"):
        subscribe(f"{name}@lettori.example")
    publish("Prima")
    work()
    for name in ("first", "second", "third"):
        (mail,) = alerts(server, f"{name}@lettori.example")
        leave[name] = token(mail, "leave")
    real, left = listener._transport.send, []

    def others_leave(mail):
        real(mail)
        for name, own in leave.items():
            if f"{name}@lettori.example" != mail["To"] and not left:
                assert post("unsubscribe", {"token": own}).status_code == 204
                left.append(name)

    publish("Seconda")
    listener._transport.send = others_leave
    work()
    assert len(left) == 1
    told = {name for name in leave if len(alerts(server, f"{name}@lettori.example")) == 2}
    assert told == {*leave} - {*left}


def test_what_was_planned_while_somebody_left_is_not_sent(subscribe, publish, server, work, follow, database, make):
    """Planning and leaving at one time: the plan is made from what was there before."""
    make.brand("jaguar", name="Jaguar")
    subscribe()
    subscribe(path="brands/jaguar")
    publish()
    follow.step()
    with database.transaction() as session:  # who follows something else has an address still
        brand = "SELECT facet_id FROM brand WHERE slug = 'land-rover'"
        session.execute(sql(f"UPDATE subscription SET state = 'ended' WHERE facet_id = ({brand})"))
    work()
    assert alerts(server) == []
    with database.read_transaction() as connection:
        assert connection.execute(sql("SELECT state FROM alert_delivery")).scalars().all() == ["dropped"]


def test_what_comes_while_a_mail_is_sent_is_told_later(subscribe, publish, server, work, follow, listener, database):
    subscribe(frequency="daily")
    publish("Prima")
    follow.step()
    real = listener._transport.send

    def late(mail):
        real(mail)
        listener._transport.send = real
        publish("Seconda")
        with database.transaction() as session:  # as if the worker had stood still since before the digest was closed
            session.execute(
                sql(
                    "INSERT INTO alert_delivery SELECT subscriber_id, seq + 1000, subscription_id, article_id, due_at,"
                    " ready_at, 'pending', 0, NULL FROM alert_delivery"
                )
            )

    listener._transport.send = late
    work(timedelta(days=1))
    work()
    assert len(alerts(server)) == 2


def test_a_digest_is_closed_a_minute_before(subscribe, publish, server, follow, clock):
    clock.time = datetime(2026, 7, 1, 12, tzinfo=UTC)
    subscribe(frequency="daily")
    clock.time = datetime(2026, 7, 2, 4, 59, 30, tzinfo=UTC)
    publish()
    follow.step()
    clock.time = datetime(2026, 7, 2, 12, tzinfo=UTC)
    follow.step()
    assert alerts(server) == []
    clock.time = datetime(2026, 7, 3, 5, 0, 1, tzinfo=UTC)
    follow.step()
    assert subjects(server) == ["Land Rover: Nuova Velar"]


def test_while_the_server_is_away_changes_are_planned_and_nothing_is_lost(
    subscribe, publish, server, work, follow, listener
):
    subscribe()
    url = listener._transport._url
    listener._transport._url = url._replace(netloc="127.0.0.1:1")
    publish()
    work()
    assert listener._failures == 1
    assert follow._committed.seq == follow._read.seq
    listener._transport._url, listener._server_retry_at = url, 0.0
    work()
    assert subjects(server) == ["Land Rover: Nuova Velar"]


def test_a_mail_that_is_made_again_is_the_same(subscribe, publish, server, work, listener):
    subscribe()
    publish()
    sent = []
    real = listener._transport.send

    def killed_behind(mail):
        real(mail)
        sent.append(mail["Message-ID"])
        listener._transport.send = real
        raise KeyboardInterrupt

    listener._transport.send = killed_behind
    with pytest.raises(KeyboardInterrupt):
        work()
    work()
    first, second = alerts(server)
    assert first["Message-ID"] == second["Message-ID"] == sent[0]
    assert [text(mail) for mail in (first, second)] == [text(first)] * 2
    assert first["Date"] == second["Date"]
    work(timedelta(days=1))
    assert len(alerts(server)) == 2


def test_no_line_of_the_log_has_an_address_or_a_token(subscribe, publish, server, work, capfd, ask):
    subscribe()
    publish()
    server.answer = lambda _: "550 5.1.1 <lucia@lettori.example>: no such user"
    work()
    server.answer = lambda address: f"450 {address}"
    ask("second@lettori.example")
    work()
    out, err = capfd.readouterr()
    assert "email rejected" in out + err
    assert "lettori.example" not in out + err
    assert not re.search(r"(confirm|leave|manage)_[\w-]{40}", out + err)


def test_the_days_are_written_out():
    assert format_long_date(date(2016, 7, 26), "it") == "26 luglio 2016"
    assert format_long_date(date(2017, 1, 1), "it") == "1 gennaio 2017"


def test_tokens_of_every_kind_are_in_an_alert(subscribe, publish, server, work):
    subscribe()
    publish()
    work()
    (mail,) = alerts(server)
    assert [len(tokens(mail, purpose)) for purpose in ("confirm", "leave", "manage")] == [0, 1, 1]
