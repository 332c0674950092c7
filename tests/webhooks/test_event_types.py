"""The registry of webhook event types agrees with the changelog, the schemas and OpenAPI."""

from typing import get_args, get_type_hints

import pytest

from newsapi.changelog.exits import OUT_OF_SCOPE
from newsapi.changelog.records import NewChange
from newsapi.sync.schemas import ChangeSchema
from newsapi.webhooks.event_types import (
    ARTICLE_EVENT_OF_REASON,
    ARTICLE_OUT_OF_SCOPE,
    EVENT_NAMES,
    EVENT_TYPES,
    TERM_EVENT_OF_KIND,
)
from newsapi.webhooks.schemas import DeliverySchema, WebhookInput, WebhookPatch, WebhookSchema

KINDS_WITHOUT_EVENTS = {"image", "related"}


def test_event_names_are_unique():
    assert len(set(EVENT_NAMES)) == len(EVENT_TYPES)


def test_every_kind_of_change_has_an_event_type():
    kinds = {*get_args(get_type_hints(NewChange)["kind"])}
    assert {event_type.kind for event_type in EVENT_TYPES} - {None} == kinds - KINDS_WITHOUT_EVENTS
    assert set(TERM_EVENT_OF_KIND) == kinds - KINDS_WITHOUT_EVENTS - {"article"}


def test_every_reason_of_an_article_change_has_an_event_type():
    reasons = {*ChangeSchema().fields["reason"].metadata["x-extensible-enum"]}
    assert {*ARTICLE_EVENT_OF_REASON, OUT_OF_SCOPE} == reasons
    assert f"article.{OUT_OF_SCOPE}" == ARTICLE_OUT_OF_SCOPE


@pytest.mark.parametrize("schema", [WebhookInput, WebhookPatch])
def test_requests_accept_exactly_the_registered_events(schema):
    assert schema().load({"url": "https://example.com/hook", "events": [*EVENT_NAMES]})["events"] == [*EVENT_NAMES]
    assert schema().validate({"url": "https://example.com/hook", "events": ["article.unknown"]})


def test_responses_document_exactly_the_registered_events():
    events = WebhookSchema().fields["events"].inner
    for field in (events, DeliverySchema().fields["type"]):
        assert field.metadata["x-extensible-enum"] == [*EVENT_NAMES]
