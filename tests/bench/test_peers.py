"""The comparison with other servers works: newsapi itself and a small stand-in are measured, as the peers would be.

The peers are installations of their own, which CI does not have. The stand-in serves the same articles from memory.
"""

import json
import re
import shlex
import shutil
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import orjson
import pytest
from click.testing import CliRunner

from bench.cache_hits import free_port
from bench.cpu_time import cpu_seconds
from bench.peers import publication
from bench.peers.__main__ import PEERS, main
from bench.peers.comparison import Amount, compare, duration
from bench.peers.newsapi_site import BARE
from bench.peers.sites import LOADS, SEARCH, Corpus, Site, connect, memory_mb, running

needs_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads /proc")

SMALL = Corpus(60)
OURS = [BARE, "newsapi, cached", "newsapi, shared builds, SQLite", "newsapi, shared builds, PostgreSQL"]

STAND_IN = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = json.dumps(responses[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
responses = json.loads(sys.argv[2])
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextmanager
def stand_in(folder, corpus, **changed):
    """A server that returns slugs; `changed` has other slugs for some loads."""
    shown = {load: corpus.expected(load) or corpus.newest_first[:3] for load in LOADS} | changed
    port = free_port()
    command = [sys.executable, "-c", STAND_IN, port, json.dumps({f"/{load}": slugs for load, slugs in shown.items()})]
    with running(command, folder, {}, ready=connect(port)) as process_id:
        paths = {load: f"/{load}" for load in LOADS}
        yield {"stand-in": Site(f"http://127.0.0.1:{port}", "Stand-in 1", paths, list, [process_id])}


def test_a_site_that_serves_the_corpus_is_accepted(tmp_path):
    with stand_in(tmp_path, SMALL) as sites:
        sites["stand-in"].check(SMALL)


@pytest.mark.parametrize("load", LOADS)
def test_a_site_that_shows_other_articles_is_refused(tmp_path, load):
    wrong = ["unknown"] if load == SEARCH else [*reversed(SMALL.newest_first)][: len(SMALL.expected(load))]
    with stand_in(tmp_path, SMALL, **{load: wrong}) as sites, pytest.raises(click.ClickException, match=f"/{load}"):
        sites["stand-in"].check(SMALL)


def test_a_search_that_finds_nothing_is_refused(tmp_path):
    with (
        stand_in(tmp_path, SMALL, **{SEARCH: []}) as sites,
        pytest.raises(click.ClickException, match="finds 0 articles"),
    ):
        sites["stand-in"].check(SMALL)


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no such database')"]
    with (
        pytest.raises(click.ClickException, match="does not start"),
        running(command, tmp_path, {}, ready=connect(free_port())),
    ):
        pass
    assert "no such database" in (tmp_path / "log").read_text()


@needs_proc
def test_processes_count_with_their_descendants(tmp_path):
    work = "sum(range(30_000_000)); open('done', 'w').close(); input()"  # until its parent ends
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {work!r}], stdin=subprocess.PIPE).wait()"
    ready = partial((tmp_path / "done").stat)
    with running([sys.executable, "-c", start], tmp_path, {}, ready=ready) as process_id:
        assert cpu_seconds([process_id]) > 0.1
        assert memory_mb([process_id]) > 8
    assert cpu_seconds([process_id]) == 0


def test_the_deep_page_of_ten_thousand_articles_is_the_400th():
    assert Corpus(10_000).deep_page == 400


@pytest.mark.parametrize(("rate", "seconds"), [(20_000, 4), (32, 4), (16, 8), (8, 16), (0.5, 20), (0, 20)])
def test_a_slow_server_is_loaded_until_it_has_completed_enough_requests(rate, seconds):
    assert duration(rate, 4) == seconds


@pytest.mark.parametrize(("rate", "shown"), [(0.46, "0.5"), (9.94, "9.9"), (9.96, "10"), (1234.5, "1,234")])
def test_low_rates_have_a_decimal_place(rate, shown):
    assert publication.rate(rate) == shown


@pytest.fixture
def open_folder():
    """A folder that the user of PostgreSQL may enter; those of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@needs_proc
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("wrk") is None, reason="no wrk here")
def test_newsapi_and_a_peer_are_measured_and_shown(open_folder):
    figures = compare({"stand-in": stand_in}, open_folder, SMALL, Amount(rounds=2, seconds=1, warm_up=1))
    assert list(figures["sites"]) == [*OURS, "stand-in"]
    for name, site in figures["sites"].items():
        assert len(site["memory_mb"]) == 2
        assert min(site["memory_mb"]) > 5
        for load in LOADS:
            measured = site["loads"][load]
            assert [len(measured[figure]) for figure in ("rate", "p50_ms", "p99_ms", "cpu_ms")] == [2] * 4
            assert min(measured["rate"]) > 0
            assert (
                f"\n| {name} | {publication.rate(publication.median(measured['rate']))} | "
                in publication.all_figures(figures)
            )
        assert f"\n| {name} | " in publication.summary(figures)
        assert f">{name}</text>" in publication.svg(figures)


@needs_proc
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("wrk") is None, reason="no wrk here")
def test_the_command_measures_newsapi_alone(open_folder):
    out = open_folder / "figures.json"
    options = ["--articles", "60", "--rounds", "1", "--seconds", "1", "--warm-up", "1"]
    done = CliRunner().invoke(main, ["measure", str(open_folder), str(out), *options])
    assert done.exit_code == 0, done.output
    assert list(orjson.loads(out.read_bytes())["sites"]) == OURS
    assert "| **search of a word** |" in done.stdout


def test_a_peer_is_loaded_and_checked_without_a_measurement(tmp_path, monkeypatch):
    monkeypatch.setitem(PEERS, "ghost", stand_in)
    done = CliRunner().invoke(main, ["load", str(tmp_path), "--peer", "ghost", "--articles", "60"])
    assert done.exit_code == 0, done.output
    assert "stand-in serves 60 articles (Stand-in 1)" in done.stdout


def test_a_peer_that_was_loaded_with_other_articles_is_reported(tmp_path, monkeypatch):
    monkeypatch.setitem(PEERS, "ghost", partial(stand_in, article=["unknown"]))
    done = CliRunner().invoke(main, ["load", str(tmp_path), "--peer", "ghost", "--articles", "60"])
    assert done.exit_code == 1
    assert "/article shows ['unknown']" in done.output


# --- the documentation ------------------------------------------------------------------------------------------------


def test_every_command_of_the_page_is_understood():
    page = publication.PEERS_PAGE.read_text()
    commands = re.findall(r"^python -m bench\.peers (.+)$", page.replace("\\\n", " "), re.MULTILINE)
    assert {shlex.split(command)[0] for command in commands} == set(main.commands)
    for command in commands:
        name, *arguments = shlex.split(command.partition(" #")[0])
        existing = [str(publication.PEERS_PAGE) if argument == "FIGURES.json" else argument for argument in arguments]
        main.commands[name].make_context(name, existing)


def test_every_peer_has_a_section_of_the_page():
    headings = re.findall(r"^### (.+)$", publication.PEERS_PAGE.read_text(), re.MULTILINE)
    assert {heading.lower() for heading in headings} == set(PEERS)


@pytest.fixture(scope="module")
def figures():
    if not publication.FIGURES.exists():
        pytest.skip("no figures are published")
    return orjson.loads(publication.FIGURES.read_bytes())


def test_the_tables_are_made_of_the_figures(figures):
    assert publication.all_figures(figures) in publication.PEERS_PAGE.read_text()
    assert publication.summary(figures) in publication.BENCHMARKS_PAGE.read_text()


def test_the_plot_is_made_of_the_figures(figures):
    assert publication.PLOT.read_text() == publication.svg(figures)


def test_published_figures_stand_on_both_pages(tmp_path, monkeypatch):
    for name in ("FIGURES", "PLOT", "PEERS_PAGE", "BENCHMARKS_PAGE"):
        monkeypatch.setattr(publication, name, tmp_path / name)
    for page in (publication.PEERS_PAGE, publication.BENCHMARKS_PAGE):
        page.write_text("before\n\n<!-- peers -->\nold\n<!-- /peers -->\n\nafter\n")
    loads = {
        load: {"rate": [50.0, 40.0], "p50_ms": [1, 2], "p99_ms": [3, 4], "cpu_ms": [5, 6], "kilobytes": 7}
        for load in LOADS
    }
    half = {load: measured | {"rate": [25.0, 10.0]} for load, measured in loads.items()}
    sites = {
        name: {"version": f"{name} 1", "memory_mb": [8, 9], "loads": measured}
        for name, measured in ((BARE, loads), ("peer", half))
    }
    run = {"articles": 10_000, "rounds": 2, "seconds": 4.0, "connections": 16, "cores": 2, "deep_page": 400}
    publication.publish({**run, "load_average": 1.5, "sites": sites})
    for page in (publication.PEERS_PAGE, publication.BENCHMARKS_PAGE):
        text = page.read_text()
        assert text.startswith("before\n\n<!-- peers -->\n|")
        assert text.endswith("throughput.svg)\n<!-- /peers -->\n\nafter\n")
        assert "old" not in text
    assert "| peer | 18 | 0.38 | 0.25 - 0.50 | 1.5 | 3.5 | 5.5 | 7.0 |" in publication.PEERS_PAGE.read_text()
    assert "| peer | 18 (0.38) | 18 (0.38) | 18 (0.38) | 18 (0.38) |" in publication.BENCHMARKS_PAGE.read_text()
    assert "load average of the machine before: 1.5" in publication.PEERS_PAGE.read_text()
    assert publication.PLOT.read_text().count("<circle") == 8
