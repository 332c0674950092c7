"""What people see and decide of themselves: the page without scripts, the same as JSON, export, erasure, bounces."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text as sql

from newsapi.keys import commands as key_commands
from newsapi.subscriptions import commands as actions
from newsapi.subscriptions.bounces.notices import parse_bounce
from tests.subscriptions.conftest import text, token
from tests.support.client import Editor
from tests.support.invariants import dump

LUCIA = "lucia@lettori.example"
FORM = "application/x-www-form-urlencoded"

DSN = b"""From: MAILER-DAEMON@mx.example
To: news@motori.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="x"

--x
Content-Type: text/plain

I am sorry.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Original-Recipient: rfc822; %s
Final-Recipient: rfc822; other@elsewhere.example
Action: %s
Status: %s
Diagnostic-Code: smtp; 550 no

--x--
"""


@pytest.fixture
def manage(subscribe):
    """The token by which somebody who subscribed looks after it."""
    return token(subscribe(source_url="https://motori.example/velar", consent_version="v7"), "manage")


@pytest.fixture
def press(client):
    """Press a button of the page."""

    def press(do, token, **fields):
        return client.post("/subscriptions", data={"do": do, "token": token, **fields}, content_type=FORM)

    return press


def see(client, token):
    return client.get("/subscriptions", query_string={"token": token})


def test_the_page_confirms_with_a_button_and_not_before(ask, work, server, client, press):
    ask()
    work()
    confirm = token(server.mails[0], "confirm")
    page = see(client, confirm)
    assert page.status_code == 200
    assert "Vuoi ricevere aggiornamenti su Land Rover?" in page.text
    assert '<button name="do" value="confirm">Sì, confermo</button>' in page.text
    page = press("confirm", confirm)
    assert "Fatto: riceverai aggiornamenti su Land Rover." in page.text
    for page in (press("confirm", confirm), see(client, confirm)):
        assert (page.status_code, "Questo link non è più valido" in page.text) == (410, True)


def test_the_page_tells_nobody_and_keeps_nothing(client, manage):
    for answer in (see(client, manage), see(client, "x"), client.get("/subscriptions")):
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert "<script" not in answer.text
        assert re.findall(r"https?://(?!api\.example\.com)[^\"]*", answer.text) == []
    assert client.head("/subscriptions", query_string={"token": manage}).data == b""


def test_the_page_takes_forms_alone_and_buttons_it_has(client, press, manage):
    assert client.post("/subscriptions", json={"do": "erase", "token": manage}).status_code == 415
    assert press("destroy", manage).status_code == 422
    assert press("save", manage, time_zone="x").status_code == 422
    assert press("save", manage, nonsense="weekly").status_code == 422
    assert press("save", manage, language="<script>").status_code == 422


def test_what_somebody_typed_in_is_shown_as_text(client, press, manage, make, ask):
    make.brand("html", name="<b>&amp;")
    ask(path="brands/html")
    assert "<b>" not in see(client, manage).text


def test_choices_on_the_page(client, press, manage, publish, follow, work, server, clock):
    page = see(client, manage).text
    assert LUCIA in page
    (id_,) = re.findall(r'name="([0-9a-f-]{36})" value="daily"', page)
    page = press("save", manage, **{id_: "daily"}, language="en", time_zone="Asia/Tokyo").text
    assert "Your preferences were saved." in page
    assert re.search(rf'name="{id_}" value="daily"\s+checked', page)
    publish()
    work()
    assert len(server.mails) == 1
    work(timedelta(days=1))
    assert "You receive this email" in text(server.mails[1])
    page = press("save", manage, **{id_: "stop"})
    assert "You do not follow anything." in page.text


def test_what_is_planned_moves_with_the_choice(press, client, manage, publish, follow, work, server, post):
    (one,) = post("preferences", {"token": manage}).json["data"]["subscriptions"]
    choose = lambda frequency: post(  # noqa: E731
        "preferences", {"token": manage, "subscriptions": [{"id": one["id"], "frequency": frequency}]}
    )
    choose("weekly")
    publish()
    work()
    assert len(server.mails) == 1
    choose("immediate")
    work()
    assert len(server.mails) == 2


def test_the_same_as_json(post, manage, client):
    answer = post("preferences", {"token": manage})
    assert answer.headers["Cache-Control"] == "no-store"
    data = answer.json["data"]
    (one,) = data["subscriptions"]
    assert (data["email"], data["language"], data["time_zone"]) == (LUCIA, "it", "Europe/Rome")
    assert {one[name] for name in ("kind", "slug", "name")} == {"brand", "land-rover", "Land Rover"}
    assert (one["state"], one["frequency"], one["consent_version"]) == ("active", "immediate", "v7")
    assert one["source_url"] == "https://motori.example/velar"
    assert one["confirmed_at"] > one["requested_at"]
    changed = post("preferences", {"token": manage, "time_zone": "Asia/Tokyo"}).json["data"]
    assert (changed["time_zone"], changed["subscriptions"]) == ("Asia/Tokyo", [one])
    ended = post("preferences", {"token": manage, "subscriptions": [{"id": one["id"], "frequency": None}]})
    assert (ended.json["data"]["subscriptions"], ended.json["data"]["email"]) == ([], None)


def test_nobody_changes_what_is_not_theirs(post, subscribe, manage):
    other = token(subscribe("other@lettori.example"), "manage")
    (one,) = post("preferences", {"token": other}).json["data"]["subscriptions"]
    answer = post("preferences", {"token": manage, "subscriptions": [{"id": one["id"], "frequency": None}]})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/subscriptions/0/id")
    assert post("preferences", {"token": other}).json["data"]["subscriptions"] == [one]


def test_a_link_to_choose_ends_after_thirty_days(post, manage, clock, client):
    clock.forward(days=31)
    assert post("preferences", {"token": manage}).status_code == 410
    assert see(client, manage).status_code == 410


def test_all_that_is_kept_is_told(post, press, manage, publish, work, client):
    version = client.get("/v1/brands/land-rover").json["data"]["subscription"]["consent"]["version"]
    publish()
    work()
    data = post("export", {"token": manage}).json["data"]
    assert data["email"] == LUCIA
    assert [one["state"] for one in data["subscriptions"]] == ["active"]
    assert [mail["state"] for mail in data["mails"]] == ["sent"]
    assert data["consents"] == []  # the site showed a text of its own
    page = press("export", manage)
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert json.loads(page.data)["data"] == data
    assert version


def test_what_was_agreed_to_is_kept_word_for_word(subscribe, post, client):
    shown = client.get("/v1/brands/land-rover").json["data"]["subscription"]["consent"]
    manage = token(subscribe(), "manage")
    (text_,) = post("export", {"token": manage}).json["data"]["consents"]
    assert text_ == shown


def test_who_left_is_remembered_by_a_hash_and_a_receipt(subscribe, publish, work, server, post, database, clock):
    subscribe()
    publish()
    work()
    assert post("unsubscribe", {"token": token(server.mails[-1], "leave")}).status_code == 204
    assert LUCIA not in str(dump(database))
    with database.read_transaction() as connection:
        (row,) = connection.execute(sql("SELECT state, consent_version, confirmed_at, ended_at FROM subscription"))
    assert row.state == "ended"
    assert None not in row
    work(timedelta(days=731))
    with database.read_transaction() as connection:
        assert connection.execute(sql("SELECT count(*) FROM subscription")).scalar() == 0
        assert connection.execute(sql("SELECT count(*) FROM subscriber")).scalar() == 0


def test_who_left_may_come_back(subscribe, publish, work, server, post, clock):
    subscribe()
    publish()
    work()
    post("unsubscribe", {"token": token(server.mails[-1], "leave")})
    clock.forward(days=1)
    subscribe()
    publish("Ancora")
    work()
    assert server.mails[-1]["Subject"] == "Land Rover: Ancora"


def test_erasure_leaves_a_keyed_hash_and_nothing_else(
    manage, subscribe, publish, follow, ask, post, database, settings, capfd, work, server
):
    publish()
    follow.step()  # planned, and not sent yet
    ask(path="brands/land-rover", email=LUCIA.upper())  # typed in, and not looked at yet
    assert post("erase", {"token": manage}).status_code == 204
    assert post("erase", {"token": manage}).status_code == 410
    with database.read_transaction() as connection:
        kept = {
            name: connection.execute(sql(f"SELECT count(*) FROM {name}")).scalar()
            for name in ("subscriber", "subscription", "subscription_request", "alert_delivery", "suppression")
        }
    assert kept == {
        "subscriber": 0,
        "subscription": 0,
        "subscription_request": 0,
        "alert_delivery": 0,
        "suppression": 1,
    }
    everything = str(dump(database)) + "".join(capfd.readouterr())
    if database.is_sqlite:
        with database.transaction() as session:
            session.execute(sql("DELETE FROM confirmation_send"))
    assert "lettori" not in everything.lower()
    sent = len(server.mails)
    work()
    ask()
    work(timedelta(days=2))
    assert len(server.mails) == sent


def test_the_hash_cannot_be_made_without_the_key(box, database, settings):
    other = replace(box, token_signer=type(box.token_signer)(database, "another secret of thirty-two char"))
    assert box.token_signer.hash_email(LUCIA) != other.token_signer.hash_email(LUCIA)
    assert len(box.token_signer.hash_email(LUCIA)) == 32


def test_the_page_erases_too(manage, press, client, database):
    assert "i tuoi dati sono stati eliminati" in press("erase", manage).text
    assert LUCIA not in str(dump(database))
    assert see(client, manage).status_code == 410


def test_the_provider_tells_of_bounces_and_complaints(
    app, manage, subscribe, database, clock, client, publish, work, server
):
    second = "second@lettori.example"
    subscribe(second)
    provider = Editor(app, key_commands.create(database, "provider", ("subscribers",), now=clock()))
    bounces = [{"email": LUCIA.title(), "kind": "complaint"}, {"email": second, "kind": "bounce"}]
    assert client.post("/v1/subscriptions/bounces", json={"bounces": bounces}).status_code == 401
    assert provider.post("/v1/subscriptions/bounces", {"bounces": [{"email": "x", "kind": "x"}]}).status_code == 422
    assert provider.post("/v1/subscriptions/bounces", {"bounces": bounces}).status_code == 204
    assert "lettori" not in str(dump(database))
    with database.read_transaction() as connection:
        reasons = connection.execute(sql("SELECT reason FROM suppression ORDER BY reason")).scalars().all()
    assert reasons == ["bounce", "complaint"]
    publish()
    work()
    assert len(server.mails) == 2


@pytest.mark.parametrize(
    ("action", "status", "gone"),
    [
        (b"failed", b"5.1.1", True),
        (b"Failed", b"5.1.10 (no such user)", True),
        (b"failed", b"5.2.1", True),
        (b"failed", b"5.2.2", False),
        (b"failed", b"5.7.1", False),
        (b"delayed", b"4.4.1", False),
        (b"delivered", b"2.0.0", False),
    ],
)
def test_a_bounce_as_it_comes(action, status, gone):
    assert parse_bounce(DSN % (LUCIA.encode(), action, status)) == ([LUCIA] if gone else [])


@pytest.mark.parametrize(
    "message", [b"", b"x", b"\x00\xff" * 100, DSN % (b"no address", b"failed", b"5.1.1"), DSN[:300], DSN * 2]
)
def test_what_is_no_bounce_does_nothing(message):
    assert parse_bounce(message) == []


def test_who_is_refused_may_be_allowed_again(box, manage, post, subscribe, database, clock):
    actions.suppress_addresses(box, [LUCIA], "publisher", now=clock())
    assert LUCIA not in str(dump(database))
    assert actions.unsuppress(box, LUCIA)
    assert not actions.unsuppress(box, LUCIA)
    clock.forward(days=2)
    subscribe()


def test_the_publisher_sees_who_follows_what(app, database, clock, subscribe, client):
    clock.time = datetime(2026, 11, 2, tzinfo=UTC)
    for number in range(3):
        subscribe(f"a{number}@lettori.example")
    publisher = Editor(app, key_commands.create(database, "letters", ("subscribers",), now=clock()))
    assert client.get("/v1/subscribers").status_code == 401
    first = publisher.get("/v1/subscribers?limit=2")
    assert first.headers["Cache-Control"] == "private, no-store"
    second = publisher.get(f"/v1/subscribers?cursor={first.json['page']['next']}")
    found = [person["email"] for page in (first, second) for person in page.json["data"]]
    assert found == [f"a{number}@lettori.example" for number in (2, 1, 0)]
    assert second.json["page"]["next"] is None
    assert publisher.get("/v1/subscribers?email=a").status_code == 400
