"""Followers miss nothing and keep no ghosts: under writers whose commits come late, bulk writes, crashes, small pages.

The control counts what a follower misses that goes by a time or a number taken before the commit.
"""

import random
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from io import BytesIO

import pytest
from sqlalchemy import select, text

from newsapi.app import WRITE_HOOKS
from newsapi.content.tables.articles import Article, ArticleTag
from newsapi.content.tables.terms import Brand, Section, Tag
from newsapi.content.writes.writer import WriteContext
from newsapi.db.database import Database
from newsapi.db.types import uuid7
from newsapi.editing import commands as desk_articles
from newsapi.errors import Unavailable
from newsapi.imports import loader as import_loader
from newsapi.web.caller import Caller
from newsapi.web.preconditions import ANY_VERSION
from tests.support.import_records import article, lines
from tests.support.invariants import consistent
from tests.support.mirror import Mirror

WRITERS = 6
FILTERS = ["", "", "brand=b0,b1", "section=s0&brand=b1,b2", "tag=t0"]
EDITOR = Caller(id=uuid7(), prefix="key_writer", scopes=frozenset({"admin"}))


@pytest.fixture
def open_database(database_url):
    """A function that opens the database with options; a failed test leaves no connection open either."""

    def open_one(**options):
        database = Database(database_url, **options)
        closing.callback(database.dispose)
        return database

    with ExitStack() as closing:
        yield open_one


def utc(_connection=None):
    return datetime.now(UTC)


def retry_unavailable(get, path):
    """Repeat a request that is answered by 503, as a client does that honours Retry-After."""
    while (answer := get(path)).status_code == 503:
        time.sleep(0.1)
    return answer


class Follower(Mirror):
    """Keeps its cursor with its pages, and now and then dies with what it did since."""

    def __init__(self, get, query, limit, rng):
        super().__init__(lambda path: retry_unavailable(get, path), query, limit)
        self.rng, self.crashes = rng, 0
        self.saved = (None, {})

    def step(self):
        page = self.page()
        if self.rng.random() < 0.15:
            self.crashes += 1
            self.cursor, self.articles = self.saved[0], dict(self.saved[1])
        elif self.rng.random() < 0.8:
            self.saved = (self.cursor, dict(self.articles))
        return page["has_more"]


def some(rng):
    return {
        "brand": rng.choice(["b0", "b1", "b2", None]),
        "section": rng.choice(["s0", "s1", None]),
        "tags": rng.sample(["t0", "t1", "t2"], rng.randrange(3)),
    }


def late(rng):
    """Asked last in the transaction: its commit comes when it likes."""

    def then(_session, done):
        time.sleep(rng.random() * 0.02)
        return done

    return then


def patient(work, *words, **named):
    """Do what has to wait too long for its turn again, as a client does that is told to."""
    while True:
        try:
            return work(*words, **named)
        except Unavailable:
            time.sleep(0.1)


def write(desk, rng, count, own):
    for _ in range(count):
        act = rng.random()
        if act < 0.3 or not own:
            body = {"headline": "Titolo", "body_html": "<p>Testo.</p>", "status": "published", **some(rng)}
            own.append(patient(desk_articles.create, desk, EDITOR, body, late(rng)).id)
            continue
        which, changes = rng.choice(own), {"headline": f"Titolo {rng.random()}", **some(rng)}
        if act > 0.85:
            now = desk_status(desk, which)
            changes = {"status": {"published": "draft"}.get(now, "published")}
        target = desk_articles.EditTarget(EDITOR, which, ANY_VERSION)
        patient(desk_articles.update, desk, target, changes, late(rng))


def desk_status(desk, which):
    with desk.database.read_transaction() as connection:
        return connection.execute(select(Article.status).where(Article.id == which)).scalar_one()


def bulk(database, settings, rng, size, run):
    """One transaction of many articles; the second time they are all other ones."""
    records = [article(f"massa-{number}", headline=f"Massa {number} {run}", **some(rng)) for number in range(size)]
    counts = patient(
        lambda: import_loader.import_records(
            database, settings, BytesIO(lines(*records)), hooks=WRITE_HOOKS, now=utc, reject=refused
        )
    )
    assert counts.created + counts.updated == size


def refused(line, fault):
    raise AssertionError((line, fault))


def published(database, query):
    """What a filter holds, by the tables of articles themselves."""
    found = select(Article.id, Article.version).where(Article.status == "published")
    for name, model, column in (("brand", Brand, Article.brand_id), ("section", Section, Article.section_id)):
        values = dict(part.split("=") for part in query.split("&") if part).get(name)
        if values:
            found = found.join(model, model.id == column).where(model.slug.in_(values.split(",")))
    if "tag=" in query:
        tagged = select(ArticleTag.article_id).join(Tag, Tag.id == ArticleTag.tag_id).where(Tag.slug == "t0")
        found = found.where(Article.id.in_(tagged))
    with database.read_transaction() as connection:
        return {str(id_): version for id_, version in connection.execute(found)}


@contextmanager
def running(*works):
    """Threads that do these; what one of them raises is raised at the end."""
    faults = []

    def run(work):
        try:
            work()
        except BaseException as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("writes", "size", "limit"),
    [(12, 150, 7), pytest.param(100, 5_000, 40, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
)
def test_nothing_is_missed_and_nothing_is_left_over(
    app, open_database, settings, make, monkeypatch, writes, size, limit
):
    monkeypatch.setattr(import_loader, "BATCH_LINES", size)
    monkeypatch.setattr(import_loader, "BATCH_BYTES", 1 << 30)
    for kind in "brand", "section", "tag":
        for number in range(3):
            getattr(make, kind)(f"{kind[0]}{number}")
    database = open_database(pool_size=WRITERS + 2, long_running=True)
    desk = WriteContext(database, settings, utc, WRITE_HOOKS)
    over = threading.Event()
    followers = [
        Follower(app.test_client().get, query, limit, random.Random(number)) for number, query in enumerate(FILTERS)
    ]

    def follow(follower):
        while not over.is_set():
            if not follower.step():
                time.sleep(0.01)

    def both():
        for run in range(2):
            bulk(database, settings, random.Random(run), size, run)

    with running(*(lambda follower=follower: follow(follower) for follower in followers)):
        try:
            with running(both, *(lambda n=n: write(desk, random.Random(100 + n), writes, []) for n in range(WRITERS))):
                pass
        finally:
            over.set()
    for follower in followers:
        follower.follow()
        truth, fresh = published(database, follower.query), Mirror(follower.get, follower.query, 1000).follow()
        missed = {id_ for id_, version in truth.items() if follower.versions.get(id_) != version}
        ghosts = follower.versions.keys() - truth.keys()
        assert (missed, ghosts) == (set(), set()), follower.query
        assert fresh.versions == truth
        assert follower.starts == 0
    assert sum(follower.crashes for follower in followers) > 5
    consistent(database)


@pytest.mark.parametrize("query", ["", "brand=b0"])
def test_a_page_ends_in_the_middle_of_a_transaction(app, open_database, settings, make, query):
    """All of it is of one moment, and more comes while it is read."""
    make.brand("b0")
    database = open_database(long_running=True)
    records = [article(f"a{number}", brand="b0") for number in range(40)]
    import_loader.import_records(
        database, settings, BytesIO(lines(*records)), hooks=WRITE_HOOKS, now=utc, reject=refused
    )
    mirror = Mirror(app.test_client().get, query, 7)
    for number in range(0, 40, 3):
        mirror.page()
        changed = article(f"a{number}", headline=f"Altro {number}", brand="b0" if number % 2 else None)
        import_loader.import_records(
            database, settings, BytesIO(lines(changed)), hooks=WRITE_HOOKS, now=utc, reject=refused
        )
    mirror.follow()
    assert mirror.versions == published(database, query)


def test_control_who_goes_by_a_time_of_before_the_commit_misses_some(open_database):
    database = open_database(pool_size=WRITERS + 1)
    with database.connection() as connection:
        connection.execute(text("CREATE TABLE control (n integer PRIMARY KEY, at bigint)"))
        connection.commit()
    over, seen = threading.Event(), set()

    def write(number):
        rng = random.Random(number)
        for count in range(25):
            at = time.time_ns()  # as any `updated_at` is
            with database.transaction() as session:
                session.execute(text(f"INSERT INTO control VALUES ({number * 1000 + count}, {at})"))
                time.sleep(rng.random() * 0.01)

    def follow():
        last = 0
        while True:
            done = over.is_set()
            with database.read_transaction() as connection:
                for n, at in connection.execute(text(f"SELECT n, at FROM control WHERE at > {last} ORDER BY at")):
                    seen.add(n)
                    last = at
            if done:
                return
            time.sleep(0.001)

    with running(follow):
        with running(*(lambda n=n: write(n) for n in range(WRITERS))):
            pass
        over.set()
    missed = WRITERS * 25 - len(seen)
    assert missed > 0
