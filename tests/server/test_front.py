"""The front of the server: hits, conditions, codings and waiting, answered before Flask as Flask would."""

import gzip
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import brotli
import pytest
import zstandard

LIST = "/v1/articles?brand=land-rover"
CODERS = {"br": brotli.decompress, "gzip": gzip.decompress, "zstd": zstandard.decompress}


@contextmanager
def asking(demo, address=LIST, method="GET", body=None, **headers):
    connection = HTTPConnection(urlsplit(demo.base).netloc, timeout=20)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, address, body=body, headers=names)
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def ask(demo, address=LIST, method="GET", body=None, **headers):
    """Status, headers and body."""
    with asking(demo, address, method, body, **headers) as answer:
        return answer.status, answer.headers, answer.read()


def hit(demo, address=LIST, **headers):
    """Ask until it is a hit: the demo has two processes, each with its own memory."""
    for _ in range(20):
        found = ask(demo, address, **headers)
        if found[1]["Cache-Status"] == "newsapi; hit":
            return found
    raise AssertionError(found[1]["Cache-Status"])


def lasting(headers):
    own = {"cache-status", "x-request-id", "date"}
    return {name.lower(): value for name, value in headers.items() if name.lower() not in own}


@pytest.mark.parametrize("path", [LIST, "/v1/articles/nessuno", "/v1/brands", "/v1/articles/a?include=related"])
def test_a_hit_is_the_miss_again(demo, path):
    status, headers, body = ask(demo, path)
    again, kept, same = hit(demo, path)
    assert (again, lasting(kept)) == (status, lasting(headers))
    assert [*same.split(b'"request_id"')[:1]] == [*body.split(b'"request_id"')[:1]]
    assert headers["X-Request-Id"] != kept["X-Request-Id"]


def test_a_refusal_that_is_kept_tells_each_request_its_own_id(demo):
    for number in range(6):
        _, headers, body = ask(demo, "/v1/articles/nessuno", X_Request_Id=f"mine-{number}")
        assert headers["X-Request-Id"] == f"mine-{number}"
        assert f'"request_id":"mine-{number}"'.encode() in body


def test_an_id_that_is_no_plain_word_is_replaced(demo):
    _, headers, _ = hit(demo, X_Request_Id="a b")
    assert " " not in headers["X-Request-Id"]


def test_head_is_get_without_the_body(demo):
    for _ in range(3):  # the worker of the demo may publish an article in between
        _, headers, body = hit(demo)
        status, head, nothing = ask(demo, method="HEAD")
        assert (status, nothing) == (200, b"")
        if head["Content-Seq"] == headers["Content-Seq"]:
            break
    assert lasting(head) == lasting(headers)
    assert int(head["Content-Length"]) == len(body)


@pytest.mark.parametrize("coding", CODERS)
def test_every_coding_holds_the_same_bytes_under_a_tag_of_its_own(demo, coding):
    _, plain, body = hit(demo)
    _, headers, coded = hit(demo, Accept_Encoding=coding)
    assert headers["Content-Encoding"] == coding
    assert CODERS[coding](coded) == body
    assert headers["ETag"] != plain["ETag"]
    status, known, nothing = ask(demo, Accept_Encoding=coding, If_None_Match=f"W/{headers['ETag']}")
    assert (status, nothing) == (304, b"")
    assert known["ETag"] == headers["ETag"]
    assert known["Cache-Control"] == headers["Cache-Control"]
    assert known["Content-Seq"] == headers["Content-Seq"]


def test_a_date_says_not_modified_too(demo):
    _, headers, _ = hit(demo)
    time.sleep(3.1)  # what changed less than two seconds ago may change again within the second
    assert ask(demo, If_Modified_Since=headers["Last-Modified"])[0] == 304
    assert ask(demo, If_Modified_Since="Mon, 01 Jan 2001 00:00:00 GMT")[0] == 200
    assert ask(demo, If_Modified_Since="no date at all")[0] == 200
    assert ask(demo, If_Modified_Since=headers["Last-Modified"], If_None_Match='"another"')[0] == 200


def test_a_key_goes_past_what_is_kept(demo):
    hit(demo)
    status, headers, _ = ask(demo, Authorization="Bearer nobody")
    assert status == 401
    assert headers["Cache-Control"] == "no-store"


def test_spellings_of_one_question_share_one_answer(demo):
    tags = {
        ask(demo, f"/v1/articles?{query}")[1]["ETag"]
        for query in ("limit=7&brand=land-rover", "brand=land-rover&limit=7")
    }
    assert len(tags) == 1


def test_a_url_with_parameters_of_a_campaign_is_a_hit_of_the_front(demo):
    _, headers, body = hit(demo)
    for number in range(8):  # no process has seen this spelling, and each has the response in memory
        _, marked, same = ask(demo, f"{LIST}&utm_campaign=unique-{number}&fbclid={number}")
        assert (marked["Cache-Status"], same) == ("newsapi; hit", body)
        assert lasting(marked) == lasting(headers)


def test_min_seq_is_answered_or_refused_at_once(demo):
    seq = int(hit(demo)[1]["Content-Seq"])
    assert ask(demo, f"{LIST}&min_seq={seq}")[0] == 200
    status, headers, _ = ask(demo, f"{LIST}&min_seq={seq + 1}")
    assert (status, headers["Retry-After"]) == (503, "1")


def test_two_hundred_at_once_on_a_cold_address_cause_one_build_a_process(demo):
    found = Counter()
    ready = threading.Barrier(200)

    def one():
        with asking(demo, "/healthz") as answer:  # a thread of its own, started
            answer.read()
        ready.wait(60)
        status, headers, _ = ask(demo, "/v1/articles?limit=77&sort=updated_at")
        found[status, headers["Cache-Status"]] += 1

    threads = [threading.Thread(target=one) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) <= {(200, "newsapi; hit"), (200, "newsapi; fwd=miss")}
    assert 1 <= found[200, "newsapi; fwd=miss"] <= 2
    assert found.total() == 200


@pytest.mark.parametrize("length", [{}, {"Transfer_Encoding": "chunked"}])
def test_a_body_that_is_too_long_is_refused(demo, length):
    body = b"x" * (2 << 20) if not length else (b"x" * 65_536 for _ in range(64))
    connection = HTTPConnection(urlsplit(demo.base).netloc, timeout=20)
    try:
        connection.request("POST", "/v1/articles", body=body, encode_chunked=bool(length))
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # it was refused before all of it was sent
    finally:
        connection.close()
    assert ask(demo)[0] == 200


def test_what_is_not_a_read_still_reaches_the_application(demo):
    status, headers, body = ask(demo, "/v1/articles", method="PUT", body=b"{}")
    assert status == 405
    assert "GET" in headers["Allow"]
    assert b"Method Not Allowed" in body
    status, headers, _ = ask(demo, "/v1/articles", method="POST", body=b"{}")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    status, headers, _ = ask(demo, "/v1/articles", method="OPTIONS")
    assert (status, headers["Access-Control-Max-Age"]) == (204, "86400")
    assert "GET" in headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("path", [LIST, "/v1/articles?limit=3&brand=jaguar", "/v1/feeds/articles.rss", "/sitemap.xml"])
def test_a_response_of_another_media_type_than_the_accepted_ones_is_406(demo, path):
    ask(demo, path)
    for _ in range(4):  # of both processes, built and from memory
        status, headers, body = ask(demo, path, Accept="text/html, image/*;q=0.5", X_Request_Id="mine")
        assert (status, headers["Content-Type"]) == (406, "application/problem+json")
        assert (headers["Cache-Control"], headers["X-Request-Id"]) == ("no-store", "mine")
        assert b"Accept" in body
    assert ask(demo, path)[0] == 200
    assert ask(demo, "/v1/articles/nessuno", Accept="text/html")[0] == 404


def test_browsers_and_libraries_are_served(demo):
    for accept in ("*/*", "application/*", "text/html,application/xml;q=0.9,*/*;q=0.8", "application/json", "x", ""):
        assert ask(demo, LIST, Accept=accept)[0] == 200, accept
    assert ask(demo, "/v1/feeds/articles.rss", Accept="text/xml")[0] == 200
    assert ask(demo, LIST, Accept="*/*, application/json;q=0")[0] == 406
