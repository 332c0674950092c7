"""The `newsapi` command. Each subcommand is a thin layer over a function of another module."""

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
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from newsapi import __version__
from newsapi.app import configure_logging, create_app, create_front, create_worker
from newsapi.cli import config_check, evaluation
from newsapi.cli.terminal import print_field_error, progress_bar
from newsapi.db.database import Database
from newsapi.demo import content, mail_views, picture_views
from newsapi.demo.home_page import DEMO_PAGE
from newsapi.errors import MigrationsPending, NewsError
from newsapi.imports import export as import_export
from newsapi.imports import export_records
from newsapi.imports import loader as import_loader
from newsapi.imports import mapping as import_mapping
from newsapi.imports import registry as import_registry
from newsapi.imports.formats import RecordFormat
from newsapi.imports.schemas import FORMATS
from newsapi.keys import commands as key_commands
from newsapi.keys.commands import Entitlement
from newsapi.keys.queries import list_keys as every_key
from newsapi.migrations.upgrade import is_current, upgrade
from newsapi.related import maintenance as related_maintenance
from newsapi.search import maintenance as search_maintenance
from newsapi.server import metrics
from newsapi.server.bind import bind_address
from newsapi.server.graceful_shutdown import with_graceful_shutdown
from newsapi.server.worker_process import SUPERVISOR_PID_VARIABLE, exit_with_parent
from newsapi.settings import SettingError, Settings
from newsapi.subscriptions import commands as subscription_commands
from newsapi.subscriptions.tokens import TokenSigner
from newsapi.text.strict_json import InvalidJson
from newsapi.web import home_page
from newsapi.web.context import utc_now


class _Clear(click.Group):
    """A group that shows errors of the package as one sentence instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (NewsError, SettingError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Clear)
@click.version_option(__version__)
def main() -> None:
    """News content as an API. Settings are environment variables NEWSAPI_*, or lines of a file .env."""


@main.command()
def serve() -> None:
    """Serve the API on NEWSAPI_HOST and NEWSAPI_PORT, and start a worker.

    SIGTERM stops the server after the requests in progress. SIGHUP replaces the processes one by one without losing a
    request.
    """
    settings = Settings.from_env()
    address = bind_address(settings)
    _require_current_schema(_database(settings))
    _serve(settings, address)


@main.command()
def worker() -> None:
    """Run a worker, beside the one that `newsapi serve` starts: it follows changes, for example to purge a CDN."""
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    _require_current_schema(_database(settings))
    if supervisor := os.environ.get(SUPERVISOR_PID_VARIABLE):
        exit_with_parent(int(supervisor))
    elif settings.metrics_port:
        _show_metrics(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    background_worker = create_worker(settings)
    _tune_gc()
    background_worker.run(stop)


@main.command()
def demo() -> None:
    """Create a SQLite database with a sample motoring magazine, serve it and print URLs to try."""
    path = Path("newsapi-demo.sqlite3").absolute()
    os.environ |= content.environment(path)
    settings = Settings.from_env()
    address = bind_address(settings)  # before the old database is deleted: another demo may be using it
    content.clear(path)
    database = _database(settings)
    _require_current_schema(database)
    with content.stream(settings.api_url) as stream:
        import_loader.import_records(database, settings, stream, now=utc_now, reject=print_field_error)
    database.dispose()
    click.echo(content.tour_text(settings.api_url))
    click.echo(f"\nThe database is {path}; the next demo replaces it. Press Ctrl-C to stop.")
    _serve(settings, address)


@main.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "format_name", type=click.Choice(FORMATS), default="ndjson", help="Default: ndjson.")
@click.option("--map", "mapping_file", type=click.File("rb"), help="Mapping of wxr and rss categories; TOML or JSON.")
def import_(file: Path, format_name: str, mapping_file: BinaryIO | None) -> None:
    """Import the records of FILE: NDJSON, a WordPress export (wxr), RSS or Atom (rss).

    It can be run again: records that were imported before and have not changed are skipped. Invalid records are
    reported on standard error, with line and field; the others are imported, and the exit status is 1.
    """
    settings = Settings.from_env()
    format_ = _record_format(format_name, mapping_file, settings)
    database = _database(settings)
    _require_current_schema(database)
    _tune_gc()
    size = file.stat().st_size
    with file.open("rb") as stream, progress_bar(file.name) as bar:
        totals = import_loader.import_records(
            database,
            settings,
            stream,
            now=utc_now,
            record_format=format_,
            reject=print_field_error,
            progress=lambda n: bar(n, size),
        )
    database.analyze()
    click.echo(
        f"{totals.created} created, {totals.updated} updated, {totals.unchanged} unchanged, {totals.rejected} rejected"
    )
    if totals.rejected:
        sys.exit(1)


def _record_format(name: str, mapping_file: BinaryIO | None, settings: Settings) -> RecordFormat:
    """Return the import format with its mapping; raise BadParameter if the mapping is invalid."""
    try:
        document = import_mapping.parse_mapping(mapping_file.read()) if mapping_file else None
        return import_registry.get_format(name, document, settings.time_zone)
    except InvalidJson as error:
        raise click.BadParameter(str(error), param_hint="--map") from error


@main.command()
def check_config() -> None:
    """Report unsafe or ineffective settings; the exit status is 1 if there are any."""
    settings = Settings.from_env()
    with _write_context().read_transaction() as connection:
        warnings = list(config_check.config_warnings(settings, every_key(connection), utc_now()))
    for warning in warnings:
        click.echo(warning)
    if warnings:
        sys.exit(1)
    click.echo("No problems found.")


Words = tuple[str, ...]


@main.group(name="keys")
def keys_() -> None:
    """Create, list, rotate and revoke API keys."""


@keys_.command(name="create")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(key_commands.SCOPES), help="Repeatable."
)
@click.option("--days", type=click.IntRange(1, 36_500), help="Days until the key expires; never if not given.")
@click.option("--rate", type=click.IntRange(1, 1_000_000), help="Requests per minute; or else NEWSAPI_RATE_LIMITS.")
@click.option("--brand", "brands", multiple=True, help="Restrict a partner key to this brand; may be repeated.")
@click.option("--section", "sections", multiple=True, help="Restrict a partner key to this section; may be repeated.")
@click.option("--body", type=click.Choice(("full", "teaser", "none")), help="Body access of a partner key; full.")
def keys_create(
    name: str, *, scopes: Words, days: int | None, rate: int | None, brands: Words, sections: Words, body: str | None
) -> None:
    """Create an API key for NAME and print it. It is shown only once; the database stores a hash."""
    now = utc_now()
    expires_at = now + timedelta(days=days) if days else None
    entitlement = Entitlement(brands=brands, sections=sections, body=body)
    click.echo(
        key_commands.create(
            _write_context(), name, scopes, now=now, expires_at=expires_at, rate=rate, entitlement=entitlement
        )
    )


@keys_.command(name="list")
def keys_list() -> None:
    """Print the prefix, state, expiry, scopes, entitlements and name of every API key."""
    now = utc_now()
    with _write_context().read_transaction() as connection:
        for row in every_key(connection):
            click.echo(_key_line(row, now))


def _key_line(row: Any, now: datetime) -> str:
    is_expired = row.expires_at is not None and row.expires_at <= now
    state = "revoked" if row.revoked_at else "expired" if is_expired else "good"
    expiry = f"until {row.expires_at:%Y-%m-%d %H:%M}Z" if row.expires_at else "no expiry"
    restrictions = (
        ("brands", row.brands),
        ("sections", row.sections),
        ("body", [row.body_access] if row.body_access else None),
    )
    rights = [*row.scopes, *(f"{name}={','.join(values)}" for name, values in restrictions if values)]
    return f"{row.prefix}  {state:8}{expiry:24}{','.join(rights)}  {row.name}"


@keys_.command(name="rotate")
@click.argument("prefix")
@click.option("--hours", type=click.IntRange(0, 8_760), default=24, help="Hours for which the old key stays valid; 24.")
def keys_rotate(prefix: str, hours: int) -> None:
    """Create an API key that replaces the one with this PREFIX, and print it. The old key expires after --hours."""
    click.echo(key_commands.rotate(_write_context(), prefix, now=utc_now(), overlap=timedelta(hours=hours)))


@keys_.command(name="revoke")
@click.argument("prefix")
def keys_revoke(prefix: str) -> None:
    """Revoke the API key with this PREFIX, with immediate effect on all nodes."""
    key_commands.revoke(_write_context(), prefix, now=utc_now())
    click.echo(f"{prefix} is revoked.")


def _write_context() -> Database:
    database = _database(Settings.from_env())
    _require_current_schema(database)
    return database


@main.group()
def addresses() -> None:
    """Suppressed email addresses: no email is sent to them. Only keyed hashes of them are stored."""


@addresses.command()
@click.argument("file", type=click.File("rb"), default="-")
def addresses_bounced(file: BinaryIO) -> None:
    """Read a bounce message (RFC 3464) from FILE or standard input, as a mail server forwards it.

    Subscribers whose address does not exist are erased and the address is suppressed. Prints the number of addresses.
    """
    emails = subscription_commands.parse_bounce(file.read())
    subscription_commands.suppress_addresses(_subscription_context(), emails, "bounce", now=utc_now())
    click.echo(f"{len(emails)} suppressed")


@addresses.command()
@click.argument("address")
def addresses_allow(address: str) -> None:
    """Let ADDRESS subscribe again after it was erased or suppressed."""
    if not subscription_commands.unsuppress(_subscription_context(), address):
        raise click.ClickException("This address is not suppressed.")


def _subscription_context() -> subscription_commands.SubscriptionContext:
    settings, database = Settings.from_env(), _write_context()
    return subscription_commands.SubscriptionContext(database, settings, TokenSigner(database, settings.secret_key))


@main.group(name="related")
def related_() -> None:
    """Related lists."""


@related_.command()
def rebuild() -> None:
    """Rebuild the index of related articles while reads and writes go on.

    The worker keeps the index up to date; a rebuild is needed only after the way articles are indexed has changed.
    """
    _rebuild(related_maintenance.rebuild_index)


@related_.command()
@click.argument("judged", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="SET")
def evaluate(judged: Path) -> None:
    """Import SET, a set of relevance judgments, into a temporary database and print each ranking as a line of JSON."""
    settings = Settings.from_env({})
    with tempfile.TemporaryDirectory() as folder, judged.open("rb") as lines, progress_bar("Ranking") as progress:
        database = Database(f"sqlite:///{folder}/judged.sqlite3", long_running=True)
        _require_current_schema(database)
        for ranking in evaluation.iter_rankings(database, settings, lines, now=utc_now, progress=progress):
            click.echo(orjson.dumps(ranking))
        database.dispose()


@main.group(name="search")
def search_() -> None:
    """Full-text search."""


@search_.command(name="rebuild")
def search_rebuild() -> None:
    """Rebuild the search index while reads and writes go on.

    Writes and the worker keep the index up to date; a rebuild is needed only after a change of the way it is built.
    """
    _rebuild(search_maintenance.rebuild)


def _rebuild(rebuild_index: Callable[..., int]) -> None:
    database = _write_context()
    _tune_gc()
    with progress_bar("Indexing") as progress:
        count = rebuild_index(database, now=utc_now, progress=progress)
    click.echo(f"{count} articles indexed")


@main.command(name="export")
@click.argument("file", type=click.File("wb", atomic=True), default="-")
def export_(file: BinaryIO) -> None:
    """Write all content to FILE or standard output, as records that import back to equal content.

    Drafts, withdrawn articles and the email addresses of authors are included, revisions are not.
    """
    with _write_context().read_transaction() as connection:
        file.writelines(export_records.term(kind, values) for kind, values in import_export.iter_terms(connection))
        file.writelines(
            export_records.article(snapshot.id, snapshot.values, snapshot.names or {}, snapshot.former_slugs)
            for snapshot in import_export.iter_articles(connection)
        )


@main.group()
def db() -> None:
    """Database schema."""


@db.command(name="upgrade")
def db_upgrade() -> None:
    """Apply all migrations to the database."""
    with _database(Settings.from_env()).connection() as connection:
        upgrade(connection)
    click.echo("The database is up to date.")


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of this API."""
    app = create_app(Settings.from_env({}))
    click.echo(app.extensions["newsapi-document"].document_as_yaml, nl=False)


def _database(settings: Settings) -> Database:
    """Return the database; raise SettingError if its URL has a valid scheme but cannot be parsed."""
    try:
        return Database(settings.database_url, long_running=True)
    except ValueError as error:
        raise SettingError("NEWSAPI_DATABASE_URL", "is not a URL with a valid host and port") from error


def _require_current_schema(database: Database) -> None:
    """Apply pending migrations to a SQLite file; raise MigrationsPending for a server, which others may be using."""
    with database.connection() as connection:
        if not is_current(connection):
            if not database.is_sqlite:
                raise MigrationsPending
            upgrade(connection)
    database.dispose()


def _serve(settings: Settings, address: str) -> None:
    from newsapi.server.supervisor import ServerSupervisor  # noqa: PLC0415 (slow to import, and other commands do not need it)

    configure_logging(settings.log_level)
    # "spawn": processes inherit no threads of the supervisor, and a reload imports the code that is then installed.
    multiprocessing.set_start_method("spawn", force=True)
    with metrics.multiprocess_dir() if settings.metrics_port else nullcontext():
        if settings.metrics_port:
            _show_metrics(settings)
        ServerSupervisor(settings, address).serve()


def _show_metrics(settings: Settings) -> None:
    try:
        metrics.serve_metrics(settings.host, settings.metrics_port or 0)
    except OSError as error:
        raise SettingError("NEWSAPI_METRICS_PORT", f"cannot be listened on: {error.strerror}") from error


def _tune_gc(*thresholds: int) -> None:
    """Collect garbage less often: imports and indexing create no cycles, and it takes a sixth of their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*(thresholds or (100_000, 50, 100)))


def wsgi_app() -> Any:
    """Return the application that a server process runs."""
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    app = create_app(settings)
    if os.environ.get(content.PICTURES_VARIABLE):
        app.register_blueprint(picture_views.blueprint())
        app.extensions[home_page.EXTENSION] = DEMO_PAGE
        app.register_blueprint(mail_views.blueprint(content.email_folder(settings.database_url)))
    exit_with_parent(os.getppid())
    front = with_graceful_shutdown(create_front(app))
    # Objects that exist now are permanent. Scanning them for cycles again and again delayed every request by 0.1 s.
    _tune_gc(50_000, 20, 50)
    return front
