"""Requests made up from the document, right ones and wrong ones; every answer must be as documented."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from newsapi.sync.schemas import MAX_WAIT_SECONDS
from newsapi.web.params import MAX_SEQ

OPERATIONS = (
    "listArticles searchArticles suggestTerms getArticle getArticleJsonLd listRelatedArticles listBrands getBrand"
    " listAuthors getAuthor listSections getSection listTags getTag listChanges getDigest"
    " getFeedRss getFeedAtom getFeedJson getFeedNinjs getSitemap getSitemapPage getSitemapNews"
    " getHealth getReadiness getProblem"
).split()
"""What anybody may ask; what wants a key is tried with one in test_schemathesis_of_the_desk.py."""

pytestmark = pytest.mark.parametrize("magazine", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def document(magazine):
    return schemathesis.openapi.from_wsgi("/openapi.json", magazine.client.application)


def test_every_operation_is_tried(document):
    raw = [result.ok().definition.raw for result in document.get_all_operations()]
    assert {one["operationId"] for one in raw if "security" not in one} == set(OPERATIONS)


NEED_ONE = {"cursor", "min_seq", "preview", "since", "status", "wait"}
"""Parameters whose values somebody must have given one, or that want a key, or time."""


def leave_out(case, mode):
    """A cursor that nobody made is refused, and a change that is not there yet is told by 503: both by design.

    Nobody waits for what does not come.
    """
    asked = case.query or {}
    if mode is GenerationMode.POSITIVE:
        case.query = {name: value for name, value in asked.items() if name not in NEED_ONE}
        return
    for name, most in (("min_seq", MAX_SEQ), ("wait", MAX_WAIT_SECONDS)):
        if (text := str(asked.get(name))).isdecimal() and int(text[:20]) <= most:
            del case.query[name]


CASES = [
    (name, mode)
    for name in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or name not in {"getHealth", "getReadiness"}  # nothing to get wrong there
]


@pytest.mark.parametrize(("name", "mode"), CASES, ids=lambda part: getattr(part, "value", part))
def test_every_answer_is_as_documented(document, name, mode):
    operation = document.find_operation_by_id(name)

    @settings(
        max_examples=10,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data):
        case = data.draw(operation.as_strategy(generation_mode=mode))
        leave_out(case, mode)
        if name == "searchArticles" and mode is GenerationMode.POSITIVE:
            case.query.setdefault("q", "velar")  # it may only be left out beside a cursor
        case.call_and_validate(headers={"Accept-Encoding": "identity"})

    check()
