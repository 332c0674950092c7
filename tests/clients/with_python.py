"""What a program does with the client of openapi-python-client: `python with_python.py DEMO ALTERED`."""

import sys
from http import HTTPStatus

from newsapi_client import Client
from newsapi_client.api.articles import get_article, list_articles
from newsapi_client.api.authors import get_author
from newsapi_client.api.brands import list_brands
from newsapi_client.models import (
    ArticleList,
    ArticleResponse,
    AuthorResponse,
    GetArticleFieldsItem,
    GetArticleIncludeItem,
    GetAuthorIncludeItem,
    ListArticlesFieldsItem,
    ListArticlesIncludeItem,
    ListArticlesSort,
    PartialArticleList,
    PartialArticleResponse,
    PartialImage,
    Problem,
)
from newsapi_client.types import UNSET, Unset

REFERENCE = "jaguar-land-rover-allo-studio-una-fabbrica-per-produrre-batterie"
WITHDRAWN = "stellantis-il-calendario-dei-porte-aperte"


def pages(api: Client) -> None:
    slugs: list[str] = []
    page = list_articles.sync(client=api, brand=["land-rover"], sort=ListArticlesSort.OLDEST, limit=5)
    while True:
        assert isinstance(page, ArticleList), page
        slugs += [item.slug for item in page.data]
        if page.page.next_ is None:
            break
        page = list_articles.sync(client=api, cursor=page.page.next_, limit=5)
    assert len(slugs) > 10
    assert len(set(slugs)) == len(slugs)


def whole(api: Client) -> None:
    found = get_article.sync(REFERENCE, client=api, include=[GetArticleIncludeItem.RELATED])
    assert isinstance(found, ArticleResponse), found
    assert found.data.brand is not None
    assert found.data.brand.name == "Land Rover"
    assert not isinstance(found.data.related, Unset)
    assert len(found.data.related) == 6
    assert found.data.published_at.tzinfo is not None
    found = get_article.sync(REFERENCE, client=api, include=[GetArticleIncludeItem.BLOCKS])
    assert isinstance(found, ArticleResponse), found
    assert not isinstance(found.data.blocks, Unset)
    assert found.data.body_text is not None
    assert [block.text for block in found.data.blocks] == found.data.body_text.split("\n\n")


def without_brand(api: Client) -> None:
    page = list_articles.sync(client=api, limit=100)
    assert isinstance(page, ArticleList), page
    assert None in {item.brand and item.brand.slug for item in page.data}


def narrowed(api: Client) -> None:
    page = list_articles.sync(client=api, fields=[ListArticlesFieldsItem.HEADLINE], limit=3)
    assert isinstance(page, PartialArticleList), page
    assert all(item.headline and item.slug is UNSET for item in page.data)
    page = list_articles.sync(client=api, fields=[ListArticlesFieldsItem.IMAGE_URL], limit=3)
    assert isinstance(page, PartialArticleList), page
    for item in page.data:
        assert isinstance(item.image, PartialImage)
        assert (item.image.width, bool(item.image.url)) == (UNSET, True)
    found = get_article.sync(REFERENCE, client=api, fields=[GetArticleFieldsItem.BRAND_NAME])
    assert isinstance(found, PartialArticleResponse), found
    assert found.data.brand
    assert found.data.brand.name == "Land Rover"


def enriched(api: Client) -> None:
    page = list_articles.sync(client=api, brand=["land-rover"], include=[ListArticlesIncludeItem.BRAND])
    assert isinstance(page, ArticleList), page
    assert page.data[0].brand
    assert page.data[0].brand.additional_properties["aliases"] == ["Range Rover"]


def new_values(altered: Client) -> None:
    for included in (GetArticleIncludeItem.RELATED, GetArticleIncludeItem.BLOCKS):
        found = get_article.sync(REFERENCE, client=altered, include=[included])
        assert isinstance(found, ArticleResponse), found
        assert found.data.format_ == "hologram"
        assert found.data.additional_properties["added"] == "later"


def problems(api: Client) -> None:
    unknown = get_article.sync_detailed("nothing-of-that-name", client=api)
    assert unknown.status_code is HTTPStatus.NOT_FOUND
    assert isinstance(unknown.parsed, Problem)
    assert unknown.parsed.type_.endswith("/problems/not-found")
    gone = get_article.sync_detailed(WITHDRAWN, client=api)
    assert gone.status_code is HTTPStatus.GONE
    assert isinstance(gone.parsed, Problem)
    assert gone.parsed.gone
    assert gone.parsed.gone.action == "withdrawn"
    refused = list_brands.sync(client=api, limit=1000)
    assert isinstance(refused, Problem)
    assert refused.errors
    assert refused.errors[0].parameter == "limit"


def terms(api: Client) -> None:
    found = get_author.sync("francesco-donnici", client=api, include=[GetAuthorIncludeItem.ARTICLES])
    assert isinstance(found, AuthorResponse), found
    assert found.data.name == "Francesco Donnici"
    assert isinstance(found.data.articles, ArticleList)
    assert found.data.articles.data


def main(demo: str, altered: str) -> None:
    api = Client(base_url=demo, follow_redirects=True)
    for story in (pages, whole, without_brand, narrowed, enriched, problems, terms):
        story(api)
    new_values(Client(base_url=altered))


if __name__ == "__main__":
    main(*sys.argv[1:])
