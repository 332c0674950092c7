"""Errors of the package, and of files, as one line instead of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from newsapi.errors import NewsError, Unavailable
from newsapi.settings import SettingError


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors with a known cause into errors that click shows as one line.

    Raises:
        click.ClickException: An error of this package, or a file that cannot be read or written.
        OSError: An error of the system that names no file.
    """
    try:
        yield
    except Unavailable as error:
        raise click.ClickException(" ".join(filter(None, (str(error), error.cause)))) from error
    except (NewsError, SettingError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


@contextmanager
def exit_on_errors() -> Iterator[None]:
    """Print an error with a known cause as one line and exit with status 1; for processes that click does not run."""
    try:
        with one_line_errors():
            yield
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
