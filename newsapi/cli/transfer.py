"""The commands `import` and `export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from newsapi.cli.startup import open_database, tune_gc
from newsapi.cli.terminal import print_field_error, progress_bar
from newsapi.db.clock import utc_now
from newsapi.imports import export as import_export
from newsapi.imports import export_records
from newsapi.imports import mapping as import_mapping
from newsapi.imports.formats import RecordFormat
from newsapi.imports.line_index import LineIndex
from newsapi.imports.loader import ImportRun, iter_batches
from newsapi.imports.registry import DEFAULT_FORMAT, IMPORT_FORMATS, get_format
from newsapi.settings import Settings
from newsapi.text.strict_json import InvalidJson
from newsapi.write_hooks import WRITE_HOOKS


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice([import_format.name for import_format in IMPORT_FORMATS]),
    default=DEFAULT_FORMAT.name,
    show_default=True,
    help="Format of FILE.",
)
@click.option(
    "--map",
    "mapping_file",
    type=click.File("rb"),
    metavar="FILE",
    help="Mapping of wxr and rss categories; TOML or JSON.",
)
def import_(file: Path, format_name: str, mapping_file: BinaryIO | None) -> None:
    """Import the records of FILE: NDJSON, a WordPress export (wxr), RSS or Atom (rss).

    It can be run again: records that were imported before and have not changed are skipped. Invalid records are
    reported on standard error, with line and field; the others are imported, and the exit status is 1.
    """
    settings = Settings.from_env()
    record_format = _record_format(format_name, mapping_file, settings)
    database = open_database(settings)
    tune_gc()
    size = file.stat().st_size
    with file.open("rb") as stream, progress_bar(file.name) as show_progress:
        run = ImportRun(
            database,
            settings,
            utc_now,
            WRITE_HOOKS,
            print_field_error,
            LineIndex(stream, record_format),
            record_format=record_format,
        )
        for position in iter_batches(run, stream):
            show_progress(position.offset, size)
    counts = run.counts
    database.analyze()
    click.echo(
        f"{counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if counts.rejected:
        sys.exit(1)


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
        file.writelines(
            export_records.article(snapshot.id, snapshot.values, snapshot.names or {}, snapshot.former_slugs)
            for snapshot in import_export.iter_articles(connection)
        )
