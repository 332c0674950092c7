"""The work for a related list does not grow with the brand."""

from itertools import count
from uuid import UUID

import pytest

from bench.query_cost import Counter
from newsapi.related import index
from newsapi.related.vectors import ArticleText, IdfWeights, build_vector

WEIGHTS = IdfWeights(1, 10, {})
WORDS = "motore strada prova gomma freno luce curva marcia telaio batteria salone pista neve viaggio".split()


def document(number):
    text = ArticleText(
        id=UUID(int=number),
        headline=f"{WORDS[number % 14]} {number}",
        standfirst="",
        body=" ".join(WORDS),
        language="it",
    )
    return index.Document(7, text.id, number, build_vector(text, WEIGHTS))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_as_many_postings_are_read_from_a_large_brand_as_from_a_small_one(database):
    numbers = count(1)

    def grow(articles):
        documents = [document(next(numbers)) for _ in range(articles)]
        with database.transaction() as session:
            index.replace_documents(session, [], documents, version=1)

    def find():
        with database.read_transaction() as connection:
            return index.find_candidates(connection, 7, document(1).vector, WEIGHTS, 90)

    grow(20 * index.MAX_POSTINGS_PER_TERM)
    small = Counter(database).call(find).work
    grow(40 * index.MAX_POSTINGS_PER_TERM)
    assert len(find()) == 90
    assert Counter(database).call(find).work <= 1.1 * small
