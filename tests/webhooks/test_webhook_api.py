"""Webhooks over HTTP: made, shown, changed, tried out, rotated, removed; bad addresses and other people's."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.webhooks.worker import WebhookConsumer
from newsapi.worker import safe_http

HOOK = {"url": "https://8.8.8.8/hook", "events": ["article.published"]}
MISSING = "018f0000-0000-7000-8000-000000000000"


@pytest.fixture
def partner(hire):
    return hire("webhooks")


def made(partner, **changes):
    answer = partner.post("/v1/webhooks", HOOK | changes)
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def test_a_secret_is_told_once(partner):
    answer = partner.post("/v1/webhooks", HOOK | {"filter": {"brand": ["land-rover"]}})
    data = answer.json["data"]
    assert answer.headers["Location"] == f"https://api.example.com/v1/webhooks/{data['id']}"
    assert data.pop("secret").startswith("whsec_")
    assert data["filter"] == {"brand": ["land-rover"], "section": []}
    assert (data["state"], data["failing_since"], data["events"]) == ("active", None, ["article.published"])
    assert partner.get(f"/v1/webhooks/{data['id']}").json["data"] == data
    assert partner.get("/v1/webhooks").json["data"] == [data]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"url": "ftp://example.com/"}, "/url"),
        ({"url": "https://user:secret@example.com/"}, "/url"),
        ({"url": "https://example.com/#here"}, "/url"),
        ({"url": "http://127.0.0.1/"}, "/url"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "/url"),
        ({"url": "http://2130706433/"}, "/url"),
        ({"url": "http://localhost:6379/"}, "/url"),
        ({"url": "https://exa\r\nmple.com/"}, "/url"),
        ({"url": None}, "/url"),
        ({"url": "http://[fe80::1%25eth0]/"}, "/url"),
        ({"url": "http://[fe80::1%eth0]/"}, "/url"),
        ({"url": "http://[fec0::1]/"}, "/url"),
        ({"url": "http://192.0.0.8/"}, "/url"),
        ({"url": "http://192.88.99.1/"}, "/url"),
        ({"url": "https://@8.8.8.8/"}, "/url"),
        ({"url": "https://a..example/"}, "/url"),
        ({"url": f"https://{'a' * 64}.example/"}, "/url"),
        ({"url": "https://xn--.example/"}, "/url"),
        ({"url": "https://example.com:99999/"}, "/url"),
        ({"url": "https://8.8.8.8/" + "ä" * 400}, "/url"),
        ({"include_imports": None}, "/include_imports"),
        ({"include_imports": "yes"}, "/include_imports"),
        ({"events": []}, "/events"),
        ({"events": ["article.read"]}, "/events/0"),
        ({"events": ["article.updated", "article.updated"]}, "/events"),
        ({"filter": {"brand": ["Land Rover"]}}, "/filter/brand/0"),
        ({"filter": {"author": ["anna"]}}, "/filter/author"),
        ({"secret": "mine"}, "/secret"),
        ({"by": "key_other"}, "/by"),
        ({"state": "paused"}, "/state"),
    ],
)
def test_what_cannot_be_called_is_refused(partner, changes, place):
    answer = partner.post("/v1/webhooks", HOOK | changes)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json["errors"]] == [place]
    assert partner.get("/v1/webhooks").json["data"] == []


def test_a_url_in_other_letters_is_stored_as_it_is_called(partner):
    hook = made(partner, url="https://8.8.8.8/tür?größe=ä")
    assert hook["url"] == "https://8.8.8.8/t%C3%BCr?gr%C3%B6%C3%9Fe=%C3%A4"
    assert partner.get(f"/v1/webhooks/{hook['id']}").json["data"]["url"] == hook["url"]


def test_events_of_imports_are_asked_for(partner):
    hook = made(partner)
    assert hook["include_imports"] is False
    path = f"/v1/webhooks/{hook['id']}"
    assert partner.send("PATCH", path, {"include_imports": True}).json["data"]["include_imports"] is True
    assert partner.send("PATCH", path, {"events": ["webhook.ping"]}).json["data"]["include_imports"] is True
    assert made(partner, include_imports=True)["include_imports"] is True


def test_webhooks_are_listed_page_by_page(partner, hire):
    ids = [made(partner)["id"] for _ in range(5)]
    made(hire("webhooks"))
    seen, pages, address = [], [], "/v1/webhooks?limit=2"
    while address:
        answer = partner.get(address)
        seen += [item["id"] for item in answer.json["data"]]
        pages.append((len(answer.json["data"]), answer.json["page"]["limit"]))
        assert answer.json["links"]["self"] == f"https://api.example.com{address}"
        following = answer.json["links"]["next"]
        assert (answer.json["page"]["next"] is None) == (following is None)
        assert (f'<{following}>; rel="next"' in answer.headers["Link"]) == (following is not None)
        address = following and following.removeprefix("https://api.example.com")
    assert (seen, pages) == (ids, [(2, 2), (2, 2), (1, 2)])
    assert len(hire("admin").get("/v1/webhooks").json["data"]) == 6
    for query in ("limit=0", "limit=101", "cursor=x", "sort=id"):
        assert partner.get(f"/v1/webhooks?{query}").status_code == 400


def test_a_list_has_twenty_webhooks_if_no_limit_is_given(partner):
    for _ in range(21):
        made(partner)
    page = partner.get("/v1/webhooks").json
    assert (len(page["data"]), page["page"]["limit"]) == (20, 20)
    assert page["page"]["next"]


def test_a_webhook_is_changed_and_paused_and_goes_on(partner):
    path = f"/v1/webhooks/{made(partner)['id']}"
    changed = partner.patch(path.removeprefix("/v1/webhooks/"), {"events": ["webhook.ping"]}, kind="webhooks").json[
        "data"
    ]
    assert (changed["events"], changed["url"]) == (["webhook.ping"], HOOK["url"])
    for state in ("paused", "active"):
        assert partner.send("PATCH", path, {"state": state}).json["data"]["state"] == state
        assert partner.get(path).json["data"]["state"] == state
    assert partner.send("PATCH", path, {"filter": {"section": ["prove"]}}).json["data"]["filter"]["section"] == [
        "prove"
    ]
    assert partner.send("PATCH", path, {"filter": None}).json["data"]["filter"] is None
    assert partner.send("PATCH", path, {}).status_code == 422
    assert partner.send("PATCH", path, {"url": "http://10.0.0.1/"}).status_code == 422
    assert partner.get(path).json["data"]["url"] == HOOK["url"]


def test_another_secret_takes_its_place(partner):
    hook = made(partner)
    new = partner.post(f"/v1/webhooks/{hook['id']}/rotate", None).json["data"]
    assert new.pop("secret") != hook.pop("secret")
    assert new == hook


def test_other_keys_do_not_see_it(partner, hire):
    path = f"/v1/webhooks/{made(partner)['id']}"
    other = hire("webhooks")
    assert other.get("/v1/webhooks").json["data"] == []
    for method, ending in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/ping"), ("POST", "/rotate")):
        body = {"state": "paused"} if method == "PATCH" else None
        assert other.send(method, f"{path}{ending}", body).status_code == 404
    assert other.get(f"{path}/deliveries").status_code == 404
    assert hire("admin").get(path).status_code == 200
    assert hire("content:write").get(path).status_code == 403


def test_what_is_removed_is_no_more(partner):
    path = f"/v1/webhooks/{made(partner)['id']}"
    partner.post(f"{path}/ping", None)
    assert partner.delete(path).status_code == 204
    for _ in range(2):
        assert partner.delete(path).status_code == partner.get(path).status_code == 404


def test_a_ping_stands_in_the_deliveries_page_by_page(partner):
    path = f"/v1/webhooks/{made(partner)['id']}"
    sent = [partner.post(f"{path}/ping", None).json["data"]["id"] for _ in range(5)]
    seen, address = [], f"{path}/deliveries?limit=2&state=pending"
    while address:
        page = partner.get(address).json
        seen += [item["id"] for item in page["data"]]
        address = page["links"]["next"] and page["links"]["next"].removeprefix("https://api.example.com")
    assert seen == sent[::-1]
    assert partner.get(f"{path}/deliveries?state=dead").json["data"] == []
    first = partner.get(f"{path}/deliveries").json["data"][0]
    assert (first["type"], first["state"], first["attempts"], first["status"]) == ("webhook.ping", "pending", 0, None)
    assert partner.get(f"{path}/deliveries?state=lost").status_code == 400
    assert partner.get(f"{path}/deliveries?cursor=x").status_code == 400


def test_a_delivery_is_made_once_more(partner):
    path = f"/v1/webhooks/{made(partner)['id']}"
    event = partner.post(f"{path}/ping", None).json["data"]["id"]
    assert partner.post(f"{path}/deliveries/{event}/redeliver", None).json["data"] == {"id": event}
    assert partner.post(f"{path}/deliveries/{MISSING}/redeliver", None).status_code == 404
    assert partner.post(f"/v1/webhooks/{MISSING}/deliveries/{event}/redeliver", None).status_code == 404


def test_a_repeated_request_makes_one_webhook(partner):
    answers = [partner.post("/v1/webhooks", HOOK, Idempotency_Key="one") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["data"]["id"] for answer in answers}) == 1
    assert len(partner.get("/v1/webhooks").json["data"]) == 1


def test_the_audit_tells_of_webhooks(partner, hire):
    hook = made(partner)
    partner.delete(f"/v1/webhooks/{hook['id']}")
    deeds = hire("admin").get(f"/v1/audit?subject={hook['id']}").json["data"]
    assert [(deed["action"], deed["kind"], deed["by"]) for deed in deeds] == [
        ("delete", "webhook", partner.prefix),
        ("create", "webhook", partner.prefix),
    ]


def test_a_key_has_a_hundred_at_most(partner):
    for _ in range(100):
        made(partner)
    assert partner.post("/v1/webhooks", HOOK).status_code == 422


def test_a_call_into_a_private_network_is_not_made_though_the_name_was_public_once(
    partner, database, settings, clock, monkeypatch
):
    hits = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    real = safe_http.socket.getaddrinfo
    port = server.server_address[1]
    monkeypatch.setattr(safe_http.socket, "getaddrinfo", lambda host, *a, **k: real("8.8.8.8", *a, **k))
    hook = made(partner, url=f"http://rebind.example:{port}/hook", events=["webhook.ping"])
    partner.post(f"/v1/webhooks/{hook['id']}/ping", None)
    monkeypatch.setattr(safe_http.socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))
    listener = WebhookConsumer(
        database, ArticlePresenter(settings), wait_for_purge=False, allow_private=False, now=clock
    )
    for _ in range(100):
        listener.handle(())
        if partner.get(f"/v1/webhooks/{hook['id']}/deliveries").json["data"][0]["attempts"]:
            break
    server.shutdown()
    server.server_close()
    [delivery] = partner.get(f"/v1/webhooks/{hook['id']}/deliveries").json["data"]
    assert (delivery["error"], hits) == ("the host resolves to a private address", [])
