"""Load all sites in turn, in several rounds, and collect the figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import click

from bench.cache_hits import Server, wrk
from bench.cpu_time import cpu_seconds
from bench.peers.newsapi_site import BARE, CACHED, bare_application, newsapi
from bench.peers.sites import LOADS, Corpus, Site, memory_mb

CONNECTIONS = 16
ENOUGH_REQUESTS = 8 * CONNECTIONS
"""Requests that a load should complete, if that takes at most `LONGEST_SECONDS`."""
LONGEST_SECONDS = 20.0
IDLE_CPU = 0.2
"""Share of a core below which the processes of a site count as idle."""

Opener = Callable[[Path, Corpus], AbstractContextManager[dict[str, Site]]]


class Amount(NamedTuple):
    """How much is measured: the number of rounds, and the seconds of each load and of the load before the first one."""

    rounds: int
    seconds: float
    warm_up: float


def compare(peers: Mapping[str, Opener], folder: Path, corpus: Corpus, amount: Amount) -> dict[str, Any]:
    """Run newsapi, the bare application and the peers at once, and load them one after the other.

    Each peer finds its installation in the subfolder of its name, and keeps its data there.

    Returns:
        The figures of every load of every site, by round, and how they were measured.

    Raises:
        ClickException: A site does not serve the articles of the corpus, or a response failed.
    """
    load_average = os.getloadavg()[0]
    with ExitStack() as stack:
        sites: dict[str, Site] = {}
        for name, opener in {"newsapi": newsapi, **peers}.items():
            sites |= stack.enter_context(opened(name, opener, folder, corpus))
        sites = {BARE: stack.enter_context(bare_application(folder / "bare", sites[CACHED]))} | sites
        for site in sites.values():
            site.check(corpus)
        measured = {name: _description(site) for name, site in sites.items()}
        loads = [(name, load) for load in LOADS for name in sites]
        durations = {
            (name, load): duration(_measure(sites[name], load, amount.warm_up)["rate"], amount.seconds)
            for name, load in loads
        }
        for number in range(amount.rounds):
            for name, load in loads:
                for figure, value in _measure(sites[name], load, durations[name, load]).items():
                    measured[name]["loads"][load].setdefault(figure, []).append(value)
            for name, site in sites.items():
                measured[name]["memory_mb"].append(round(memory_mb(site.process_ids)))
            click.echo(f"round {number + 1} of {amount.rounds}", err=True)
    return {
        "articles": corpus.size,
        "deep_page": corpus.deep_page,
        "word": corpus.word,
        "connections": CONNECTIONS,
        "cores": os.cpu_count(),
        **amount._asdict(),
        "longest": max(durations.values()),
        "load_average": round(load_average, 1),
        "sites": measured,
    }


def opened(name: str, opener: Opener, folder: Path, corpus: Corpus) -> AbstractContextManager[dict[str, Site]]:
    """Return the context in which a peer runs in the subfolder of its name, loaded with the corpus."""
    click.echo(f"starting {name}", err=True)
    (folder / name).mkdir(parents=True, exist_ok=True)
    return opener(folder / name, corpus)


def _description(site: Site) -> dict[str, Any]:
    loads: dict[str, dict[str, Any]] = {
        load: {"kilobytes": round(len(site.get(path)) / 1000, 1)} for load, path in site.paths.items()
    }
    return {"version": site.version, "memory_mb": [], "loads": loads}


def _measure(site: Site, load: str, seconds: float) -> dict[str, float]:
    """Load a site once it is idle; CPU is that of its processes, databases included."""
    _wait_until_idle(site)
    server = Server(site.url, tuple(site.process_ids))
    rate, p50, p99, cpu = wrk(server, site.paths[load], seconds, connections=CONNECTIONS)
    return {"rate": round(rate, 1), "p50_ms": p50, "p99_ms": p99, "cpu_ms": round(cpu, 3)}


def duration(rate: float, seconds: float) -> float:
    """Return how long a load has to be, because requests that are in progress at its end count as CPU time only."""
    return max(seconds, min(LONGEST_SECONDS, ENOUGH_REQUESTS / max(rate, 0.1)))


def _wait_until_idle(site: Site, interval: float = 0.5, limit: float = 15) -> None:
    """Return when the requests that the last load left behind are finished."""
    until = time.monotonic() + limit
    cpu = cpu_seconds(site.process_ids)
    while time.monotonic() < until:
        time.sleep(interval)
        before, cpu = cpu, cpu_seconds(site.process_ids)
        if cpu - before < IDLE_CPU * interval:
            return
