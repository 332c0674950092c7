"""Files of other systems all the way: in, once more, and what the public sees of them."""

from dataclasses import astuple
from html import escape
from io import BytesIO
from pathlib import Path

import pytest

from newsapi.app import WRITE_HOOKS
from newsapi.imports import import_run
from newsapi.imports import loader as import_loader
from newsapi.imports import mapping as import_mapping
from newsapi.imports import registry as import_registry
from newsapi.imports.line_index import LineIndex
from newsapi.imports.registry import FORMATS_BY_NAME
from newsapi.text.html import sanitize_html
from tests.support.invariants import consistent, dump

FILES = Path(__file__).parent / "formats" / "files"
MAPPING = import_mapping.parse_mapping((FILES / "mapping.toml").read_bytes())

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="jav&#x09;ascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<math><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<iframe src='https://evil.example/'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>@import 'javascript:alert(1)'</style>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    '[caption caption="<script>alert(1)</script>"]<img src=x>y[/caption]',
    "[caption]<img src=x onerror=alert(1)>[/caption]",
    '[video src="javascript:alert(1)"]',
    '[embed]https://x.example/"onmouseover=alert(1)[/embed]',
    'https://youtu.be/"><script>alert(1)</script>',
    "https://youtu.be/%22%3E%3Cscript%3Ealert(1)",
    '[gallery ids="12"]',
]
HTML = "\n\n".join(HOSTILE)
WXR = (FILES / "wordpress.xml").read_text().replace("Il <strong>nuovo", f"{HTML}\n\nIl <strong>nuovo")
RSS = (FILES / "feed.rss").read_text().replace("<p>Il testo", f"{HTML}<p>Il testo")
ATOM = (
    (FILES / "feed.atom")
    .read_text()
    .replace('<content type="xhtml">', f'<content type="html">{escape(HTML)}</content><content type="xhtml">')
)


@pytest.fixture
def load(database, settings, clock):
    """Import a file; answer the counts and what was wrong with it."""

    def load(data, name, plan=MAPPING):
        rejects = []
        stream, record_format = BytesIO(data), import_registry.get_format(name, plan, settings.time_zone)
        run = import_run.ImportRun(
            database,
            settings,
            clock,
            WRITE_HOOKS,
            reject=lambda line, error: rejects.append((line, error.location)),
            line_index=LineIndex(stream, record_format),
            record_format=record_format,
        )
        for _ in import_loader.iter_batches(run, stream):
            pass
        consistent(database)
        return astuple(run.counts), rejects

    return load


def test_each_form_that_can_be_asked_for_is_known(settings):
    assert all(import_registry.get_format(name, None, settings.time_zone) for name in FORMATS_BY_NAME)


@pytest.mark.parametrize(
    ("file", "name", "counts", "rejects"),
    [
        ("wordpress.xml", "wxr", (14, 0, 0, 1), [(110, "/headline")]),
        ("feed.rss", "rss", (9, 0, 0, 0), []),
        ("feed.atom", "rss", (4, 0, 0, 0), []),
    ],
)
def test_a_second_run_changes_nothing(load, database, file, name, counts, rejects):
    data = (FILES / file).read_bytes()
    assert load(data, name) == (counts, rejects)
    before = dump(database)
    assert load(data, name) == ((0, 0, sum(counts[:3]), counts[3]), rejects)
    assert dump(database) == before


def test_what_readers_see_of_a_wordpress_blog(load, client):
    load((FILES / "wordpress.xml").read_bytes(), "wxr")
    article = client.get("/v1/articles/velar-prova").json["data"]
    assert article["byline"] == "di Francesco Donnici | 1 marzo 2017"
    assert article["brand"] == {"slug": "land-rover", "name": "Land Rover"}
    assert article["image"]["caption"] == "La Velar a Ginevra"
    assert client.get("/v1/articles/velar-prova-su-strada").headers["Location"].endswith("/v1/articles/velar-prova")
    assert [one["slug"] for one in client.get("/v1/articles").json["data"]] == ["velar-prova"]
    status = {slug: client.get(f"/v1/articles/{slug}").status_code for slug in ("solo-per-noi", "privato", "domani")}
    assert set(status.values()) == {404}
    assert client.get("/v1/articles/mai-pubblicato").status_code == 404
    assert client.get("/v1/articles/nel-cestino").status_code == 410


def test_terms_that_are_there_stay_as_they_are(load, make, client):
    make.brand("land-rover", name="Il mio nome")
    load((FILES / "wordpress.xml").read_bytes(), "wxr")
    assert client.get("/v1/brands/land-rover").json["data"]["name"] == "Il mio nome"


@pytest.mark.parametrize(
    ("data", "name", "slug"),
    [(WXR, "wxr", "velar-prova"), (RSS, "rss", "fabbrica-di-batterie"), (ATOM, "rss", "nuova-discovery")],
)
def test_nothing_that_runs_comes_in_by_another_form(load, client, settings, data, name, slug):
    load(data.encode(), name)
    body = client.get(f"/v1/articles/{slug}").json["data"]["body_html"]
    assert sanitize_html(body, base="https://api.example.com/", embed_hosts=settings.embed_hosts).html == body
    for word in ("<script", "onerror=", 'href="jav', "data:text", "evil.example", "srcdoc", "<style", "<svg", "<math"):
        assert word not in body.lower().replace("&lt;", ""), word
    assert "<p>" in body


def test_a_file_that_cannot_be_read_is_one_reject(load):
    assert load(b'<!DOCTYPE rss [<!ENTITY x "y">]><rss/>', "wxr") == ((0, 0, 0, 1), [(1, "")])
