"""The demo as a visitor meets it: the reference page, and every address that any answer shows."""

import re
from html import unescape
from pathlib import Path

import orjson

from newsapi.feeds import ninjs

# The page as its readers saw it; a browser folds white space.
LINES = [" ".join(line.split()) for line in (Path(__file__).parent / "reference_page.txt").read_text().splitlines()]
HEADLINE, STANDFIRST, FIRST, SECOND, THIRD, BOX, BYLINE, MORE, *OTHERS = filter(None, LINES)
PARAGRAPHS = [FIRST, SECOND, THIRD]
NEIGHBOURS = {headline: (section, teaser) for headline, section, _, teaser in zip(*[iter(OTHERS)] * 4, strict=True)}
RESIZED = re.compile(r"/demo/pictures/[^?]+\?")
ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+")


def stops(demo):
    return ADDRESS.findall(demo.printed)


def test_the_first_address_it_prints_is_the_reference_page(demo):
    page = orjson.loads(demo.get(stops(demo)[0])[2])["data"]
    assert (page["headline"], page["standfirst"], page["byline"]) == (HEADLINE, STANDFIRST, BYLINE)
    assert page["body_text"].split("\n\n") == PARAGRAPHS
    assert page["body_html"] == "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
    assert BYLINE == "di Francesco Donnici | 26 luglio 2016"
    assert (page["published_on"], page["published_precision"]) == ("2016-07-26", "day")
    assert page["brand"] == {"slug": "land-rover", "name": MORE.removeprefix("Altro su ")}
    assert page["brand"]["name"].upper() in BOX
    assert demo.get(page["image"]["url"])[:2] == (200, "image/jpeg")


def test_its_list_is_alive_and_shows_section_headline_picture_and_teaser(demo):
    page = orjson.loads(demo.get(stops(demo)[0])[2])["data"]
    assert len(page["related"]) == 6
    for item in page["related"]:
        assert item["section"]["name"]
        assert item["headline"]
        assert item["standfirst"]
        assert demo.get(item["image"]["url"])[:2] == (200, "image/jpeg")
    assert max(item["published_at"] for item in page["related"]) > page["published_at"]


def test_the_three_neighbours_of_the_reference_page_are_there(demo):
    page = orjson.loads(demo.get(stops(demo)[0])[2])["data"]
    related = demo.json(f"/v1/articles/{page['slug']}/related?limit=20")["data"]
    there = [item for item in related if item["headline"] in NEIGHBOURS]
    assert {item["headline"]: (item["section"]["name"], item["standfirst"]) for item in there} == NEIGHBOURS
    assert len(NEIGHBOURS) == 3
    assert [demo.get(item["image"]["url"])[:2] for item in there] == [(200, "image/jpeg")] * 3
    assert min(item["published_at"] for item in there) > page["published_at"]


def test_every_address_in_every_answer_leads_somewhere_in_the_demo_itself(demo):
    """All that it prints, all lists and all they link to, pictures and bodies included."""
    lists = ["articles?limit=100&include=brand,authors,section", *(f"{kind}s?limit=100" for kind in TERMS)]
    statuses = walk(demo, [*stops(demo), *(f"{demo.base}/v1/{path}" for path in lists)])
    assert {status: found for status, found in statuses.items() if status not in {200, 410}} == {}
    assert {address.rpartition("/")[2] for address in statuses[410]} == {"stellantis-il-calendario-dei-porte-aperte"}
    assert len(statuses[200]) > 250


def test_every_address_on_every_page_of_a_sorted_list_leads_somewhere(demo):
    statuses = walk(demo, [f"{demo.base}/v1/articles?limit=7&total=true&sort=updated_at"])
    assert {status: found for status, found in statuses.items() if status != 200} == {}


TERMS = ("brand", "author", "section", "tag")


def walk(demo, waiting):
    """Ask for every address and for all that the answers show; answer the addresses by status."""
    seen, statuses = set(), {}
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        if RESIZED.search(address) and not address.endswith("?320x180-0.5-0.5"):
            continue  # tests/demo asks for all sizes of one picture
        assert address.isascii(), address
        assert address.startswith(f"{demo.base}/"), address
        status, media_type, body = demo.get(address)
        if status == 405 and address.endswith("/subscriptions"):
            continue  # a box is there, and takes what is sent to it
        statuses.setdefault(status, []).append(address)
        if media_type in {"application/json", "application/problem+json"} and "/openapi.json" not in address:
            found = ADDRESS.findall(body.decode().replace("&amp;", "&"))
            waiting += [address for address in found if address != ninjs.SCHEMA]  # a name, which nobody fetches
    return statuses


def test_the_documentation_loads_nothing_from_elsewhere(demo):
    _, media_type, body = demo.get(f"{demo.base}/docs")
    assert media_type == "text/html"
    parts = re.findall(r"(?:src|href)=[\"']([^\"']+)", body.decode())
    assert parts
    for part in parts:
        assert not re.match(r"(https?:)?//", part) or part.startswith(demo.base), part


def test_the_draft_is_nowhere(demo):
    slug = "land-rover-defender-appunti-per-una-prova"
    assert demo.get(f"{demo.base}/v1/articles/{slug}")[0] == 404
    for path in (
        "/v1/articles?limit=100",
        "/v1/articles?limit=100&brand=land-rover",
        "/v1/articles?limit=100&section=prove",
    ):
        assert slug not in demo.get(f"{demo.base}{path}")[2].decode()


def test_pictures_are_served_and_nothing_beside_them(demo):
    for name in (
        "../content.ndjson",
        "..%2fcontent.ndjson",
        "%2e%2e/content.py",
        "nessuna.jpg",
        "a/b.jpg",
        "",
        "x.png",
        "%00.jpg",
    ):
        assert demo.get(f"{demo.base}/demo/pictures/{name}")[0] == 404, name


def test_the_page_at_its_root_leads_to_the_reference_page_and_on(demo):
    status, media_type, page = demo.get(f"{demo.base}/")
    assert (status, media_type) == (200, "text/html")
    paths = [unescape(path) for path in re.findall(r'href="([^":]+)"', page.decode())]
    statuses = {path: demo.get(f"{demo.base}/{path}")[0] for path in paths}
    assert {path for path, status in statuses.items() if status != 200} == {
        "v1/articles/stellantis-il-calendario-dei-porte-aperte"
    }
    assert stops(demo)[0].removeprefix(f"{demo.base}/") == paths[0]
    assert "demo/mail" in paths


def test_its_feeds_are_called_by_the_name_of_the_magazine(demo):
    assert b"<title>Motori Demo</title>" in demo.get(f"{demo.base}/v1/feeds/articles.rss")[2]
