"""The fast way out gives what the schemas' own way gives, to the byte."""

import orjson
import pytest

from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import terms as term_queries
from newsapi.content.schemas import articles as wire
from newsapi.content.schemas import terms
from newsapi.related import lists as related_lists
from newsapi.web.fast_dump import OPTIONS, compile_dump, field_paths
from tests.support.sample_content import fill

pytestmark = pytest.mark.one_database

NARROWED = [
    ["headline"],
    ["id", "slug", "published_at", "published_on", "updated_at"],
    ["brand.slug", "section", "authors.name"],
    ["image.url", "image.focal.x", "image.renditions.width"],
    ["media.image.url", "media.sources", "media.captions.language"],
    ["rights.ai", "seo.title", "source.name", "corrections.at"],
    ["links.self", "mentions", "tags.slug", "previous_slugs", "translations"],
]
SLUGS = ["fabbrica", "velar", "senza-marca"]


def same(schema, record, paths=()):
    fast = orjson.dumps(compile_dump(schema, frozenset(paths))(record), option=OPTIONS)
    slow = orjson.dumps(schema(only=paths or None).dump(record))
    # Narrowed, marshmallow puts fields in the order of a set.
    return orjson.loads(fast) == orjson.loads(slow) if paths else fast == slow


@pytest.fixture
def read(database, settings, make):
    """Records as the views have them, by the schema that they are sent by."""
    ids = fill(make)
    presentation = ArticlePresenter(settings)
    everything = wire.ArticleSchema().dump_fields
    with database.read_transaction() as connection:

        def full(slug):
            return presentation.article(article_queries.get_many(connection, [ids[slug]], everything).records[0])

        def summary(slug):
            return presentation.summary(article_queries.get_many(connection, [ids[slug]]).records[0])

        def beside(slug):
            found = related_lists.get_related(connection, ids[slug], limit=6).records
            return [presentation.summary(record) for record in found]

        def term(kind):
            found = term_queries.list_terms(connection, kind, term_queries.TermListQuery(), limit=100).records
            return [presentation.term(kind, record) for record in found]

        yield {"full": full, "summary": summary, "beside": beside, "term": term}


def test_a_full_article_comes_out_the_same(read):
    for slug in SLUGS:
        assert same(wire.ArticleSchema, read["full"](slug))


def test_a_summary_comes_out_the_same(read):
    for slug in SLUGS:
        assert same(wire.ArticleSummary, read["summary"](slug))


def test_a_related_list_comes_out_the_same(read):
    found = read["beside"]("velar")
    assert found
    assert all(same(wire.RelatedArticle, record) for record in found)
    assert same(wire.ArticleWithRelated, {**read["full"]("velar"), "related": found})
    assert same(wire.ArticleWithRelated, read["full"]("velar"))


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("brand", terms.BrandSchema),
        ("author", terms.AuthorSchema),
        ("section", terms.TagSchema),
        ("tag", terms.TagSchema),
    ],
)
def test_brands_authors_sections_and_tags_come_out_the_same(read, kind, schema):
    found = read["term"](kind)
    assert found
    assert all(same(schema, record) for record in found)


def test_narrowed_articles_come_out_the_same(read):
    for slug in SLUGS:
        record = read["full"](slug)
        for paths in NARROWED:
            assert same(wire.ArticleSchema, record, paths), paths


def test_every_single_path_comes_out_the_same(read):
    record = read["full"]("fabbrica")
    for path in field_paths(wire.ArticleSchema):
        assert same(wire.ArticleSchema, record, [path]), path


def test_a_whole_and_a_part_of_it_are_the_whole():
    dump = compile_dump(wire.ArticleSummary, frozenset({"brand", "brand.slug"}))
    assert dump({"brand": {"slug": "a", "name": "A"}}) == {"brand": {"slug": "a", "name": "A"}}
