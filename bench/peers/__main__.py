"""The commands `load`, `measure` and `publish` of `python -m bench.peers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from bench.peers import publication
from bench.peers.comparison import Amount, Opener, compare, opened
from bench.peers.directus import directus
from bench.peers.ghost import ghost
from bench.peers.sites import Corpus
from bench.peers.wagtail import wagtail
from bench.peers.wordpress import wordpress

PEERS: dict[str, Opener] = {"directus": directus, "wordpress": wordpress, "wagtail": wagtail, "ghost": ghost}

FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
PEER = click.option("--peer", "names", multiple=True, type=click.Choice(list(PEERS)), help="Can be repeated.")
ARTICLES = click.option("--articles", default=10_000, show_default=True)


@click.group()
def main() -> None:
    """Compare newsapi with other servers on the same articles."""


@main.command()
@FOLDER
@PEER
@ARTICLES
def load(folder: Path, *, names: tuple[str, ...], articles: int) -> None:
    """Load the articles into the peers installed in FOLDER, one after the other, and check what they serve."""
    corpus = Corpus(articles)
    for name in names:
        with opened(name, PEERS[name], folder.resolve(), corpus) as sites:
            for title, site in sites.items():
                site.check(corpus)
                click.echo(f"{title} serves {articles:,} articles ({site.version})")


@main.command()
@FOLDER
@click.argument("figures", type=click.Path(dir_okay=False, path_type=Path))
@PEER
@ARTICLES
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=4.0, show_default=True, help="Duration of each load.")
@click.option("--warm-up", default=4.0, show_default=True, help="Seconds of the load before the first round.")
def measure(folder: Path, figures: Path, *, names: tuple[str, ...], articles: int, **amount: Any) -> None:
    """Measure newsapi and the peers installed in FOLDER, write FIGURES and print a table."""
    peers = {name: PEERS[name] for name in names}
    result = compare(peers, folder.resolve(), Corpus(articles), Amount(**amount))
    figures.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    click.echo(publication.all_figures(result))


@main.command()
@click.argument("figures", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def publish(figures: Path) -> None:
    """Store FIGURES, and write the plot and the tables of the documentation."""
    publication.publish(orjson.loads(figures.read_bytes()))


if __name__ == "__main__":
    main(prog_name="python -m bench.peers")
