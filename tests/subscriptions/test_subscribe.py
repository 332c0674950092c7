"""Asking for alerts: the same answer for everybody, one mail a day, nothing without confirmation, nothing by a GET."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text as sql

from newsapi.subscriptions.tokens import TokenSigner
from tests.subscriptions.conftest import text, token
from tests.support.invariants import dump

GOOD = "lucia@lettori.example"


def test_a_brand_shows_its_box(client, land_rover, make):
    make.article("velar", brand="land-rover")
    data = client.get("/v1/brands/land-rover").json["data"]
    assert data["links"]["subscriptions"] == "https://api.example.com/v1/brands/land-rover/subscriptions"
    assert data["subscription"]["frequencies"] == ["immediate", "daily", "weekly"]
    assert data["subscription"]["consent"]["language"] == "it"
    assert "Motori & Caffè" in data["subscription"]["consent"]["text"]
    article = client.get("/v1/articles/velar").json["data"]
    assert article["links"]["subscriptions"] == data["links"]["subscriptions"]


def test_asked_confirmed_told(subscribe, server, publish, work, client):
    version = client.get("/v1/brands/land-rover").json["data"]["subscription"]["consent"]["version"]
    mail = subscribe(source_url="https://motori.example/velar", consent_version=version)
    assert mail["Subject"] == "Conferma: aggiornamenti su Land Rover"
    assert mail["Message-ID"].endswith("@motori.example>")
    assert "Inserendo il mio indirizzo" in text(mail)
    publish()
    work()
    (_, alert) = server.mails
    assert alert["Subject"] == "Land Rover: Nuova Velar"
    assert alert["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "hai chiesto aggiornamenti su Land Rover" in text(alert)


@pytest.mark.parametrize("path", ["sections/prove", "authors/anna-verdi"])
def test_sections_and_authors_are_followed_too(subscribe, server, editor, work, make, path):
    make.section("prove", name="Prove")
    make.author("anna-verdi", name="Anna Verdi")
    subscribe(path=path)
    editor.write(headline="Altrove", status="published")
    editor.write(headline="Qui", section="prove", authors=["anna-verdi"], status="published")
    work()
    assert [mail["Subject"].partition(": ")[2] for mail in server.mails[1:]] == ["Qui"]


def test_nothing_is_sent_before_it_is_confirmed(ask, work, publish, server):
    ask()
    work()
    publish()
    work()
    assert [mail["Subject"] for mail in server.mails] == ["Conferma: aggiornamenti su Land Rover"]


def test_the_answer_and_the_work_are_the_same_for_everybody(subscribe, ask, work, statements, database, settings):
    subscribe("known@lettori.example")
    ask("waits@lettori.example")
    work()
    seen = []
    for email in ("known@lettori.example", "waits@lettori.example", "new@lettori.example"):
        statements.clear()
        answer = ask(email)
        headers = [(name, value) for name, value in answer.headers if name != "X-Request-Id"]
        seen.append((answer.data, headers, [*statements]))
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][2]) <= 6


def test_a_former_slug_of_what_is_followed_will_do(client, land_rover, make, server, work):
    make.old_slug("brand", "landrover", land_rover)
    assert client.post("/v1/brands/landrover/subscriptions", json={"email": GOOD}).status_code == 202
    work()
    assert "Land Rover" in server.mails[0]["Subject"]


WRONG = [
    ({"email": None}, "/email"),
    ({"email": "lucia"}, "/email"),
    ({"email": "lucia@x.example\r\nBcc: all@x.example"}, "/email"),
    ({"email": "lucia@x.example\x00"}, "/email"),
    ({"email": "lucia@x.example\n"}, "/email"),
    ({"email": "Lucia <lucia@x.example>"}, "/email"),
    ({"email": "a@x.example, b@x.example"}, "/email"),
    ({"email": '"a b"@x.example'}, "/email"),
    ({"email": "lucia@[127.0.0.1]"}, "/email"),
    ({"email": "l" * 64 + "@" + "x" * 190 + ".example"}, "/email"),
    ({"email": ["lucia@x.example"]}, "/email"),
    ({"email": {}}, "/email"),
    ({"frequency": "hourly"}, "/frequency"),
    ({"language": "x\r\ny"}, "/language"),
    ({"time_zone": "Europe/Roma"}, "/time_zone"),
    ({"consent_version": "a\r\nb"}, "/consent_version"),
    ({"source_url": "javascript:alert(1)"}, "/source_url"),
    ({"source_url": "https://x.example/\r\nX: y"}, "/source_url"),
    ({"state": "active"}, "/state"),
    ({"confirmed_at": "2026-01-01T00:00:00Z"}, "/confirmed_at"),
]


def test_what_cannot_be_is_refused_in_place(client, land_rover, database):
    before = dump(database)
    for change, place in WRONG:
        answer = client.post("/v1/brands/land-rover/subscriptions", json={"email": GOOD, **change})
        assert answer.status_code == 422, (change, answer.text)
        assert [error["pointer"] for error in answer.json["errors"]] == [place]
    assert dump(database) == before


def test_a_long_address_is_refused_at_once(client, land_rover):
    for email in ("a" * 50_000, "a@" + "a." * 25_000, "@" * 50_000, "(" * 50_000 + "@x.example"):
        assert client.post("/v1/brands/land-rover/subscriptions", json={"email": email}).status_code == 422


def test_there_is_no_box_where_there_is_nothing_or_no_json(client, land_rover):
    assert client.post("/v1/brands/nothing/subscriptions", json={"email": GOOD}).status_code == 404
    assert client.post("/v1/tags/land-rover/subscriptions", json={"email": GOOD}).status_code == 404
    assert client.post("/v1/brands/land-rover/subscriptions", data={"email": GOOD}).status_code == 415
    assert client.get("/v1/brands/land-rover/subscriptions").status_code == 405


def test_without_a_mail_server_nobody_subscribes(build, settings, land_rover):
    client = build(replace(settings, smtp_url=None)).test_client()
    answer = client.post("/v1/brands/land-rover/subscriptions", json={"email": GOOD})
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert "NEWSAPI_SMTP_URL" in answer.json["detail"]
    assert client.get("/v1/brands/land-rover").json["data"]["subscription"]["frequencies"] == []


def test_a_mailbox_is_sent_one_mail_a_day_until_it_is_confirmed(ask, work, server, make):
    make.brand("jaguar")
    variants = ["m.rossi@lettori.example", "MRossi@lettori.example", "m.r.o.s.s.i+a@Lettori.example"]
    for number in range(60):
        ask(f"{'.'.join('rossi')}+{number}@lettori.example".replace("r.", "mr.", 1))
        for email in variants:
            ask(email)
            ask(email, path="brands/jaguar")
    work()
    work()
    assert len(server.mails) == 1
    work(timedelta(hours=23))
    assert len(server.mails) == 1
    work(timedelta(hours=2))
    assert len(server.mails) == 2
    work(timedelta(days=3))
    work(timedelta(days=3))
    assert len(server.mails) <= 4
    for later in range(5):
        work(timedelta(days=1 + later))
    assert len(server.mails) <= 4


def test_a_second_brand_is_asked_about_once_the_first_is_confirmed(ask, work, server, make, post):
    make.brand("jaguar")
    ask()
    ask(path="brands/jaguar")
    work()
    assert len(server.mails) == 1
    post("confirm", {"token": token(server.mails[0], "confirm")})
    work()
    assert [mail["Subject"] for mail in server.mails] == [
        "Conferma: aggiornamenti su Land Rover",
        "Conferma: aggiornamenti su Jaguar",
    ]


def test_who_asks_for_what_he_has_is_told_so_once_a_day(subscribe, ask, work, server, clock):
    subscribe()
    clock.forward(days=2)
    for _ in range(5):
        ask("LUCIA@lettori.example")
        work()
    assert [mail["Subject"] for mail in server.mails[1:]] == ["Ricevi già aggiornamenti su Land Rover"]
    assert token(server.mails[1], "manage")


def test_what_nobody_confirms_is_forgotten_with_the_address(ask, work, server, database, post, clock):
    ask()
    work()
    first = token(server.mails[0], "confirm")
    clock.forward(days=3, seconds=1)
    assert post("confirm", {"token": first}).status_code == 410
    work(timedelta(minutes=11))
    assert GOOD not in str(dump(database))


def test_a_token_is_good_once_for_one_thing(ask, work, server, post):
    ask()
    work()
    confirm, manage = token(server.mails[0], "confirm"), token(server.mails[0], "manage")
    for act in ("unsubscribe", "erase", "preferences", "export"):
        assert post(act, {"token": confirm}).status_code == 410
    assert post("confirm", {"token": manage}).status_code == 410
    assert post("confirm", {"token": confirm.replace("confirm_", "leave_")}).status_code == 410
    assert post("confirm", {"token": confirm}).status_code == 204
    assert post("confirm", {"token": confirm}).status_code == 410
    assert post("unsubscribe", {"token": confirm.replace("confirm_", "leave_")}).status_code == 410


def test_what_is_no_text_is_no_token(post):
    for act in ("confirm", "unsubscribe", "erase", "preferences", "export"):
        for wrong in ({}, [], True, None, 1, "", " ", "x" * 201, "a\r\nb", "a\x00"):
            assert post(act, {"token": wrong}).status_code == 422, (act, wrong)


def test_every_guess_is_answered_alike(ask, work, server, post):
    ask()
    work()
    good = token(server.mails[0], "confirm")
    guesses = [
        *("x", "confirm_", "confirm_x", "confirm_" + "A" * 71, "confirm_====", "confirm_è", "key_" + good[8:]),
        *(good[:-1], good + "A", good + "=", good[:20] + ("A" if good[20] != "A" else "B") + good[21:]),
        good[:-1] + next(c for c in "ABCD" if c != good[-1]),
    ]
    answers = set()
    for guess in guesses:
        answer = post("confirm", {"token": guess})
        answers.add((answer.status_code, re.sub(r'"request_id":"[^"]*"', "", answer.text)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 410
    assert post("confirm", {"token": good}).status_code == 204


def test_a_token_holds_256_bits_that_nobody_kept(ask, work, server, database):
    ask()
    work()
    good = token(server.mails[0], "confirm")
    assert len(good.partition("_")[2]) * 6 >= 256 + 16 * 8
    with database.read_transaction() as connection:
        tables = connection.execute(sql("SELECT * FROM subscription")).all()
    assert good not in str(dump(database)) + str(tables)


def test_tokens_of_another_secret_are_worth_nothing(ask, work, server, post, database, clock):
    ask()
    work()
    good = token(server.mails[0], "confirm")
    with database.read_transaction() as connection:
        id_ = connection.execute(sql("SELECT id FROM subscription")).scalar()
    id_ = UUID(bytes=id_) if isinstance(id_, bytes) else id_
    forged = TokenSigner(database, "another secret of thirty-two char").sign(
        "confirm", id_, clock() + timedelta(days=1)
    )
    assert forged != good
    assert post("confirm", {"token": forged}).status_code == 410


def test_a_scanner_that_opens_every_link_twice_changes_nothing(subscribe, ask, work, publish, server, client, database):
    subscribe()
    publish()
    ask("second@lettori.example")
    work()
    links = {
        link.replace("&amp;", "&")
        for mail in server.mails
        for kind in ("plain", "html")
        for link in re.findall(r"https://api\.example\.com[^\s\"<>]+", text(mail, kind))
    } | {mail["List-Unsubscribe"].strip("<>") for mail in server.mails if mail["List-Unsubscribe"]}
    assert len(links) >= 6
    before = dump(database)
    for link in sorted(links) * 2:
        path = link.removeprefix("https://api.example.com")
        assert {client.get(path).status_code, client.head(path).status_code} <= {200, 303, 410}
    assert dump(database) == before


def test_across_origins_a_form_of_the_site_may_send_it(client, land_rover):
    asked = {"Origin": "https://motori.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/v1/brands/land-rover/subscriptions", headers=asked)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Methods"]) == (204, "OPTIONS, POST")
    answer = client.post("/v1/brands/land-rover/subscriptions", json={"email": GOOD}, headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_what_one_client_and_all_may_ask_for_is_limited(build, settings, land_rover):
    limited = replace(settings, rate_limits=(1_000, 1_000), subscription_limits=(5, 8))
    client = build(limited).test_client()

    def asked(email, address):
        path, body = "/v1/brands/land-rover/subscriptions", {"email": email}
        return client.post(path, json=body, environ_base={"REMOTE_ADDR": address})

    answers = [asked(f"a{number}@lettori.example", "192.0.2.1") for number in range(9)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429] * 4
    assert int(answers[-1].headers["Retry-After"]) > 0
    answers = [asked("a@lettori.example", f"192.0.2.{number}") for number in range(2, 8)]
    assert [answer.status_code for answer in answers] == [202] * 3 + [429] * 3
