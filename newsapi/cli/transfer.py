"""The commands `import` and `export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from newsapi.cli import import_summary
from newsapi.cli.startup import open_database, tune_gc
from newsapi.cli.terminal import print_field_error, progress_bar
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.imports import export as import_export
from newsapi.imports import export_records
from newsapi.imports import mapping as import_mapping
from newsapi.imports.dry_run import roll_back_at_end
from newsapi.imports.format_choice import FormatRefused, choose_format, describe_empty
from newsapi.imports.formats import RecordFormat
from newsapi.imports.import_run import ImportRun, TransactionSource
from newsapi.imports.line_index import LineIndex
from newsapi.imports.loader import iter_batches
from newsapi.imports.readers.xml.text_decoding import HEAD_BYTES
from newsapi.imports.registry import IMPORT_FORMATS, get_format
from newsapi.imports.report import ImportReport
from newsapi.settings import Settings
from newsapi.text.strict_json import InvalidJson
from newsapi.write_hooks import WRITE_HOOKS


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice([import_format.name for import_format in IMPORT_FORMATS]),
    help="Format of FILE. It is recognized by the first bytes of FILE if it is left out.",
)
@click.option(
    "--map",
    "mapping_file",
    type=click.File("rb"),
    metavar="FILE",
    help="Mapping of wxr and rss categories; TOML or JSON.",
)
@click.option("--dry-run", is_flag=True, help="Report what the import would do, and write nothing.")
@click.option(
    "--overwrite", is_flag=True, help="Replace what editors changed, and restore articles that they withdrew."
)
@click.option(
    "--report",
    "report_file",
    type=click.File("wb", atomic=True),
    metavar="FILE",
    help="Write the report to FILE, as JSON.",
)
def import_(
    file: Path,
    format_name: str | None,
    mapping_file: BinaryIO | None,
    *,
    dry_run: bool,
    overwrite: bool,
    report_file: BinaryIO | None,
) -> None:
    """Import the records of FILE: NDJSON, a WordPress export (wxr), RSS or Atom (rss).

    It can be run again: records that were imported before and have not changed are skipped. Fields that editors changed
    since the last import stay as they are, and so do articles that they withdrew. The report names what was not
    imported. Invalid records are reported on standard error, with line and field; the others are imported, and the exit
    status is 1.
    """
    settings = Settings.from_env()
    chosen_format = _choose_format(file, format_name)
    record_format = _record_format(chosen_format, mapping_file, settings)
    database = open_database(settings)
    if format_name is None:
        click.echo(f"Format: {chosen_format}", err=True)
    tune_gc()
    with file.open("rb") as stream, _transactions(database, dry_run=dry_run) as transactions:
        run = ImportRun(
            transactions,
            settings,
            utc_now,
            WRITE_HOOKS,
            print_field_error,
            LineIndex(stream, record_format),
            record_format=record_format,
            overwrite=overwrite,
        )
        with progress_bar(file.name) as show_progress:
            for position in iter_batches(run, stream):
                show_progress(position.offset, file.stat().st_size)
    if not dry_run:
        database.analyze()
    if report_file is not None:
        report_file.write(orjson.dumps({"dry_run": dry_run, "format": chosen_format, **run.report.to_json()}) + b"\n")
    _print_report(run.report, dry_run=dry_run)
    _exit_if_incomplete(run.report, file)


@contextmanager
def _transactions(database: Database, *, dry_run: bool) -> Iterator[TransactionSource]:
    """Yield what the import reads from and writes to: the database, or a transaction that is rolled back."""
    if dry_run:
        with roll_back_at_end(database) as transaction:
            yield transaction
    else:
        yield database


def _choose_format(file: Path, requested: str | None) -> str:
    """Return the format of a file; raise BadParameter if it is not the requested one or no import format."""
    try:
        return choose_format(_read_head(file), requested)
    except FormatRefused as error:
        raise click.BadParameter(str(error), param_hint="--format" if requested else "FILE") from error


def _read_head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(HEAD_BYTES)


def _exit_if_incomplete(report: ImportReport, file: Path) -> None:
    """Exit with status 1 if records were rejected or nothing was found.

    Raises:
        ClickException: Nothing was found in the file.
    """
    if report.is_empty:
        raise click.ClickException(describe_empty(_read_head(file)))
    if report.total.rejected:
        sys.exit(1)


def _print_report(report: ImportReport, *, dry_run: bool) -> None:
    """Print the summary on standard output, and the warnings on standard error."""
    for line in import_summary.iter_warnings(report):
        click.echo(line, err=True)
    for line in import_summary.iter_summary(report):
        click.echo(line)
    if dry_run:
        click.echo("Nothing was written: this was a dry run.")


def _record_format(name: str, mapping_file: BinaryIO | None, settings: Settings) -> RecordFormat:
    """Return the import format with its mapping; raise BadParameter if the mapping is invalid."""
    try:
        document = import_mapping.parse_mapping(mapping_file.read()) if mapping_file else None
    except InvalidJson as error:
        raise click.BadParameter(str(error), param_hint="--map") from error
    return get_format(name, document, settings.time_zone)


@click.command()
@click.argument("file", type=click.File("wb", atomic=True), default="-")
def export(file: BinaryIO) -> None:
    """Write all content to FILE or standard output, as records that import back to equal content.

    Drafts, withdrawn articles and the email addresses of authors are included, revisions are not.
    """
    with open_database().read_transaction() as connection:
        file.writelines(export_records.term(kind, values) for kind, values in import_export.iter_terms(connection))
        file.writelines(map(export_records.article, import_export.iter_articles(connection)))
