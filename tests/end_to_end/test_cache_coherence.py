"""Several processes serve while articles change: nothing stale, mixed, phantom or stuck, whatever Redis does."""

import os
import random
import signal
import sys
import time

import pytest
from redis import Redis

from newsapi.db.database import Database
from newsapi.settings import Settings
from tests.end_to_end.cache_coherence import Checker
from tests.support import servers
from tests.support.processes import serving

LARGEST_REFUSED_SHARE = 0.01  # eight clients without a pause are more than a busy machine serves


def steadily(_chance: random.Random) -> float:
    return 0.05


def in_bursts(chance: random.Random) -> float:
    """Now one after the other, now silence for longer than the bound."""
    return 1.5 if chance.random() < 0.08 else 0.0


@pytest.fixture
def check(database_url, tmp_path):
    """Run the checker against a server of two processes; answers the checker with what it found."""

    def check(seconds, *, pace=steadily, meanwhile=None, **settings):
        settings |= {"NEWSAPI_DATABASE_URL": database_url, "NEWSAPI_LOG_LEVEL": "error"}
        database = Database(database_url)
        try:
            with serving(tmp_path, "serve", **settings) as served:
                checker = Checker(served.base, database, Settings.from_env(settings))
                checker.fill()
                with checker.reading(8):
                    checker.run(seconds / 2, pace=pace)
                    for act in meanwhile or ():
                        act()
                        checker.run(seconds / 2, pace=pace)
                    time.sleep(1.2)
        finally:
            database.dispose()
        assert len(checker.refused) <= LARGEST_REFUSED_SHARE * sum(checker.statuses.values()), checker.refused
        return checker

    return check


@pytest.mark.parametrize("pace", [steadily, in_bursts])
def test_no_answer_is_wrong_while_articles_change(check, pace):
    checker = check(6, pace=pace, meanwhile=[lambda: None])
    assert checker.faults == []
    if not checker.statuses.get(410):  # a busy machine withdraws nothing in this time
        checker = check(30, pace=pace, meanwhile=[lambda: None])
        assert checker.faults == []
    assert checker.how["newsapi; hit"] > 100
    assert checker.statuses[410] > 0


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("pace", [steadily, in_bursts])
def test_no_answer_is_wrong_for_two_minutes(check, pace, pytestconfig):
    checker = check(120, pace=pace, meanwhile=[lambda: None], NEWSAPI_REDIS_URL=servers.redis_url(pytestconfig))
    assert checker.faults == []


def test_redis_that_hangs_and_comes_back_with_its_old_memory_makes_nothing_stale(check):
    with servers.valkey() as url:
        pid = Redis.from_url(url).info("server")["process_id"]
        acts = [
            lambda: os.kill(pid, signal.SIGSTOP),
            lambda: os.kill(pid, signal.SIGCONT),
            Redis.from_url(url).flushall,
        ]
        checker = check(6, meanwhile=acts, NEWSAPI_REDIS_URL=url)
    assert checker.faults == []


@pytest.mark.long
def test_redis_that_is_killed_makes_nothing_stale(check):
    with servers.valkey() as url:
        pid = Redis.from_url(url).info("server")["process_id"]
        checker = check(10, meanwhile=[lambda: os.kill(pid, signal.SIGKILL)], NEWSAPI_REDIS_URL=url)
    assert checker.faults == []


def test_the_checker_finds_what_a_follower_that_believes_everything_does(check, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "from newsapi.cache.log_follower import ChangelogFollower\n"
        "ChangelogFollower.is_valid = lambda self, response, snapshot: True\n"
    )
    checker = check(4, meanwhile=[lambda: None], PYTHONPATH=f"{tmp_path}{os.pathsep}{os.pathsep.join(sys.path)}")
    assert any("as of" in fault for fault in checker.faults)
