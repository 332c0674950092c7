"""The picture of the dashboard in the documentation, drawn from a real run.

Starts `newsapi serve` with the sample magazine and a Prometheus that scrapes it, sends requests and publishes articles
for some minutes, then draws the panels of `deploy/grafana/newsapi.json` from the answers of Prometheus to their
queries. Needs `prometheus` (Debian) and matplotlib, which is not in the lock file: `pip install matplotlib`.

    python -m bench.monitoring --minutes 3 docs/operate/newsapi-dashboard.png
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.support.fake_servers import Elsewhere
from tests.support.processes import free_port, serving
from tests.support.prometheus import Prometheus, prometheus

DASHBOARD = Path(__file__).parents[1] / "deploy/grafana/newsapi.json"
SCRAPE_INTERVAL_SECONDS = 2
RATE_INTERVAL = "16s"
STEP_SECONDS = 2
READERS = 3
PAUSE_SECONDS = 0.02
"""Pause of a reader between two requests: a modest load."""

PUBLISH_INTERVAL_SECONDS = 10.0
COLUMNS = 3


class Load:
    """Readers, and a newsroom that publishes at once and on schedule."""

    def __init__(self, base: str, key: str) -> None:
        self._host, self._key = urlsplit(base).netloc, key
        self._stop = threading.Event()
        articles = self._request("GET", "/v1/articles?limit=30")["data"]
        self._paths = [f"/v1/articles/{article['slug']}" for article in articles]
        self._paths += [f"{path}/related" for path in self._paths]
        self._paths += [
            "/v1/articles",
            "/v1/articles?brand=land-rover",
            "/v1/feeds/articles.rss",
            "/v1/articles/nothing",
        ]
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]
        self._threads.append(threading.Thread(target=self._publish))

    def run(self, seconds: float) -> None:
        """Send requests for some time."""
        for thread in self._threads:
            thread.start()
        time.sleep(seconds)
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, number: int) -> None:
        choice = random.Random(number)
        connection = HTTPConnection(self._host, timeout=30)
        while not self._stop.wait(PAUSE_SECONDS):
            path = choice.choice(self._paths)
            if choice.random() < 0.05:
                path = f"/v1/search?q={choice.choice(['velar', 'land', 'prova', 'auto'])}&limit={choice.randint(1, 50)}"
            try:
                connection.request("GET", path)
                connection.getresponse().read()
            except (OSError, HTTPException):
                connection.close()

    def _publish(self) -> None:
        for number in itertools.count(1):
            if self._stop.wait(PUBLISH_INTERVAL_SECONDS):
                return
            article = {"headline": f"Novità numero {number}", "brand": "land-rover", "status": "published"}
            if number % 2 == 0:
                at = datetime.now(UTC) + timedelta(seconds=3)
                article |= {"status": "scheduled", "published_at": at.isoformat()}
            self._request("POST", "/v1/articles", article)

    def _request(self, method: str, path: str, body: object = None) -> Any:
        connection = HTTPConnection(self._host, timeout=30)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"} if body else {}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        assert response.status < 400, content
        return json.loads(content)

    def register_webhook(self, url: str) -> None:
        """Register a webhook for publications."""
        self._request("POST", "/v1/webhooks", {"url": url, "events": ["article.published"]})


def series_of(server: Prometheus, target: dict[str, str], start: float, end: float) -> list[tuple[str, list[Any]]]:
    """Return name and values of each series of a query of the dashboard."""
    query = target["expr"].replace("$__rate_interval", RATE_INTERVAL).replace("$instance", ".*")
    result = server.get("query_range", query=query, start=str(start), end=str(end), step=str(STEP_SECONDS))["result"]

    def name(labels: dict[str, str]) -> str:
        return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), target["legendFormat"])

    return [(name(series["metric"]), series["values"]) for series in result]


def draw(server: Prometheus, start: float, end: float, path: Path) -> None:
    """Draw all panels into a PNG file."""
    import matplotlib as mpl  # noqa: PLC0415 (not in the lock file)

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 (the same)

    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if "targets" in panel]
    rows = -(-len(panels) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(6.2 * COLUMNS, 3.1 * rows), layout="constrained")
    for panel, plot in zip(panels, axes.flat, strict=False):
        units = {"s": "seconds", "reqps": "per second", "ops": "per second", "bytes": "bytes"}
        plot.set_title(panel["title"], fontsize=11, loc="left")
        plot.set_ylabel(units.get(panel["fieldConfig"]["defaults"]["unit"], ""), fontsize=8)
        count = 0
        for target in panel["targets"]:
            for name, values in series_of(server, target, start, end):
                times = [float(at) - start for at, _ in values]
                plot.plot(times, [float(value) for _, value in values], label=name, linewidth=1.4)
                count += 1
        plot.set_xlim(0, end - start)
        plot.set_ylim(0, 1.4 * (plot.get_ylim()[1] or 1.0))  # room for the legend
        plot.tick_params(labelsize=8)
        plot.grid(alpha=0.3)
        if count:
            plot.legend(fontsize=6.5, loc="upper left", ncols=2 if count > 4 else 1, framealpha=0.7)
        else:
            plot.text(0.5, 0.5, "no data", transform=plot.transAxes, ha="center", color="grey")
    for plot in axes.flat[len(panels) :]:
        plot.set_visible(False)
    figure.supxlabel("seconds", fontsize=9)
    figure.savefig(path, dpi=72)


def main() -> None:
    """Run the load and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the PNG file to write")
    parser.add_argument("--minutes", type=float, default=3.0)
    arguments = parser.parse_args()
    metrics_port, partner = free_port(), Elsewhere()
    settings = {"NEWSAPI_METRICS_PORT": str(metrics_port), "NEWSAPI_WEBHOOK_PRIVATE": "allow"}
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "demo", **settings) as served,
        prometheus(_made(Path(folder) / "prometheus"), metrics_port, interval=f"{SCRAPE_INTERVAL_SECONDS}s") as server,
    ):
        database = Database(f"sqlite:///{folder}/newsapi-demo.sqlite3")
        scopes = ["content:write", "content:publish", "webhooks"]
        key = key_commands.create(database, "bench", scopes, now=utc_now())
        database.dispose()
        load = Load(served.base, key)
        load.register_webhook(partner.url)
        start = time.time()
        load.run(arguments.minutes * 60)
        draw(server, start, time.time(), arguments.picture.absolute())
    partner.close()
    print(f"load average {os.getloadavg()}, {len(partner.asked)} webhook calls")  # noqa: T201 (what the command reports)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
