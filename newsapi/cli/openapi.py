"""The command `openapi`."""

from __future__ import annotations

import click

from newsapi.app import create_app
from newsapi.settings import Settings


@click.command()
def openapi() -> None:
    """Print the OpenAPI document of this API."""
    app = create_app(Settings.from_env({}))
    click.echo(app.extensions["newsapi-document"].document_as_yaml, nl=False)
