"""The documentation shows the figures that were measured."""

import orjson

from bench import docs_figures, plot, report

SCATTERED = {"all brands", "include=brand", "include=brand, deep"}
"""Not flat on PostgreSQL: an import rewrites the rows of `facet` so often that they spread over many pages."""

FIGURES = orjson.loads(docs_figures.FIGURES.read_bytes())


def test_the_table_is_made_of_the_figures():
    assert docs_figures.markdown(FIGURES) in docs_figures.PAGE.read_text()


def test_the_plot_is_made_of_the_figures():
    assert docs_figures.PLOT.read_text() == plot.svg(FIGURES)


def test_a_million_articles_were_read_on_both_databases_and_what_grew_is_told():
    assert FIGURES["sizes"] == [10_000, 100_000, 1_000_000]
    assert report.kinds(FIGURES) == ["sqlite", "postgresql"]
    assert {(ratio.case, ratio.kind) for ratio in report.not_flat(FIGURES)} == {
        (case, "postgresql") for case in SCATTERED
    }
    assert max(ratio.work for ratio in report.ratios(FIGURES) if ratio.flat) < 1.15
