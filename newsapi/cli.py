"""The command line: each command is a few lines over an action."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson
import yaml

from newsapi import __version__
from newsapi.actions import checks, evaluation, imports, keys, related, search, subscriptions
from newsapi.actions.keys import Licence
from newsapi.api import demo_mail, demo_pictures
from newsapi.api.parts import utc_now
from newsapi.app import create_app, create_front, create_worker, set_up_logging
from newsapi.cache import counts
from newsapi.demo import content
from newsapi.errors import NewsError, SchemaMissing
from newsapi.feeds import ndjson
from newsapi.intake import known, plans
from newsapi.intake.scrutiny import Unreadable
from newsapi.migrations.upgrade import is_current, upgrade
from newsapi.schemas.imports import FORMATS
from newsapi.serving.addresses import free_address
from newsapi.serving.beside import PARENT, end_with
from newsapi.serving.farewell import polite
from newsapi.settings import BadSetting, Settings
from newsapi.store import archive
from newsapi.store.database import Database
from newsapi.store.keys import every as every_key
from newsapi.store.passes import Passes
from newsapi.terminal import complain, progress_bar


class _Clear(click.Group):
    """Errors of ours are one sentence for the person who typed, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (NewsError, BadSetting) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Clear)
@click.version_option(__version__)
def main() -> None:
    """News content as an API. Settings are NEWSAPI_* variables of the environment or of a file .env."""


@main.command()
def serve() -> None:
    """Serve the API on NEWSAPI_HOST and NEWSAPI_PORT, with a worker beside it.

    SIGTERM lets what is under way end; SIGHUP replaces the processes one by one and loses nothing.
    """
    settings = Settings.from_env()
    address = free_address(settings)
    _ready(_database(settings))
    _serve(settings, address)


@main.command()
def worker() -> None:
    """Do what follows from changes, such as purging a CDN. `newsapi serve` starts one; more may run beside it."""
    settings = Settings.from_env()
    set_up_logging(settings.log_level)
    _ready(_database(settings))
    if supervisor := os.environ.get(PARENT):
        end_with(int(supervisor))
    elif settings.metrics_port:
        _show_metrics(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    working = create_worker(settings)
    _seldom_look_for_cycles()
    working.run(stop)


@main.command()
def demo() -> None:
    """Fill a fresh SQLite file with a motoring magazine, serve it and say what to look at."""
    path = Path("newsapi-demo.sqlite3").absolute()
    os.environ |= content.environment(path)
    settings = Settings.from_env()
    address = free_address(settings)  # before anything is removed: another demo may run here
    content.clear(path)
    database = _database(settings)
    _ready(database)
    with content.stream(settings.api_url) as stream:
        imports.load(database, settings, stream, now=utc_now, reject=complain)
    database.dispose()
    click.echo(content.tour(settings.api_url))
    click.echo(f"\nThe database is {path}; the next demo begins afresh. Stop with Ctrl-C.")
    _serve(settings, address)


@main.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "name", type=click.Choice(FORMATS), default="ndjson", help="ndjson, if left out.")
@click.option("--map", "plan", type=click.File("rb"), help="Of wxr and rss: categories and defaults, TOML or JSON.")
def import_(file: Path, name: str, plan: BinaryIO | None) -> None:
    """Import the records of FILE: NDJSON, a WordPress export (wxr), RSS or Atom (rss).

    It can be run again: what is there already stays as it is. What cannot be taken is named on standard error with the
    line and the place that is wrong, and the rest is imported; the exit status is then 1.
    """
    settings = Settings.from_env()
    try:
        form = known.form(name, plans.parsed(plan.read()) if plan else None, settings.time_zone)
    except Unreadable as error:
        raise click.BadParameter(str(error), param_hint="--map") from error
    database = _database(settings)
    _ready(database)
    _seldom_look_for_cycles()
    size = file.stat().st_size
    with file.open("rb") as stream, progress_bar(file.name) as bar:
        told: Any = {"reject": complain, "progress": lambda offset: bar(offset, size)}
        counts = imports.load(database, settings, stream, now=utc_now, form=form, **told)
    database.analyze()
    click.echo(
        f"{counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if counts.rejected:
        sys.exit(1)


@main.command()
def check() -> None:
    """Say what is set up in a way that may not be meant; the exit status is 1 if there is anything."""
    settings = Settings.from_env()
    with _desk().reading() as connection:
        found = list(checks.warnings(settings, every_key(connection), utc_now()))
    for sentence in found:
        click.echo(sentence)
    if found:
        sys.exit(1)
    click.echo("Nothing to say.")


@main.group(name="keys")
def keys_() -> None:
    """Keys: who may write, and what."""


@keys_.command(name="create")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(keys.SCOPES), help="May be repeated."
)
@click.option("--days", type=click.IntRange(1, 36_500), help="After how many days it ends; never, if left out.")
@click.option("--rate", type=click.IntRange(1, 1_000_000), help="Requests a minute, if not NEWSAPI_RATE_LIMITS.")
@click.option("--brand", "brands", multiple=True, help="A partner's key is for this brand; may be repeated.")
@click.option("--section", "sections", multiple=True, help="A partner's key is for this section; may be repeated.")
@click.option("--body", type=click.Choice(("full", "teaser", "none")), help="How much of bodies it gets there; full.")
def keys_create(
    name: str, scopes: tuple[str, ...], days: int | None, rate: int | None, body: str | None, **licence: tuple[str, ...]
) -> None:
    """Make a key for NAME and print it: this once, as only what it hashes to is kept."""
    now = utc_now()
    end = now + timedelta(days=days) if days else None
    allowed = Licence(body=body, **licence)
    click.echo(keys.create(_desk(), name, scopes, now=now, expires_at=end, rate=rate, licence=allowed))


@keys_.command(name="list")
def keys_list() -> None:
    """Print every key by its open part: who has it, what it may do, and until when."""
    now = utc_now()
    with _desk().reading() as connection:
        for row in every_key(connection):
            over = row.expires_at is not None and row.expires_at <= now
            state = "revoked" if row.revoked_at else "expired" if over else "good"
            until = f"until {row.expires_at:%Y-%m-%d %H:%M}Z" if row.expires_at else "for ever"
            own = [f"{name}={','.join(row._mapping[name])}" for name in ("brands", "sections") if row._mapping[name]]  # noqa: SLF001 (the documented way to a row's names)
            own += [f"body={row.body}"] if row.body else []
            click.echo(f"{row.prefix}  {state:8}{until:24}{','.join([*row.scopes, *own])}  {row.name}")


@keys_.command(name="rotate")
@click.argument("prefix")
@click.option("--hours", type=click.IntRange(0, 8_760), default=24, help="How long the old one stays good; 24.")
def keys_rotate(prefix: str, hours: int) -> None:
    """Print a new key in the place of the one with this PREFIX, which ends some hours later."""
    click.echo(keys.rotate(_desk(), prefix, now=utc_now(), overlap=timedelta(hours=hours)))


@keys_.command(name="revoke")
@click.argument("prefix")
def keys_revoke(prefix: str) -> None:
    """Make the key with this PREFIX worthless, at once and everywhere."""
    keys.revoke(_desk(), prefix, now=utc_now())
    click.echo(f"{prefix} is revoked.")


def _desk() -> Database:
    database = _database(Settings.from_env())
    _ready(database)
    return database


@main.group()
def addresses() -> None:
    """E-mail addresses that are not to be written to, of which only keyed hashes are kept."""


@addresses.command()
@click.argument("file", type=click.File("rb"), default="-")
def bounced(file: BinaryIO) -> None:
    """Take a bounce (RFC 3464) from FILE or standard input, as a mail server hands it on.

    Addresses that do not exist are forgotten and never written to again; how many is printed.
    """
    found = subscriptions.bounced(file.read())
    subscriptions.refuse(_box(), found, "bounce", now=utc_now())
    click.echo(f"{len(found)} refused")


@addresses.command()
@click.argument("address")
def allow(address: str) -> None:
    """Let ADDRESS subscribe again, which was erased or refused."""
    if not subscriptions.allow(_box(), address):
        raise click.ClickException("It was not refused.")


def _box() -> subscriptions.Box:
    settings, database = Settings.from_env(), _desk()
    return subscriptions.Box(database, settings, Passes(database, settings.secret_key))


@main.group(name="related")
def related_() -> None:
    """Related lists."""


@related_.command()
def rebuild() -> None:
    """Make the index of related articles from scratch, while others read and write.

    It is kept up by the worker; this is for after a change of how articles are described.
    """
    _rebuild(related.rebuild)


@related_.command()
@click.argument("judged", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="SET")
def evaluate(judged: Path) -> None:
    """Rank the articles of SET, judged by people, and print a ranking of each source for the scorer of such sets.

    They are imported into a database of their own, which is gone afterwards.
    """
    settings = Settings.from_env({})
    with tempfile.TemporaryDirectory() as folder, judged.open("rb") as lines, progress_bar("Ranking") as progress:
        database = Database(f"sqlite:///{folder}/judged.sqlite3", patient=True)
        _ready(database)
        for ranking in evaluation.ranked(database, settings, lines, now=utc_now, progress=progress):
            click.echo(orjson.dumps(ranking))
        database.dispose()


@main.group(name="search")
def search_() -> None:
    """Searches."""


@search_.command(name="rebuild")
def search_rebuild() -> None:
    """Make the index of searches from scratch, while others read and write.

    It is kept up by every write and by the worker; this is for after a change of how articles are indexed.
    """
    _rebuild(search.rebuild)


def _rebuild(rebuilt: Callable[..., int]) -> None:
    database = _desk()
    _seldom_look_for_cycles()
    with progress_bar("Indexing") as progress:
        count = rebuilt(database, now=utc_now, progress=progress)
    click.echo(f"{count} articles indexed")


@main.command(name="export")
@click.argument("file", type=click.File("wb", atomic=True), default="-")
def export_(file: BinaryIO) -> None:
    """Write the archive to FILE, or to standard output, as records that import back to equal content.

    Drafts and withdrawn articles are in it, and the e-mail of authors; former states are not.
    """
    with _desk().reading() as connection:
        file.writelines(ndjson.term(kind, values) for kind, values in archive.terms(connection))
        file.writelines(
            ndjson.article(state.id, state.values, state.names or {}, state.former_slugs)
            for state in archive.articles(connection)
        )


@main.group()
def db() -> None:
    """The tables."""


@db.command(name="upgrade")
def db_upgrade() -> None:
    """Bring the database to the present tables."""
    with _database(Settings.from_env()).connection() as connection:
        upgrade(connection)
    click.echo("The database is up to date.")


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of this API."""
    app = create_app(Settings.from_env({}))
    document = app.extensions["newsapi-document"].spec.to_dict()
    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), nl=False)


def _database(settings: Settings) -> Database:
    """Make the database; raises BadSetting where its address, of a good kind, cannot be read after all."""
    try:
        return Database(settings.database_url, patient=True)
    except ValueError as error:
        raise BadSetting("NEWSAPI_DATABASE_URL", "is not an address: its host or port cannot be read") from error


def _ready(database: Database) -> None:
    """See that the tables are there: made at once in a SQLite file, asked for in a server that others may use."""
    with database.connection() as connection:
        if not is_current(connection):
            if not database.is_sqlite:
                raise SchemaMissing
            upgrade(connection)
    database.dispose()


def _serve(settings: Settings, address: str) -> None:
    from newsapi.serving.servers import Processes  # noqa: PLC0415 (the server is heavy, and other commands do without)

    set_up_logging(settings.log_level)
    # Each process begins with nothing: no threads of the supervisor's, and the code as it lies there at a reload.
    multiprocessing.set_start_method("spawn", force=True)
    with counts.gathered() if settings.metrics_port else nullcontext():
        if settings.metrics_port:
            _show_metrics(settings)
        Processes(settings, address).serve()


def _show_metrics(settings: Settings) -> None:
    try:
        counts.show(settings.host, settings.metrics_port or 0)
    except OSError as error:
        raise BadSetting("NEWSAPI_METRICS_PORT", f"cannot be listened on: {error.strerror}") from error


def _seldom_look_for_cycles(*thresholds: int) -> None:
    """Imports and indexing make millions of objects and no cycles: to look for some costs a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*(thresholds or (100_000, 50, 100)))


def application() -> Any:
    """Make the application in a process of the server."""
    settings = Settings.from_env()
    set_up_logging(settings.log_level)
    app = create_app(settings)
    if os.environ.get(content.SWITCH):
        app.register_blueprint(demo_pictures.blueprint())
        app.register_blueprint(demo_mail.blueprint(content.mail_folder(settings.database_url)))
    end_with(os.getppid())
    front = polite(create_front(app))
    # What is there now stays for good. To look through it for cycles, again and again, held every request up for 0.1 s.
    _seldom_look_for_cycles(50_000, 20, 50)
    return front
