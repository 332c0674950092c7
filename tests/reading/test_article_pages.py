import base64
from datetime import UTC, datetime
from itertools import cycle
from urllib.parse import parse_qs, urlsplit

import pytest

PERIOD = 30 * 24 * 3600


def slugs(page):
    return [item["slug"] for item in page["data"]]


def local(url):
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == "https://api.example.com"
    return f"{parts.path}?{parts.query}"


def walk(client, path, limits=(2,), way="next"):
    """All pages from one on, by their cursors, with limits in turn."""
    pages, limits = [client.get(path).json], cycle(limits)
    while cursor := pages[-1]["page"][way]:
        pages.append(client.get(f"/v1/articles?cursor={cursor}&limit={next(limits)}").json)
    return pages


def ties(make, count=9):
    """Articles in threes, each three at one moment."""
    for number in range(count):
        make.article(f"a-{number}", published_at=make.at(f"2020-01-01T00:0{number // 3}:00Z"), brand="b", tags=["t"])


def test_next_gives_every_article_once_though_moments_are_equal(client, make):
    ties(make)
    for sort in ("-published_at", "published_at", "-updated_at", "updated_at"):
        pages = walk(client, f"/v1/articles?limit=2&sort={sort}")
        assert [slug for page in pages for slug in slugs(page)] == slugs(client.get(f"/v1/articles?sort={sort}").json)


def test_prev_leads_back_over_the_same_pages(client, make):
    ties(make)
    make.brand("c")
    for query in ("brand=b&tag=t", "brand=b,c", "slug=a-1,a-2,a-3,a-4,a-5", "published_from=2020-01-01"):
        there = walk(client, f"/v1/articles?limit=2&{query}")
        back = walk(client, f"/v1/articles?limit=2&cursor={there[-1]['page']['prev']}", way="prev")
        assert [slugs(page) for page in back] == [slugs(page) for page in there[-2::-1]]


def test_the_limit_may_change_between_pages(client, make):
    ties(make)
    pages = walk(client, "/v1/articles?limit=1", limits=(3, 1, 2))
    assert [slug for page in pages for slug in slugs(page)] == slugs(client.get("/v1/articles").json)


def test_the_fields_may_change_between_pages(client, make):
    ties(make)
    cursor = client.get("/v1/articles?limit=2").json["page"]["next"]
    assert set(client.get(f"/v1/articles?cursor={cursor}&fields=slug").json["data"][0]) == {"id", "slug"}


def test_what_is_published_between_pages_moves_nothing_already_read(client, make):
    ties(make)
    before = slugs(client.get("/v1/articles").json)
    first = client.get("/v1/articles?limit=4").json
    make.article("newest", published_at=make.at("2020-02-01T00:00:00Z"))
    second = client.get(f"/v1/articles?cursor={first['page']['next']}").json
    assert slugs(first) + slugs(second) == before


def test_what_is_withdrawn_between_pages_makes_no_article_skipped(client, make):
    ids = {f"a-{number}": make.article(f"a-{number}") for number in range(9)}
    first = client.get("/v1/articles?limit=4").json
    for slug in ("a-8", "a-5", "a-4"):  # the page's first, its last (the cursor's place), and the next one
        make.hide(ids[slug])
    second = client.get(f"/v1/articles?cursor={first['page']['next']}").json
    assert slugs(second) == ["a-3", "a-2", "a-1", "a-0"]


def test_from_a_page_that_went_empty_the_way_back_is_open(client, make):
    ids = {f"a-{number}": make.article(f"a-{number}") for number in range(4)}
    first = client.get("/v1/articles?limit=2").json
    for slug in ("a-0", "a-1"):
        make.hide(ids[slug])
    empty = client.get(f"/v1/articles?limit=2&cursor={first['page']['next']}").json
    assert slugs(empty) == []
    assert slugs(client.get(f"/v1/articles?limit=2&cursor={empty['page']['prev']}").json) == ["a-3", "a-2"]


def test_the_first_page_has_no_previous_one_and_the_last_no_next_one(client, make):
    make.articles(3)
    first = client.get("/v1/articles?limit=2").json
    last = client.get(f"/v1/articles?limit=2&cursor={first['page']['next']}").json
    assert (first["page"]["prev"], first["links"]["prev"]) == (None, None)
    assert (last["page"]["next"], last["links"]["next"]) == (None, None)


def test_a_page_that_is_exactly_full_is_the_last(client, make):
    make.articles(2)
    assert client.get("/v1/articles?limit=2").json["page"]["next"] is None


def test_links_lead_where_the_cursors_lead(client, make):
    ties(make)
    first = client.get("/v1/articles?limit=2&brand=b&fields=slug").json
    by_link = client.get(local(first["links"]["next"])).json
    assert by_link == client.get(f"/v1/articles?limit=2&fields=slug&cursor={first['page']['next']}").json
    assert client.get(local(by_link["links"]["prev"])).json["data"] == first["data"]


def test_the_link_to_itself_gives_the_same_page(client, make):
    ties(make)
    page = client.get("/v1/articles?tag=t&limit=3&sort=published_at&published_from=2020-01-01").json
    assert client.get(local(page["links"]["self"])).json == page


def test_the_link_header_says_the_same_links(client, make):
    ties(make)
    cursor = client.get("/v1/articles?limit=2").json["page"]["next"]
    answer = client.get(f"/v1/articles?limit=2&cursor={cursor}")
    links = answer.json["links"]
    assert answer.headers["Link"] == ", ".join(f'<{links[name]}>; rel="{name}"' for name in ("self", "next", "prev"))


def test_a_filter_beside_a_cursor_is_refused_by_name(client, make):
    make.articles(2)
    cursor = client.get("/v1/articles?limit=1").json["page"]["next"]
    for other in ("brand=b", "sort=published_at", "published_from=2020-01-01", "id=", "slug=a"):
        answer = client.get(f"/v1/articles?cursor={cursor}&{other}")
        assert answer.status_code == 400
        assert other.partition("=")[0] in {error["parameter"] for error in answer.json["errors"]}


def test_a_cursor_altered_in_any_character_is_refused(client, make):
    make.articles(2)
    cursor = client.get("/v1/articles?limit=1").json["page"]["next"]
    for place, old in enumerate(cursor):
        for new in "A" if old != "A" else "B":
            answer = client.get(f"/v1/articles?cursor={cursor[:place]}{new}{cursor[place + 1 :]}")
            assert (answer.status_code, answer.json["type"][-14:]) == (400, "cursor-invalid")


def test_a_cursor_cut_or_lengthened_is_refused(client, make):
    make.articles(2)
    cursor = client.get("/v1/articles?limit=1").json["page"]["next"]
    for altered in (cursor[:-1], cursor[1:], cursor + "A", cursor + "=", cursor + "==", cursor + "AAAA", " " + cursor):
        assert client.get(f"/v1/articles?cursor={altered}").status_code == 400


def test_a_cursor_signed_by_nobody_is_refused(client):
    for payload in (b"", b"[]", b"[1,2]", b"{}", b"null", b'[9999999999999999999999,["articles"]]', b"[" * 5000):
        forged = base64.urlsafe_b64encode(bytes(16) + payload).decode().rstrip("=")
        assert client.get(f"/v1/articles?cursor={forged}").status_code == 400


def test_a_cursor_of_another_list_is_refused(client, make):
    make.articles(2, brand="b", tags=["t", "u"], authors=["a", "c"])
    make.article(brand="c", section="d")
    make.article(brand="d", section="e")
    of_articles = client.get("/v1/articles?limit=1").json["page"]["next"]
    for path in ("brands", "authors", "sections", "tags"):
        foreign = client.get(f"/v1/{path}?limit=1").json["page"]["next"]
        for address in (f"/v1/{path}?cursor={of_articles}", f"/v1/articles?cursor={foreign}"):
            answer = client.get(address)
            assert (answer.status_code, answer.json["type"]) == (400, "https://api.example.com/problems/cursor-invalid")


def test_a_cursor_of_one_list_by_name_is_no_cursor_of_another(client, make):
    make.articles(2, tags=["t", "u"], authors=["a", "c"])
    cursor = client.get("/v1/authors?limit=1").json["page"]["next"]
    assert client.get(f"/v1/tags?cursor={cursor}").status_code == 400


def test_a_cursor_is_good_for_thirty_days_wherever_in_the_period_it_was_made(client, make, clock):
    make.articles(2)
    for seconds in (0, 1, PERIOD // 2, PERIOD - 1):
        clock.time = datetime.fromtimestamp(700 * PERIOD + seconds, UTC)
        cursor = client.get("/v1/articles?limit=1").json["page"]["next"]
        clock.forward(days=30)
        assert client.get(f"/v1/articles?cursor={cursor}").status_code == 200


@pytest.mark.parametrize("path", ["/v1/articles", "/v1/tags"])
def test_an_old_cursor_has_expired_and_says_so(client, make, clock, path):
    make.articles(2, tags=["t", "u"])
    cursor = client.get(f"{path}?limit=1").json["page"]["next"]
    clock.forward(days=70)
    answer = client.get(f"{path}?cursor={cursor}")
    assert answer.status_code == 410
    assert answer.json["type"] == "https://api.example.com/problems/cursor-expired"
    assert "gone" not in answer.json


def test_a_cursor_outlives_its_secret_s_first_reader(settings, build, make):
    make.articles(3)
    one, other = build(settings).test_client(), build(settings).test_client()
    cursor = one.get("/v1/articles?limit=1").json["page"]["next"]
    assert len(other.get(f"/v1/articles?cursor={cursor}").json["data"]) == 2


def test_two_nodes_give_the_same_bytes(settings, build, make, clock):
    make.articles(21, brand="b", tags=["t", "u"])
    node, other = (build(settings).test_client() for _ in range(2))
    for path in ("/v1/articles?limit=2", "/v1/tags?limit=1", "/v1/brands/b?include=articles"):
        answer = node.get(path)
        clock.forward(minutes=5)
        again = other.get(path)
        assert answer.data == again.data
        assert answer.headers["ETag"] == again.headers["ETag"]


def test_the_order_of_words_and_values_changes_no_byte(magazine):
    one = magazine.get("/v1/articles?tag=suv,batterie&limit=2&brand=tesla,jaguar&total=false")
    other = magazine.get("/v1/articles?brand=jaguar,tesla&tag=batterie,suv,suv&limit=2")
    assert one.data == other.data


def test_the_address_of_a_page_has_its_parameters_in_one_order(magazine):
    page = magazine.get("/v1/articles?tag=suv,batterie&limit=20&brand=jaguar&sort=-published_at").json
    assert parse_qs(urlsplit(page["links"]["self"]).query) == {"brand": ["jaguar"], "tag": ["batterie,suv"]}
