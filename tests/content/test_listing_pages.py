"""Pages of small archives with many equal times, against the answer by brute force: nothing twice, nothing skipped."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets, listings
from newsapi.content.queries.listings import ListQuery

BRANDS = ("land-rover", "jaguar", "fiat")
GROUP = {"land-rover", "jaguar"}
TAGS = ("suv", "ibrida", "rara")
FORMATS = ("article", "gallery")
SECTIONS = ("prove", "mercato", None)
MOMENTS = 5


@dataclass
class Written:
    """An article as the brute force knows it."""

    id: UUID
    published_at: datetime
    updated_at: datetime
    materially_updated_at: datetime
    terms: dict[str, list[str]]
    public: bool = True

    def matches(self, filters: dict[str, list[str]], question: ListQuery) -> bool:
        if self.id in question.excluded_ids:
            return False
        ranges = ((question.published, self.published_at), (question.updated, self.updated_at))
        within = all((not start or start <= at) and (not end or at < end) for (start, end), at in ranges)
        return self.public and within and all(self.has(name, set(values)) for name, values in filters.items())

    def has(self, name: str, values: set[str]) -> bool:
        if name == "tag_all":
            return values <= set(self.terms["tag"])
        if name == "section_not":
            return not values & set(self.terms["section"])
        return bool(set(self.terms[name]) & values)


class Archive:
    """A small archive in a database, and beside it in memory."""

    def __init__(self, make: Any, chance: random.Random) -> None:
        self.make, self.chance, self.written = make, chance, []
        make.brand("jaguar-land-rover")
        for brand in BRANDS:
            make.brand(brand, parent="jaguar-land-rover" if brand in GROUP else None)
        for _ in range(30):
            self.publish()

    def moment(self) -> datetime:
        return self.make.at("2026-03-29T00:59:59.999999Z") + timedelta(microseconds=self.chance.randrange(MOMENTS))

    def publish(self) -> None:
        chance = self.chance
        brand, tags = chance.choice(BRANDS), chance.sample(TAGS, chance.randrange(3))
        mentions = chance.sample([other for other in BRANDS if other != brand], chance.randrange(2))
        section = chance.choice(SECTIONS)
        format_, author = chance.choice(FORMATS), chance.choice(("anna", "bruno"))
        published, updated, materially = self.moment(), self.moment(), self.moment()
        id_ = self.make.article(
            brand=brand,
            tags=tags,
            mentions=mentions,
            authors=[author],
            format=format_,
            section=section,
            published_at=published,
            updated_at=updated,
            materially_updated_at=materially,
        )
        terms = {
            "brand": [brand],
            "group": [brand, "jaguar-land-rover"] if brand in GROUP else [brand],
            "mentions": mentions,
            "about": [brand, *mentions],
            "tag": tags,
            "author": [author],
            "format": [format_],
            "section": [section] if section else [],
        }
        self.written.append(Written(id_, published, updated, materially, terms))

    def withdraw(self) -> None:
        article = self.chance.choice([article for article in self.written if article.public])
        self.make.hide(article.id)
        article.public = False

    def wish(self) -> tuple[dict[str, list[str]], ListQuery]:
        """Filters, ranges and a sort at random."""
        chance = self.chance
        values = {"brand": BRANDS, "mentions": BRANDS, "about": BRANDS, "tag": TAGS, "format": FORMATS}
        values |= {"group": ("jaguar-land-rover", "fiat"), "author": ("anna", "bruno")}
        values |= {"tag_all": TAGS[:2], "section_not": SECTIONS[:2], "section": SECTIONS[:2]}
        names = chance.sample(sorted(values), chance.choice((0, 1, 1, 2, 2, 3)))
        filters = {name: chance.sample(values[name], chance.randint(1, len(values[name]))) for name in names}

        def ends() -> tuple[datetime | None, datetime | None]:
            return (
                self.moment() if chance.random() < 0.3 else None,
                self.moment() if chance.random() < 0.3 else None,
            )

        key = chance.choice(listings.SORT_KEYS)
        left_out = [article.id for article in chance.sample(self.written, chance.choice((0, 0, 6)))]
        question = ListQuery(key=key, descending=chance.random() < 0.5, published=ends(), updated=ends())
        return filters, replace(question, excluded_ids=tuple(left_out))

    def answer(self, filters: dict[str, list[str]], question: ListQuery) -> list[UUID]:
        found = [article for article in self.written if article.matches(filters, question)]
        found.sort(key=lambda article: (getattr(article, question.key), article.id), reverse=question.descending)
        return [article.id for article in found]

    def read(self, filters, question, limit):
        with self.make.database.read_transaction() as connection:
            truth = facets.resolve_filters(connection, filters)
            page = article_queries.list_page(connection, truth, question, limit=limit)
            return [record["id"] for record in page.records], page

    def count(self, filters, question):
        with self.make.database.read_transaction() as connection:
            return listings.count_articles(connection, facets.resolve_filters(connection, filters), question)


@pytest.fixture
def chance(request):
    return random.Random(getattr(request, "param", 0))


@pytest.fixture
def archive(make, chance):
    return Archive(make, chance)


def pages(archive, filters, question, limit):
    """The ids of each page, forth to the end and then back to the start."""
    forth, back, turn, most = [], [], None, 200
    while True:
        ids, page = archive.read(filters, replace(question, page_start=turn), limit)
        forth.append(ids)
        if page.next is None:
            break
        turn = page.next
        assert len(forth) < most
    while page.prev is not None:
        ids, page = archive.read(filters, replace(question, page_start=page.prev), limit)
        back.append(ids)
        assert len(back) < most
    return forth, back


@pytest.mark.parametrize("chance", range(3), indirect=True)
@pytest.mark.parametrize("scan", [5, listings.MAX_SCANNED_ROWS])
def test_walking_forth_and_back_gives_exactly_the_answer(archive, chance, monkeypatch, scan):
    monkeypatch.setattr(listings, "MAX_SCANNED_ROWS", scan)
    for _ in range(15):
        filters, question = archive.wish()
        limit = chance.randint(1, 7)
        answer = archive.answer(filters, question)
        forth, back = pages(archive, filters, question, limit)
        told = (filters, question, limit)
        assert [id_ for ids in forth for id_ in ids] == answer, told
        assert [id_ for ids in back[::-1] for id_ in ids] == answer[: len(answer) - len(forth[-1])], told
        assert all(len(ids) <= limit for ids in (*forth, *back)), told
        if scan == 10_000:
            assert all(len(ids) == limit for ids in forth[:-1]), told
        assert archive.count(filters, question) == len(answer), told


def test_a_total_is_that_of_the_whole_list_on_every_page(archive):
    question = ListQuery()
    _, page = archive.read({}, question, 5)
    assert archive.count({}, replace(question, page_start=page.next)) == 30


@pytest.mark.parametrize("scan", [6, listings.MAX_SCANNED_ROWS])
def test_what_is_published_and_withdrawn_between_pages_makes_nothing_come_twice_or_be_skipped(
    archive, chance, monkeypatch, scan
):
    monkeypatch.setattr(listings, "MAX_SCANNED_ROWS", scan)
    for _ in range(6):
        filters, question = archive.wish()
        question = replace(question, key="published_at", updated=(None, None))
        at_first = set(archive.answer(filters, question))
        seen, turn = [], None
        while True:
            ids, page = archive.read(filters, replace(question, page_start=turn), 3)
            seen += ids
            if chance.random() < 0.7:
                archive.publish()
                archive.withdraw()
            if page.next is None:
                break
            turn = page.next
        stayed = at_first & set(archive.answer(filters, question))
        told = (filters, question)
        assert len(seen) == len(set(seen)), told
        assert stayed <= set(seen), told
        order = {article.id: (article.published_at, article.id) for article in archive.written}
        assert seen == sorted(seen, key=order.__getitem__, reverse=question.descending), told


@pytest.mark.parametrize("back", [False, True])
def test_a_page_whose_articles_are_all_gone_leads_back_to_where_it_started(archive, back):
    ids, page = archive.read({}, ListQuery(), 5)
    second, page = archive.read({}, ListQuery(page_start=page.next), 25)
    assert page.next is None
    turn = article_queries.PageStart(listings.Position(*_place(archive, second[0]))) if not back else page.prev
    for id_ in ids if back else second[1:]:
        archive.make.hide(id_)
    none, page = archive.read({}, ListQuery(page_start=turn), 5)
    assert none == []
    away, home = (page.prev, page.next) if back else (page.next, page.prev)
    assert away is None
    found, _ = archive.read({}, ListQuery(page_start=home), 100)
    assert found == (second if back else [*ids, second[0]])


def _place(archive, id_):
    return next((article.published_at, id_) for article in archive.written if article.id == id_)


def test_named_articles_come_in_the_order_asked_and_page_by_page(archive, chance):
    ids = chance.sample([article.id for article in archive.written], 12)
    archive.make.hide(ids[3])
    question = ListQuery(ids=tuple(ids))
    forth, back = pages(archive, {}, question, 4)
    left = [id_ for id_ in ids if id_ != ids[3]]
    assert [id_ for page in forth for id_ in page] == left
    assert [id_ for page in back[::-1] for id_ in page] == left[:8]


def test_a_filter_that_names_nothing_is_an_empty_list(archive):
    for filters in ({"brand": ["non-esiste"]}, {"brand": ["fiat"], "tag": ["non-esiste"]}, {"language": ["en"]}):
        ids, page = archive.read(filters, ListQuery(), 5)
        assert (ids, page.next, page.prev) == ([], None, None)
        assert archive.count(filters, ListQuery()) == 0
