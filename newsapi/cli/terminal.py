"""Output of commands on standard error: progress bars and field errors of an import."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from newsapi.errors import FieldError


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error if it is a terminal.

    Args:
        label: Text before the bar.

    Yields:
        A function that takes the number of units done and their total, and updates the bar.
    """
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield progress


def print_field_error(line: int, error: FieldError) -> None:
    """Print a field error of a line of an import on standard error."""
    clear_bar = "\r\033[K" if sys.stderr.isatty() else ""
    click.echo(f"{clear_bar}line {line}: {error.location or 'the whole record'}: {error.message}", err=True)
