"""Benchmark of imports: `python -m bench.imports`.

For each database: the same articles are loaded as bare lines (JSON is parsed, and each line becomes one row of a table,
in transactions of the same size), imported by `newsapi import` into an empty database, and imported once more, which
changes nothing. Then both indexes are rebuilt at the same time. In another empty database, the articles are imported
while `newsapi serve` runs, whose search indexer and worker follow the import: this step ends when both indexes have
reached its last change. CPU time includes all processes, and the server where there is one.
Memory is that of the largest process of ours; that of `newsapi serve` is not measured.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click
import orjson
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select

from bench.cache_hits import serve
from bench.corpus import records
from bench.cpu_time import cpu_seconds, postmaster_id
from bench.datasets import postgresql_server
from newsapi.changelog.tables import ConsumerOffset
from newsapi.db.database import Database
from newsapi.imports.loader import BATCH_LINES
from newsapi.related.index import CONSUMER
from newsapi.search import source_articles
from newsapi.search.index_folder import IndexFolder
from newsapi.search.index_reader import IndexReader, count_lag

NEWSAPI = Path(sys.executable).with_name("newsapi")
COMMANDS = {
    "first import": [["import", "{file}"]],
    "second import": [["import", "{file}"]],
    "both indexes": [["search", "rebuild"], ["related", "rebuild"]],
}
"""The commands of each step, which run at the same time."""

FOLLOWED_IMPORT = "import, followed by both indexes"
WAYS_UNTIL_READY = {"import, then both indexes": ("first import", "both indexes"), FOLLOWED_IMPORT: (FOLLOWED_IMPORT,)}
"""Ways to a database with both indexes, each with the steps that follow one another."""

POLL_SECONDS = 0.1
"""Seconds between two looks at how far the indexes have followed."""

MILLION = 1_000_000


class Measurement(NamedTuple):
    """What one step took: seconds of time, of CPU time of our processes and of the server, and megabytes of memory."""

    seconds: float
    own_cpu: float
    server_cpu: float
    memory_mb: int = 0

    @property
    def cpu(self) -> float:
        """The CPU time of all processes in seconds."""
        return self.own_cpu + self.server_cpu


def write_corpus(file: Path, articles: int) -> None:
    """Write the records of an archive as NDJSON."""
    with file.open("wb") as stream:
        for record in records(articles):
            stream.write(orjson.dumps(record) + b"\n")


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[tuple[dict[str, str], int | None]]:
    """Make an empty database with its tables; yield the settings for it and the process id of its server."""
    with (
        nullcontext(f"sqlite:///{folder / 'articles.sqlite3'}")
        if kind == "sqlite"
        else postgresql_server(folder, None) as url
    ):
        settings = {"NEWSAPI_DATABASE_URL": url, "NEWSAPI_SEARCH_INDEX": str(folder / "search")}
        run_commands([["db", "upgrade"]], settings)
        yield settings, None if kind == "sqlite" else postmaster_id(url)


def run_commands(commands: Sequence[list[str]], settings: dict[str, str]) -> int:
    """Run commands of newsapi at the same time; return the memory of the largest process in megabytes."""
    environment = os.environ | settings
    processes = [
        subprocess.Popen([NEWSAPI, *arguments], env=environment, stdout=subprocess.DEVNULL) for arguments in commands
    ]
    memory_mb = 0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        memory_mb = max(memory_mb, usage.ru_maxrss >> 10)
    for process in processes:
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return memory_mb


def measure(step: Callable[[], int], server: int | None, service: Sequence[int] = ()) -> Measurement:
    """Run a step and measure it; `service` are processes of ours that started before it and go on after it."""

    def read_clocks() -> tuple[float, float, float]:
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        own_cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages) + cpu_seconds(service)
        return time.perf_counter(), own_cpu, 0.0 if server is None else cpu_seconds([server])

    start = read_clocks()
    memory_mb = step()
    seconds, own_cpu, server_cpu = (after - before for before, after in zip(start, read_clocks(), strict=True))
    return Measurement(seconds, own_cpu, server_cpu, memory_mb)


def load_lines(url: str, file: Path) -> int:
    """Load the lines of a file into a table of two columns, each line parsed as JSON."""
    database = Database(url, long_running=True)
    table = Table("bench_line", MetaData(), Column("number", Integer, primary_key=True), Column("content", Text))
    with database.transaction() as session:
        table.create(session.connection())
    with file.open("rb") as stream:
        numbered_lines = enumerate(stream)
        while lines := list(islice(numbered_lines, BATCH_LINES)):
            rows = [{"number": number, "content": orjson.dumps(orjson.loads(line)).decode()} for number, line in lines]
            with database.transaction() as session:
                session.execute(insert(table), rows)
    database.dispose()
    return 0


def measure_database(kind: str, file: Path) -> Iterator[tuple[str, Measurement]]:
    """Yield the name of each step with its measurement."""
    with tempfile.TemporaryDirectory() as folder, new_database(kind, Path(folder)) as (settings, server):
        yield "bare lines", measure(lambda: load_lines(settings["NEWSAPI_DATABASE_URL"], file), server)
        for name, commands in COMMANDS.items():
            step = [[argument.format(file=file) for argument in command] for command in commands]
            yield name, measure(partial(run_commands, step, settings), server)
    with tempfile.TemporaryDirectory() as folder, new_database(kind, Path(folder)) as (settings, server):
        yield FOLLOWED_IMPORT, measure_followed_import(settings, server, file, Path(folder))


def measure_followed_import(settings: dict[str, str], server: int | None, file: Path, folder: Path) -> Measurement:
    """Measure an import that both indexes of a running service follow."""

    def import_and_wait() -> int:
        memory_mb = run_commands([["import", str(file)]], settings)
        wait_for_indexes(settings)
        return memory_mb

    with ExitStack() as stack:
        index = settings["NEWSAPI_SEARCH_INDEX"]
        service = serve(stack, folder, settings["NEWSAPI_DATABASE_URL"], NEWSAPI_SEARCH_INDEX=index)
        wait_for_indexes(settings)
        return measure(import_and_wait, server, service.pids)


def wait_for_indexes(settings: dict[str, str]) -> None:
    """Wait until both indexes have followed the changelog to its head."""
    database = Database(settings["NEWSAPI_DATABASE_URL"])
    reader = IndexReader(IndexFolder(Path(settings["NEWSAPI_SEARCH_INDEX"])))
    related_seq = select(ConsumerOffset.seq).where(ConsumerOffset.consumer == CONSUMER)
    is_ready = False
    while not is_ready:
        time.sleep(POLL_SECONDS)
        opened = reader.open()
        with database.read_transaction() as connection:
            head = source_articles.get_log_position(connection)
            has_related = connection.execute(related_seq).scalar() == head.seq
        is_ready = has_related and opened is not None and not count_lag(head, opened.position)
    database.dispose()


def table_row(kind: str, name: str, articles: int, measured: Measurement, bare: Measurement) -> str:
    """Return the row of a step."""
    figures = [
        f"{articles / measured.seconds:,.0f}",
        f"{measured.own_cpu / articles * 1e3:.3f}",
        f"{measured.server_cpu / articles * 1e3:.3f}",
        f"{measured.cpu / bare.cpu:.1f}",
        str(measured.memory_mb or ""),
    ]
    return f"| {kind} | {name} | {' | '.join(figures)} |"


@click.command()
@click.option("--articles", default=50_000, show_default=True)
@click.option("--file", type=click.Path(exists=True, path_type=Path), help="NDJSON to import in place of our corpus.")
@click.option("--databases", default="sqlite,postgresql", show_default=True)
def main(articles: int, file: Path | None, databases: str) -> None:
    """Measure imports and print the figures as a table."""
    with tempfile.TemporaryDirectory() as folder:
        if file is None:
            file = Path(folder) / "corpus.ndjson"
            write_corpus(file, articles)
        with file.open("rb") as stream:
            count = sum(b'"type":"article"' in line for line in stream)
        click.echo("| database | step | articles/s | CPU ms | CPU ms of the server | CPU relative to bare lines | MB |")
        click.echo("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
        for kind in databases.split(","):
            steps: dict[str, Measurement] = {}
            for name, measured in measure_database(kind, file):
                steps[name] = measured
                click.echo(table_row(kind, name, count, measured, steps["bare lines"]))
            for way, names in WAYS_UNTIL_READY.items():
                seconds = sum(steps[name].seconds for name in names)
                cpu = sum(steps[name].cpu for name in names)
                minutes, cpu_minutes = (value / count * MILLION / 60 for value in (seconds, cpu))
                click.echo(
                    f"{kind}, {way}: a million articles, extrapolated: {minutes:.1f} minutes,"
                    f" {cpu_minutes:.1f} of CPU time. Load: {os.getloadavg()[0]:.1f}"
                )


if __name__ == "__main__":
    main()
