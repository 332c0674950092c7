import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from itertools import pairwise

import brotli
import pytest
import zstandard

pytestmark = pytest.mark.one_database

LONG = "/v1/articles/fabbrica"  # more than a thousand bytes
SHORT = "/v1/articles/velar?fields=slug"
READS = [
    "/v1/articles",
    "/v1/articles?brand=nessuno",
    LONG,
    LONG + "?include=related,brand,authors,section",
    "/v1/articles/velar/related",
    "/v1/brands",
    "/v1/brands/land-rover",
    "/v1/authors?q=anna",
    "/v1/tags/suv?include=articles",
]
CODINGS = {
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "gzip": gzip.decompress,
}


@pytest.mark.parametrize("path", READS)
def test_a_read_says_how_long_it_may_be_kept_and_by_what_it_is_dropped(magazine, path):
    headers = magazine.get(path).headers
    assert headers["Cache-Control"] == "public, max-age=0, stale-while-revalidate=5, stale-if-error=86400"
    assert headers["CDN-Cache-Control"] == "max-age=2"
    assert headers["Vary"] == "Accept-Encoding, Authorization"
    assert headers["Surrogate-Key"]
    assert int(headers["Content-Seq"]) > 0
    assert headers["ETag"].startswith('"')
    assert parsedate_to_datetime(headers["Last-Modified"])
    assert headers["Age"] == "0"
    assert headers["Cache-Status"].startswith("newsapi; ")


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("coding", ["", *CODINGS])
def test_what_is_known_by_its_tag_is_not_sent_again(magazine, path, coding):
    known = magazine.get(path, headers={"Accept-Encoding": coding})
    again = magazine.get(path, headers={"Accept-Encoding": coding, "If-None-Match": known.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', '"x",W/{} , "y"', "*"])
def test_the_tag_may_be_weak_or_one_of_several_or_any(magazine, form):
    etag = magazine.get(LONG).headers["ETag"]
    assert magazine.get(LONG, headers={"If-None-Match": form.format(etag)}).status_code == 304


PROXIES = ["-gzip", "--gzip", ";gzip", ":gzip", "-br", "-zstd", "-deflate", "-gzip-gzip"]
"""What proxies append to the tag of a response that they compress; clients send it back."""


@pytest.mark.parametrize("suffix", PROXIES)
@pytest.mark.parametrize("path", [LONG, SHORT])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}'])
def test_the_tag_may_come_back_as_a_compressing_proxy_sent_it(magazine, path, form, suffix):
    etag = f'{magazine.get(path).headers["ETag"][:-1]}{suffix}"'
    assert magazine.get(path, headers={"If-None-Match": form.format(etag)}).status_code == 304


@pytest.mark.parametrize("suffix", ["-x", "gzip", "-gzi", "-gzip-", "0", "-GZIP", "-gzip x", " -gzip"])
def test_a_tag_with_another_ending_is_another_tag(magazine, suffix):
    etag = f'{magazine.get(LONG).headers["ETag"][:-1]}{suffix}"'
    assert magazine.get(LONG, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("tag", ['"x"', "", "x", 'W/"x"', '"', "W/", ","])
def test_another_tag_is_answered_in_full(magazine, tag):
    assert magazine.get(LONG, headers={"If-None-Match": tag}).status_code == 200


def test_each_coding_has_a_tag_of_its_own(magazine):
    tags = {magazine.get(LONG, headers={"Accept-Encoding": coding}).headers["ETag"] for coding in ("", *CODINGS)}
    assert len(tags) == 4


def test_the_tag_of_another_coding_is_not_this_answer(magazine):
    plain = magazine.get(LONG).headers["ETag"]
    assert magazine.get(LONG, headers={"If-None-Match": plain, "Accept-Encoding": "br"}).status_code == 200


def test_304_has_the_headers_that_200_would_have(magazine):
    full = magazine.get(LONG)
    short = magazine.get(LONG, headers={"If-None-Match": full.headers["ETag"]})
    for name in (
        "Cache-Control CDN-Cache-Control Content-Seq ETag Surrogate-Key Vary"
        " Access-Control-Allow-Origin Access-Control-Expose-Headers"
    ).split():
        assert short.headers[name] == full.headers[name]
    for name in ("Content-Encoding", "Content-Type", "Link"):
        assert name not in short.headers


def test_head_is_conditional_too(magazine):
    etag = magazine.get(LONG).headers["ETag"]
    assert magazine.client.head(LONG, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("coding", CODINGS)
def test_a_coding_changes_the_bytes_and_not_the_content(magazine, coding):
    answer = magazine.get(LONG, headers={"Accept-Encoding": coding})
    assert answer.headers["Content-Encoding"] == coding
    assert CODINGS[coding](answer.data) == magazine.get(LONG).data


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("*", "br"),
        ("br;q=0, zstd;q=0, *", "gzip"),
        ("identity", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=0", None),
        ("deflate", None),
        ("", None),
        ("br;q=x", None),
        (";;;,,,", None),
    ],
)
def test_the_coding_is_the_one_liked_best(magazine, accepted, coding):
    answer = magazine.get(LONG, headers={"Accept-Encoding": accepted})
    assert answer.status_code == 200
    if accepted != "br;q=x":  # a quality that cannot be read may be taken as none or as one
        assert answer.headers.get("Content-Encoding") == coding


def test_a_short_answer_is_not_worth_a_coding(magazine):
    assert "Content-Encoding" not in magazine.get(SHORT, headers={"Accept-Encoding": "br"}).headers


@pytest.fixture
def clock(clock):
    """Later than the making of the tables, which is a change of its own."""
    clock.time = datetime(2030, 11, 1, 12, tzinfo=UTC)
    return clock


def later(answer, **delta):
    return format_datetime(parsedate_to_datetime(answer.headers["Last-Modified"]) + timedelta(**delta), usegmt=True)


def test_what_is_known_by_its_time_is_not_sent_again(client, make, clock):
    make.article("velar")
    clock.forward(seconds=2)
    answer = client.get("/v1/articles/velar")
    known = later(answer)
    assert client.get("/v1/articles/velar", headers={"If-Modified-Since": known}).status_code == 304
    other_forms = [f"{parsedate_to_datetime(known):%a %b %d %H:%M:%S %Y}", known.replace("GMT", "+0000")]
    for known in other_forms:
        assert client.get("/v1/articles/velar", headers={"If-Modified-Since": known}).status_code == 304


@pytest.mark.parametrize("delta", [{"seconds": 1}, {"seconds": 2}, {"days": 1}, {"days": 4_000}])
def test_a_later_time_may_be_that_of_content_that_a_restored_backup_does_not_have(client, make, clock, delta):
    make.article("velar")
    clock.forward(days=3_000)
    known = later(client.get("/v1/articles/velar"), **delta)
    assert client.get("/v1/articles/velar", headers={"If-Modified-Since": known}).status_code == 200


UNREADABLE_TIMES = [
    "-", "yesterday", "0", "Thu, 32 Foo 2026 00:00:00 GMT", "9" * 50, "Fri, 01 Nov 99999 12:00:00 GMT",
    "Fri, 01 Nov 2030 12:00:00 +9999999999999999", "Fri, 31 Dec 9999 23:59:59 -9959", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("known", UNREADABLE_TIMES)
def test_a_time_that_cannot_be_read_is_no_condition(client, make, clock, known):
    make.article("velar")
    clock.forward(seconds=10)
    assert client.get("/v1/articles/velar", headers={"If-Modified-Since": known}).status_code == 200


def test_an_older_time_is_answered_in_full(client, make, clock):
    make.article("velar")
    clock.forward(seconds=10)
    known = later(client.get("/v1/articles/velar"), seconds=-1)
    assert client.get("/v1/articles/velar", headers={"If-Modified-Since": known}).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (1, 200), (1.999, 200), (2, 304)])
def test_a_time_under_two_seconds_old_is_not_trusted(client, make, clock, seconds, status):
    make.article("velar")
    known = later(client.get("/v1/articles/velar"))
    clock.forward(seconds=seconds)
    assert client.get("/v1/articles/velar", headers={"If-Modified-Since": known}).status_code == status


def test_a_tag_that_is_given_decides_alone(client, make, clock):
    make.article("velar")
    clock.forward(seconds=10)
    answer = client.get("/v1/articles/velar")
    both = {"If-None-Match": '"other"', "If-Modified-Since": later(answer, days=1)}
    assert client.get("/v1/articles/velar", headers=both).status_code == 200
    both = {"If-None-Match": answer.headers["ETag"], "If-Modified-Since": later(answer, days=-1)}
    assert client.get("/v1/articles/velar", headers=both).status_code == 304


def test_the_time_of_the_last_change_is_rounded_up(client, make, clock):
    clock.time = datetime(2030, 11, 1, 12, 0, 0, 1, tzinfo=UTC)
    make.article("velar")
    assert client.get("/v1/articles/velar").headers["Last-Modified"] == "Fri, 01 Nov 2030 12:00:01 GMT"


CHANGING = [
    "/v1/articles",
    "/v1/articles?limit=1",
    "/v1/articles?brand=b",
    "/v1/articles?brand=b&tag=t",
    "/v1/articles?brand=b,c&limit=1",
    "/v1/articles?tag=t&include=brand",
    "/v1/articles/first?include=related",
    "/v1/articles/first?include=brand",
    "/v1/articles/first/related",
    "/v1/brands",
    "/v1/brands/b",
    "/v1/brands/b?include=articles",
]


def test_the_time_moves_with_every_change_of_the_bytes_and_never_back(client, make, clock):
    make.brand("c")
    make.article("first", brand="b", tags=["t"])
    made = []
    steps = [
        lambda: made.append(make.article("second", brand="b", tags=["t"])),
        lambda: made.append(make.article("third", brand="c")),
        lambda: make.hide(made[0]),
        lambda: make.article("fourth", tags=["t"]),
        lambda: make.hide(made[1]),
    ]
    seen = [[client.get(path) for path in CHANGING]]
    for step in steps:
        clock.forward(seconds=10)
        step()
        seen.append([client.get(path) for path in CHANGING])
    for before, after in (pair for one in pairwise(seen) for pair in zip(*one, strict=True)):
        times = [parsedate_to_datetime(answer.headers["Last-Modified"]) for answer in (before, after)]
        assert times[0] <= times[1]
        assert before.data == after.data or times[0] < times[1], before.request.path


def test_content_seq_is_the_change_as_of_which_it_is_true(client, make):
    make.article("velar")
    before = int(client.get("/v1/articles/velar").headers["Content-Seq"])
    make.article("other")
    assert int(client.get("/v1/articles/velar").headers["Content-Seq"]) == before + 1


@pytest.mark.parametrize("path", ["/v1/articles", "/v1/articles/velar", "/v1/articles/velar/related", "/v1/tags"])
def test_min_seq_up_to_the_head_is_answered_and_beyond_it_is_not_here_yet(magazine, path):
    head = int(magazine.get(path).headers["Content-Seq"])
    for reached in (0, 1, head):
        assert magazine.get(f"{path}?min_seq={reached}").data == magazine.get(path).data
    for beyond in (head + 1, 2**63 - 1):
        answer = magazine.get(f"{path}?min_seq={beyond}")
        assert (answer.status_code, answer.json["type"]) == (503, "https://api.example.com/problems/behind")
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/articles", {"articles"}),
        ("/v1/articles?brand=tesla,jaguar", {"brand:tesla", "brand:jaguar"}),
        ("/v1/articles?author=anna-bianchi&tag=suv", {"author:anna-bianchi", "tag:suv"}),
        ("/v1/articles?group=tesla", {"articles"}),
        ("/v1/articles/velar", {"article:ID", "slug:velar"}),
        ("/v1/articles/ID", {"article:ID", "slug:velar"}),
        ("/v1/articles/velar?include=related", {"article:ID", "slug:velar", "related:ID"}),
        ("/v1/articles/velar/related", {"related:ID"}),
        ("/v1/brands/tesla", {"brand:tesla"}),
        ("/v1/sections/play", {"section:play"}),
        ("/v1/articles/mai-esistito", {"slug:mai-esistito"}),
        ("/v1/articles/fabbrica-di-prima", {"slug:fabbrica-di-prima"}),
        ("/v1/articles/018F0000-0000-7000-8000-000000000000", {"article:018f0000-0000-7000-8000-000000000000"}),
        ("/v1/brands/nessuno", {"brand:nessuno"}),
        ("/v1/tags/batteria", {"tag:batteria"}),
    ],
)
def test_a_cdn_is_told_by_which_words_to_drop_an_answer(magazine, path, words):
    id_ = str(magazine.ids["velar"])
    given = set(magazine.get(path.replace("ID", id_)).headers["Surrogate-Key"].split())
    assert {word.replace("ID", id_) for word in words} <= given


@pytest.mark.parametrize("parameter", ["brand", "tag"])
def test_the_words_take_two_kilobytes_at_most(magazine, parameter):
    values = ",".join(f"{'a' * 40}-{number}" for number in range(100))
    assert magazine.get(f"/v1/articles?{parameter}={values}").headers["Surrogate-Key"] == "articles"


@pytest.mark.parametrize(
    "path", ["mai-esistito", "ritirato", "fabbrica-di-prima", "018f0000-0000-7000-8000-000000000000"]
)
def test_404_410_and_308_may_be_kept_as_long_as_articles(magazine, path):
    answer, article = magazine.get(f"/v1/articles/{path}"), magazine.get("/v1/articles/velar")
    assert answer.status_code in {404, 410, 308}
    for name in ("Cache-Control", "CDN-Cache-Control", "Vary", "Content-Seq"):
        assert answer.headers[name] == article.headers[name]


@pytest.mark.parametrize("path", ["/v1/articles?limit=0", "/v1/articles?cursor=x", "/v1/nothing", "/v1/articles?x=1"])
def test_other_errors_are_not_kept(magazine, path):
    answer = magazine.get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "CDN-Cache-Control" not in answer.headers
