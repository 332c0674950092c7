"""Articles as the ranker reads them, out of a headline."""

from uuid import UUID, uuid5

from newsapi.related.vectors import ArticleText, IdfWeights, build_vector, document_terms

ROOT = UUID("0192d3a0-0000-7000-8000-000000000000")
DAY = 86_400


def id_of(name):
    return uuid5(ROOT, name)


def text(headline, *, standfirst="", body="", language="it", tags=(), mentions=(), day=0):
    named = {"tags": tags, "mentions": mentions}
    return ArticleText(
        id=id_of(headline),
        headline=headline,
        standfirst=standfirst,
        body=body,
        language=language,
        at=day * DAY,
        **{kind: [(id_of(name), name) for name in names] for kind, names in named.items()},
    )


def counted(*texts):
    found = {}
    for one in texts:
        for number in document_terms(one):
            found[number] = found.get(number, 0) + 1
    return IdfWeights(1, len(texts), found)


def described(*texts):
    weights = counted(*texts)
    return weights, [build_vector(one, weights) for one in texts]
