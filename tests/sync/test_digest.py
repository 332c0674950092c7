"""Sums of what there is: as a partner counts them himself, whatever the filter; an error is found in three requests."""

import hashlib
import random

import pytest

from newsapi.sync import digest_views

DIGEST = "/v1/digest"


def fingerprint(id_, version):
    return int.from_bytes(hashlib.sha256(f"{id_}:{version}".encode()).digest()[:8], "big")


def counted(versions):
    """What the sums of a mirror are, by the document alone."""
    buckets = {}
    for id_, version in versions.items():
        place = buckets.setdefault(int(id_[-3:], 16) // 64, [0, 0])
        place[0] += 1
        place[1] += fingerprint(id_, version)
    return {str(n): (count, f"{total % 2**64:016x}") for n, (count, total) in sorted(buckets.items())}


def told(answer):
    assert answer.status_code == 200, answer.text
    return {one["bucket"]: (one["count"], one["hash"]) for one in answer.json["data"]["buckets"]}


QUERIES = ["", "brand=b0", "brand=b0,b1", "tag=t0", "tag=t0,t1", "brand=b0&tag=t1", "language=it", "brand=nessuno"]


@pytest.fixture
def magazine(make, editor):
    rng = random.Random(1)
    ids = []
    for number in range(40):
        terms = {"brand": f"b{number % 3}", "tags": rng.sample(["t0", "t1", "t2"], rng.randrange(3))}
        ids.append(make.article(language=rng.choice(["it", "en"]), **terms))
    for id_ in ids[:12]:
        made = editor.get(f"/v1/articles/{id_}").json["data"]
        if rng.random() < 0.3:
            editor.delete(f"/v1/articles/{id_}")
        else:
            editor.change(made, headline="Altro", brand=rng.choice(["b0", "b1", "b2"]))
    return ids


def test_the_sums_are_those_of_what_the_list_shows(magazine, public, truth):
    for query in QUERIES:
        answer = public.get(f"{DIGEST}?{query}")
        listed = truth(query)
        assert told(answer) == counted(listed), query
        data = answer.json["data"]
        assert data["count"] == len(listed), query
        assert data["seq"] == int(answer.headers["Content-Seq"]), query


def test_an_error_is_found_in_three_requests(magazine, public, truth):
    for query in ("", "brand=b0", "brand=b0&tag=t1"):
        mirror = truth(query)
        wrong, missing = sorted(mirror)[3:5]
        mirror[wrong] += 1
        del mirror[missing]
        ghost = "01890a5d-ac96-774b-bcce-b302099a8057"
        mirror[ghost] = 1
        found, own = {}, counted(mirror)
        top = told(public.get(f"{DIGEST}?{query}"))
        for outer in {n for n in top | own if top.get(n) != own.get(n)}:
            inside = told(public.get(f"{DIGEST}?{query}&bucket={outer}"))
            for inner in inside:
                data = public.get(f"{DIGEST}?{query}&bucket={inner}").json["data"]
                assert data["count"] == len(data["articles"]), (query, inner)
                assert (data["count"], data["hash"]) == inside[inner], (query, inner)
                found |= {item["id"]: item["version"] for item in data["articles"]}
            for id_ in [id_ for id_ in mirror if int(id_[-3:], 16) // 64 == int(outer) and id_ not in found]:
                del mirror[id_]
        assert mirror | found == truth(query), query


def test_filters_that_hold_too_much_are_asked_by_bucket(magazine, public, truth, monkeypatch):
    monkeypatch.setattr(digest_views, "MAX_COUNTED_ARTICLES", 5)
    answer = public.get(f"{DIGEST}?brand=b0&tag=t0,t1")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["parameter"] == "bucket"
    found = {}
    for bucket in range(64):
        for inner in told(public.get(f"{DIGEST}?brand=b0&tag=t0,t1&bucket={bucket}")):
            data = public.get(f"{DIGEST}?brand=b0&tag=t0,t1&bucket={inner}").json["data"]
            found |= {item["id"]: item["version"] for item in data["articles"]}
    assert found == truth("brand=b0&tag=t0,t1")


@pytest.mark.parametrize("query", ["", "brand=b0,b1"])
def test_the_whole_costs_a_few_statements_however_much_there_is(magazine, public, make, statements, query):
    counts = []
    for _ in range(2):
        make.articles(30, brand="b0")
        statements.clear()
        public.get(f"{DIGEST}?{query}")
        counts.append(len([text for text in statements if text.startswith("SELECT")]))
    assert counts[0] == counts[1] <= 4  # two of them the follower's


@pytest.mark.parametrize("bucket", ["64", "1.64", "-1", "1.", "1.2.3", "a", "", "٣"])
def test_what_is_no_bucket_is_refused(public, bucket):
    answer = public.get(f"{DIGEST}?bucket={bucket}")
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "bucket")
