"""What wants a key, with one that may do everything: whatever is sent, the answer is as documented and never a 500."""

from dataclasses import replace

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from newsapi.keys import commands as key_commands
from newsapi.web.scopes import SCOPE_NAMES as SCOPES
from tests.web.test_schemathesis import leave_out

OPERATIONS = (
    "createArticle updateArticle withdrawArticle getRelatedPicks setRelatedPicks listRevisions getRevision"
    " diffRevisions restoreRevision listPreviewLinks createPreviewLink revokePreviewLink getMerge getCurrentKey"
    " listAuditEntries createBrand updateBrand deleteBrand mergeBrand createAuthor updateAuthor deleteAuthor"
    " mergeAuthor createSection updateSection deleteSection mergeSection createTag updateTag deleteTag mergeTag"
    " createImport listImports getImport cancelImport"
    " listWebhooks createWebhook getWebhook updateWebhook deleteWebhook pingWebhook rotateWebhookSecret"
    " listDeliveries redeliverWebhookDelivery getRecall acknowledgeRecall listFlawedImages"
    " subscribeToBrand subscribeToSection subscribeToAuthor confirmSubscription unsubscribe"
    " eraseSubscriber setPreferences exportSubscriber reportBounces listSubscribers"
).split()


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.fixture
def settings(settings):
    return replace(settings, smtp_url="smtp://127.0.0.1:1")  # nothing is sent here, but anybody may subscribe


@pytest.fixture(scope="module")
def documents():
    """Documents by application: tests use an application again, and reading a document takes longer than a test."""
    return {}


@pytest.fixture
def document(app, documents):
    if app not in documents:
        documents[app] = schemathesis.openapi.from_wsgi("/openapi.json", app)
    return documents[app]


def test_every_operation_is_tried(document):
    operations = [result.ok() for result in document.get_all_operations()]
    tried = {one.definition.raw["operationId"] for one in operations if is_write(one) or wants_key(one)}
    assert tried == set(OPERATIONS)


def is_write(operation):
    return operation.method != "get"


def wants_key(operation):
    """Return whether the operation has no alternative without a key (OpenAPI 3.1, Security Requirement Object)."""
    return {} not in operation.definition.raw.get("security", [{}])


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_as_documented(document, database, clock, make, name, mode):
    make.article("velar", brand="land-rover", authors=["anna"], section="mercato", tags=["suv"])
    secret = key_commands.create(database, "anna", SCOPES, now=clock())
    operation = document.find_operation_by_id(name)

    @hypothesis.settings(
        max_examples=10,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data):
        try:
            case = data.draw(operation.as_strategy(generation_mode=mode))
        except schemathesis.errors.InvalidSchema:
            pytest.skip("nothing to get wrong there")
        leave_out(case, mode)
        case.call_and_validate(
            headers={"Authorization": f"Bearer {secret}"},
            # A text with control characters, or the slug of a brand that is not there, no schema can tell.
            excluded_checks=[positive_data_acceptance],
        )

    check()
