"""Lists that are kept in several places are the same everywhere.

A query parameter that one of these lists lacks would be accepted and change nothing.
"""

import re

from newsapi.cache import dependencies
from newsapi.content.queries import facets
from newsapi.content.schemas import params
from newsapi.content.schemas.articles import ArticleSchema, ArticleSummary
from newsapi.content.writes import drafts
from newsapi.editing.schemas import WithdrawParams
from newsapi.sync import change_views
from newsapi.sync.schemas import ChangeListParams
from newsapi.web.feed_formats import FEED_FORMATS
from newsapi.web.params import PageParams
from newsapi.web.wire import Withdrawal
from tests.docs.pages import PAGES

CONTRACT = PAGES["docs/reference/contract.md"]


def names_of(schema):
    return set(schema().declared_fields)


# --- filters ----------------------------------------------------------------------------------------------------------


def test_filters_by_facet_are_filters_by_term_or_by_name():
    assert params.FACET_FILTERS == facets.TERM_FILTERS + facets.LITERAL_FILTERS


def test_filters_by_term_have_dependencies():
    assert set(dependencies.FILTERS) == set(facets.TERM_FILTERS)


def test_every_declared_filter_of_lists_is_used():
    assert names_of(params.ListFilters) - names_of(PageParams) == set(params.FILTERS)


def test_every_declared_filter_of_sync_is_used():
    assert names_of(params.PartnerFilters) == set(change_views.PARTNER_FILTERS)
    assert names_of(params.PartnerFilters) <= names_of(ChangeListParams)


def test_the_kinds_of_terms_of_an_article_are_the_same_for_writes_and_cache():
    assert drafts.TERM_KIND_OF_FIELD == dependencies._KINDS


# --- documentation ----------------------------------------------------------------------------------------------------


def words(text):
    """The names in the code spans of a text, without what stands in brackets."""
    return {word for span in re.findall("`([^`]+)`", text) for word in re.findall(r"[a-z_]+", span)}


def row_of(path):
    """The row of the contract that is about a path."""
    [row] = [line for line in CONTRACT.splitlines() if line.startswith(f"| `{path}`")]
    return row


def test_the_contract_names_every_parameter_of_lists():
    common = names_of(PageParams) | {"total", "preview", "status"}  # described in sections of their own
    assert names_of(params.ArticleListParams) - common - words(row_of("GET /v1/articles")) == set()


def test_the_guide_names_every_parameter_of_lists():
    page = re.sub("```.*?```", "", PAGES["docs/guides/front-ends.md"], flags=re.DOTALL)
    page = page.partition("## Lists")[2].partition("\n## ")[0]
    elsewhere = {"cursor", "min_seq", "preview", "status"}
    assert names_of(params.ArticleListParams) - elsewhere - words(page) == set()


def test_the_contract_names_every_field_of_articles():
    section = CONTRACT.partition("## Objects")[2].partition("\n## ")[0]
    assert (names_of(ArticleSchema) | names_of(ArticleSummary)) - words(section) == set()


def test_the_contract_names_every_feed_format():
    row = row_of("GET /v1/feeds/articles.rss")
    assert [name.removeprefix("/v1/feeds/articles") for name in re.findall(r"`(?:GET )?([^`]*\.[a-z]+)`", row)] == [
        feed_format.suffix for feed_format in FEED_FORMATS
    ]


# --- values -----------------------------------------------------------------------------------------------------------


def test_reasons_of_a_withdrawal_are_those_that_it_can_be_given():
    shown = Withdrawal().declared_fields["reason"].metadata["x-extensible-enum"]
    [choices] = [validator.choices for validator in WithdrawParams().declared_fields["reason"].validators]
    assert set(choices) <= set(shown)
