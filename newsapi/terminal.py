"""What commands show on standard error: how far they are, and what is wrong with their input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from newsapi.errors import Fault


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show progress on standard error, where a person sees it; yields a function of how many are done, of how many."""
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        yield progress


def complain(line: int, fault: Fault) -> None:
    """Say what is wrong with a line of an import, and where."""
    over_the_bar = "\r\033[K" if sys.stderr.isatty() else ""
    click.echo(f"{over_the_bar}line {line}: {fault.place or 'the whole record'}: {fault.message}", err=True)
