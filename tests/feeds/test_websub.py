"""A hub is told which feeds have changed: a second after the change, once, and again where it did not take it."""

from urllib.parse import parse_qs

import pytest

from newsapi.changelog import failed_changes
from newsapi.feeds import websub as room
from newsapi.feeds.websub import WebSubConsumer
from newsapi.web.feed_formats import FEED_FORMATS
from tests.support.events import later


class Hub:
    """The feeds that the hub was told of, by request."""

    def __init__(self, cdn):
        self.cdn = cdn

    @property
    def told(self):
        return [set(parse_qs(asked.body.decode())["hub.url"]) for asked in self.cdn.asked]


@pytest.fixture
def hub(cdn):
    return Hub(cdn)


@pytest.fixture
def follow(worker, database, cdn, seconds, make):
    make.brand("land-rover")
    made = worker(WebSubConsumer(database, f"{cdn.url}/hub?x=1", "https://api.example.com", clock=seconds))
    made.step()
    return made


def feeds(*filters):
    api = "https://api.example.com"
    return {f"{api}{feed_format.path}{filter_}" for filter_ in filters for feed_format in FEED_FORMATS}


def test_it_is_told_when_the_second_is_over_and_only_once(follow, hub, seconds, make):
    make.article("velar", brand="land-rover", tags=["suv"])
    later(follow, seconds, 0)
    later(follow, seconds, 0.99)
    assert hub.told == []
    later(follow, seconds, 0.01)
    assert hub.told == [feeds("", "?brand=land-rover", "?tag=suv")]
    asked = hub.cdn.asked[0]
    assert (asked.method, asked.path) == ("POST", "/hub?x=1")
    assert parse_qs(asked.body.decode())["hub.mode"] == ["publish"]
    later(follow, seconds, 60)
    assert len(hub.told) == 1


def test_a_withdrawal_is_a_change_of_the_feed(follow, hub, seconds, make):
    id_ = make.article("velar", brand="land-rover")
    later(follow, seconds, 0)
    later(follow, seconds, 1)
    make.hide(id_)
    later(follow, seconds, 0)
    later(follow, seconds, 1)
    assert hub.told == [feeds("", "?brand=land-rover")] * 2


def test_what_the_hub_did_not_take_is_told_again_with_what_came_since(follow, hub, seconds, make):
    hub.cdn.status = 503
    make.article("velar", brand="land-rover")
    later(follow, seconds, 0)
    later(follow, seconds, 1)
    assert len(hub.told) == 1
    make.article("panda", brand="fiat")
    later(follow, seconds, 0.5)
    hub.cdn.status = 204
    later(follow, seconds, 1)
    assert hub.told[-1] == feeds("", "?brand=land-rover", "?brand=fiat")


def test_of_more_than_it_can_take_it_is_told_the_feed_of_all(follow, hub, seconds, make, monkeypatch):
    monkeypatch.setattr(room, "MAX_FEEDS", 20)
    make.article("velar", tags=[f"t{number}" for number in range(6)])
    later(follow, seconds, 0)
    later(follow, seconds, 1)
    assert hub.told == [feeds("")]


def test_many_feeds_go_in_several_requests(follow, hub, seconds, make, monkeypatch):
    monkeypatch.setattr(room, "MAX_FEEDS_PER_PING", 5)
    make.article("velar", brand="land-rover")
    later(follow, seconds, 0)
    later(follow, seconds, 1)
    assert [len(told) for told in hub.told] == [5, 3]
    assert set().union(*hub.told) == feeds("", "?brand=land-rover")


def test_a_feed_that_the_hub_refuses_holds_up_no_other_and_is_told_again_later(
    follow, hub, seconds, make, database, clock
):
    def heed(asked):
        hub.cdn.status = 400 if b"tag%3Dbad" in asked.body else 200

    hub.cdn.heed = heed
    for number in range(3):
        make.article(f"a{number}", tags=["suv"])
    make.article("b", tags=["bad"])
    make.article("c", tags=["new"])
    for _ in range(60):
        later(follow, seconds, 1)
    accepted = set().union(*(told for told in hub.told if not told & feeds("?tag=bad")))
    assert feeds("", "?tag=suv", "?tag=new") <= accepted
    with database.read_transaction() as connection:
        [row] = [row for row in failed_changes.list_failed(connection) if "status 400" in row.error][:1]
    assert row.consumer == "websub"
    hub.cdn.heed = lambda _: None
    hub.cdn.status = 200
    clock.forward(hours=1)
    later(follow, seconds, 1)
    assert feeds("?tag=bad") <= hub.told[-1]
    with database.read_transaction() as connection:
        assert failed_changes.list_failed(connection) == []
