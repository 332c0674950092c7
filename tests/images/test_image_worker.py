"""The worker measures each file once, and every response that shows it follows the log."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from newsapi.app import create_worker
from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.tables import Change
from newsapi.content.tables.articles import Article
from newsapi.content.tables.images import ArticleImage, ImageFile
from newsapi.content.writes.images import image_file_id
from newsapi.images import queries
from newsapi.images import worker as image_worker
from newsapi.images.worker import ImageMeasurer
from newsapi.related.worker import RelatedIndexConsumer
from tests.images.conftest import picture
from tests.support.import_records import article, lines
from tests.support.imports import import_accepted
from tests.support.metrics import metric


def changes(database):
    with database.read_transaction() as connection:
        return connection.execute(select(Change.kind, Change.article_ids).order_by(Change.seq)).all()


def image_changes(database):
    return [ids for kind, ids in changes(database) if kind == "image"]


def files_of(database):
    with database.read_transaction() as connection:
        return {row.url: row for row in connection.execute(select(ImageFile.__table__))}


@pytest.fixture
def publish(database, settings, clock):
    return lambda *records: import_accepted(database, settings, records, clock)


def test_what_was_measured_is_in_every_response(editor, public, files, measure):
    files.files |= {"/lead.jpg": picture(1280, 720), "/media.png": picture(30, 20, format_="PNG")}
    image = {"url": f"{files.url}/lead.jpg", "alt": "Una vettura"}
    media = [
        {"kind": "embed", "embed_url": "https://video.example.com/1"},
        {"kind": "image", "image": {"url": f"{files.url}/media.png"}},
    ]
    editor.write(slug="velar", image=image, media=media, status="published")
    before = public.get("/v1/articles/velar").json["data"]["image"]
    assert (before["width"], before["type"], before["bytes"], before["thumbhash"], before["color"]) == (
        None,
        "image/jpeg",
        None,
        None,
        None,
    )
    assert measure() == 2
    data = public.get("/v1/articles/velar").json["data"]
    assert (data["image"]["width"], data["image"]["height"], data["image"]["type"]) == (1280, 720, "image/jpeg")
    assert data["image"]["bytes"] == len(files.files["/lead.jpg"])
    assert data["image"]["color"].startswith("#")
    assert len(data["image"]["thumbhash"]) > 20
    assert data["media"][0]["image"] is None
    second = data["media"][1]["image"]
    assert (second["width"], second["height"], second["type"]) == (30, 20, "image/png")
    [listed] = public.get("/v1/articles").json["data"]
    assert listed["image"] == data["image"]
    [listed] = public.get("/v1/articles?fields=image").json["data"]
    assert listed["image"] == data["image"]
    assert public.get("/v1/articles?profile=card").json["data"][0]["image"]["color"] == data["image"]["color"]
    assert public.get("/v1/articles?fields=media").json["data"][0]["media"][1]["image"] == second
    change = public.get("/v1/changes").json["data"][0]
    assert change["article"]["image"] == data["image"]


def test_a_file_is_read_once_however_many_articles_show_it(editor, files, measure, database):
    files.files["/a.jpg"] = picture()
    image = {"url": f"{files.url}/a.jpg", "alt": ""}
    ids = [editor.write(image=image, status="published")["id"] for _ in range(3)]
    assert measure() == 1
    editor.write(image=image, status="published")
    assert measure() == 0
    assert files.asked == {"/a.jpg": 1}
    assert image_changes(database) == [sorted(ids)]


def test_cached_responses_follow_and_last_modified_moves_on(editor, public, files, measure, clock):
    files.files["/a.jpg"] = picture()
    written = editor.write(slug="velar", image={"url": f"{files.url}/a.jpg"}, brand=None, status="published")
    paths = ["/v1/articles/velar", "/v1/articles", "/v1/articles?profile=card", "/v1/articles?format=article"]
    before = [public.get(path) for path in paths]
    clock.time = datetime.now(UTC) + timedelta(minutes=5)  # articles are written at the time of the database
    assert measure() == 1
    for path, old in zip(paths, before, strict=True):
        new = public.get(path)
        assert new.get_data() != old.get_data(), path
        assert new.headers["ETag"] != old.headers["ETag"]
        assert timedelta(0) <= new.last_modified - clock() < timedelta(seconds=1), path
        assert int(new.headers["Content-Seq"]) == written["seq"] + 1
        seen = {"If_Modified_Since": old.headers["Last-Modified"]}
        assert public.get(path, **seen).status_code == 200
        assert public.get(path).get_data() == new.get_data()


def test_articles_with_a_picture_of_another_are_untouched(editor, public, files, measure):
    files.files["/a.jpg"] = picture()
    editor.write(slug="velar", image={"url": f"{files.url}/a.jpg"}, status="published", language="it")
    editor.write(slug="evoque", status="published", language="en")
    other = public.get("/v1/articles/evoque")
    listed = public.get("/v1/articles?language=en")
    measure()
    assert public.get("/v1/articles/evoque").headers["Cache-Status"] == "newsapi; hit", other
    assert public.get("/v1/articles?language=en").headers["Cache-Status"] == "newsapi; hit", listed


def test_drafts_are_measured_before_they_are_published_and_move_no_seq(editor, public, files, measure, database):
    files.files["/a.jpg"] = picture(400, 300)
    draft = editor.write(slug="velar", image={"url": f"{files.url}/a.jpg"})
    head = public.get("/v1/articles").headers["Content-Seq"]
    assert measure() == 1
    assert public.get("/v1/articles").headers["Content-Seq"] == head
    assert image_changes(database) == []
    assert editor.get("/v1/articles/velar").json["data"]["image"]["width"] == 400
    editor.change(draft, status="published")
    assert public.get("/v1/articles/velar").json["data"]["image"]["width"] == 400
    assert measure() == 0


def test_measured_sizes_have_precedence_and_what_editors_wrote_stays(editor, public, files, measure, database):
    files.files |= {"/a.jpg": picture(160, 90), "/b.svg": b"<svg/>"}
    image = {"url": f"{files.url}/a.jpg", "width": 1600, "height": 900, "alt": "Testo", "focal": {"x": 0.2, "y": 0.4}}
    written = editor.write(slug="velar", image=image, status="published")
    editor.write(slug="logo", image={**image, "url": f"{files.url}/b.svg"}, status="published")
    measure()
    shown = public.get("/v1/articles/velar").json["data"]["image"]
    assert (shown["width"], shown["height"], shown["alt"], shown["focal"]) == (160, 90, "Testo", {"x": 0.2, "y": 0.4})
    drawing = public.get("/v1/articles/logo").json["data"]["image"]
    assert (drawing["width"], drawing["type"], drawing["thumbhash"]) == (1600, "image/svg+xml", None)
    with database.read_transaction() as connection:
        stored = connection.execute(select(Article.image).where(Article.slug == "velar")).scalar_one()
    assert stored["width"] == 1600
    revised = editor.change(written, image={"alt": "Altro"})
    assert revised["image"]["alt"] == "Altro"
    assert revised["image"]["width"] == 160


def test_an_import_that_is_run_again_changes_nothing(publish, files, measure, database, load):
    files.files["/a.jpg"] = picture()
    record = article("velar", image={"url": f"{files.url}/a.jpg", "width": 5, "height": 5})
    publish(record)
    measure()
    assert load(lines(record)).counts == (0, 0, 1, 0)
    assert measure() == 0


def test_an_article_that_shows_another_image_shows_its_measurement(editor, public, files, measure, database):
    files.files |= {"/a.jpg": picture(100, 50), "/b.jpg": picture(60, 60)}
    written = editor.write(slug="velar", image={"url": f"{files.url}/a.jpg"}, status="published")
    measure()
    changed = editor.change(written, image={"url": f"{files.url}/b.jpg"})
    assert public.get("/v1/articles/velar").json["data"]["image"]["thumbhash"] is None
    measure()
    assert public.get("/v1/articles/velar").json["data"]["image"]["width"] == 60
    editor.change(changed, image=None)
    with database.read_transaction() as connection:
        assert connection.execute(select(func.count()).select_from(ArticleImage)).scalar() == 0


def test_a_file_that_no_article_shows_any_more_is_not_read(editor, files, measure, database):
    written = editor.write(image={"url": f"{files.url}/a.jpg"})
    editor.change(written, image=None)
    measure()
    assert not files.asked
    assert not files_of(database)


def test_a_broken_file_is_read_again_ever_more_rarely_and_then_measured(
    editor, public, files, measure, database, clock
):
    editor.write(slug="velar", image={"url": f"{files.url}/a.jpg"}, status="published")
    head, failed = (
        public.get("/v1/articles").headers["Content-Seq"],
        metric("newsapi_images_checked_total", result="missing"),
    )
    assert measure() == 1
    waits = []
    for _ in range(11):
        [row] = files_of(database).values()
        waits.append(row.check_at - clock())
        assert (row.problem, measure()) == ("missing", 0)
        clock.time = row.check_at
        assert measure() == 1
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=80)]
    assert waits[-1] == timedelta(days=7)
    assert metric("newsapi_images_checked_total", result="missing") == failed + 12
    assert public.get("/v1/articles").headers["Content-Seq"] == head  # problems are for editors only
    files.files["/a.jpg"] = picture()
    clock.forward(days=7)
    assert measure() == 1
    assert public.get("/v1/articles/velar").json["data"]["image"]["width"] == 160
    clock.forward(days=30)
    assert measure() == 0


def test_a_worker_that_dies_while_it_measures_leaves_the_file_for_later(
    editor, files, measurer, measure, database, clock
):
    files.files["/a.jpg"] = picture()
    editor.write(image={"url": f"{files.url}/a.jpg"})

    def die(_url):
        raise SystemExit

    measurer._measure, kept = die, measurer._measure
    with pytest.raises(SystemExit):
        measurer._run_slice()
    measurer._measure = kept
    assert measure() == 0
    clock.forward(seconds=5)
    assert measure() == 1


def test_a_change_is_in_the_log_at_the_time_at_which_responses_change(editor, public, files, measure, database, clock):
    """The clock of the worker is behind here; the time of a change never goes back."""
    files.files["/a.jpg"] = picture()
    editor.write(slug="velar", image={"url": f"{files.url}/a.jpg"}, status="published")
    editor.write(slug="evoque", status="published")
    with database.transaction() as session:
        session.execute(update(ImageFile).values(check_at=clock() - timedelta(hours=2)))
    clock.forward(hours=-1)
    measure()
    [file] = files_of(database).values()
    with database.read_transaction() as connection:
        times = connection.execute(select(Change.committed_at).order_by(Change.seq)).scalars().all()
    assert file.measured_at == times[-1] >= times[-2] > clock()


# --- many files -------------------------------------------------------------------------------------------------------


def test_a_host_with_ten_thousand_files_delays_no_other(publish, files, measurer, database, closed_port):
    files.files["/last.jpg"] = picture()
    urls = [f"http://127.0.0.1:{closed_port}/{n}.jpg" for n in range(10_000)]
    media = [[{"kind": "image", "image": {"url": url}} for url in urls[start::20]] for start in range(20)]
    galleries = [article(f"a{number}", media=images) for number, images in enumerate(media)]
    publish(*galleries, article("other", image={"url": f"{files.url}/last.jpg"}))
    assert len(files_of(database)) == 10_001
    head = len(changes(database))
    assert measurer._run_slice() == image_worker.FILES_PER_HOST + 1
    assert files_of(database)[f"{files.url}/last.jpg"].width == 160
    assert measurer._run_slice() == image_worker.FILES_PER_HOST
    assert len(changes(database)) == head + 1


def test_a_host_is_asked_no_faster_than_allowed(publish, files, database, clock):
    publish(*(article(f"a{n}", image={"url": f"{files.url}/{n}.jpg"}) for n in range(12)))
    measurer = ImageMeasurer(database, allow_private=True, now=clock)
    measurer._run_slice()
    pauses = [later - earlier for earlier, later in zip(files.times, files.times[1:], strict=False)]
    assert len(pauses) == image_worker.FILES_PER_HOST - 1
    assert sum(pauses) > 0.9 * image_worker.REQUEST_INTERVAL_SECONDS * len(pauses)


def test_files_that_a_slice_did_not_reach_are_due_at_once(publish, files, measurer, measure, database, monkeypatch):
    monkeypatch.setattr(image_worker, "SLICE_SECONDS", 0.2)

    def slow(handler):
        time.sleep(0.25)
        handler.send_error(404)

    files.files |= {f"/{n}.jpg": slow for n in range(3)}
    publish(*(article(f"a{n}", image={"url": f"{files.url}/{n}.jpg"}) for n in range(3)))
    assert measurer._run_slice() == 1
    assert sorted(row.tries for row in files_of(database).values()) == [0, 0, 1]
    assert measure() == 2


def test_one_change_names_the_articles_of_a_batch(publish, files, measure, database):
    files.files |= {f"/{n}.jpg": picture() for n in range(8)}
    publish(*(article(f"a{n}", image={"url": f"{files.url}/{n}.jpg"}) for n in range(8)))
    measure()
    [ids] = image_changes(database)
    assert len(ids) == 8


def test_a_picture_of_many_articles_touches_every_list(publish, public, files, measure, database, monkeypatch):
    monkeypatch.setattr(queries, "MAX_ARTICLES_BY_FACET", 2)
    monkeypatch.setattr(queries, "MAX_ARTICLES_PER_CHANGE", 2)
    files.files["/a.jpg"] = picture()
    publish(*(article(f"a{n}", image={"url": f"{files.url}/a.jpg"}) for n in range(5)))
    paths = ["/v1/articles", "/v1/articles?language=it", "/v1/articles/a4"]
    before = [public.get(path).get_data() for path in paths]
    measure()
    assert [len(ids) for ids in image_changes(database)] == [2, 2, 1]
    for path, old in zip(paths, before, strict=True):
        assert public.get(path).get_data() != old, path


def test_a_file_that_is_deleted_as_unused_is_not_lost_to_a_write_at_the_same_time(
    editor, files, measurer, measure, database
):
    files.files["/a.jpg"] = picture()
    url = f"{files.url}/a.jpg"
    editor.change(editor.write(image={"url": url}), image=None)
    with database.transaction() as session:  # a write that has not shown the file yet
        changelog_writer.acquire_write_lock(session)
        thread = threading.Thread(target=measurer._run_slice)
        thread.start()
        time.sleep(0.3)
        values = {"article_id": image_file_id("x"), "position": 0, "file_id": image_file_id(url)}
        session.execute(ArticleImage.__table__.insert(), {**values, "is_broken": False, "lacks_alt": False})
    thread.join()
    measure()
    assert files_of(database)[url].width == 160


def test_other_consumers_ignore_the_change(editor, files, measure, worker, database, clock):
    relate = worker(RelatedIndexConsumer(database, now=clock))
    files.files["/a.jpg"] = picture()
    editor.write(image={"url": f"{files.url}/a.jpg"}, status="published")
    measure()
    for _ in range(5):
        relate.step()
    assert relate._failures == 0
    assert relate._committed.seq == len(changes(database))


def test_a_list_costs_three_statements_with_measurements_too(editor, public, files, measure, statements):
    files.files["/a.jpg"] = picture()
    for _ in range(3):
        editor.write(image={"url": f"{files.url}/a.jpg"}, status="published")
    measure()
    for path in ("/v1/articles?limit=3", "/v1/articles?limit=3&profile=card"):
        for address, count in ((path, 3), (f"{path}&sort=updated_at", 2)):  # the second list has all items in memory
            public.get("/healthz")
            statements.clear()
            assert public.get(address).json["data"][0]["image"]["color"]
            log_reads = ("SELECT changelog_head.seq, changelog_head.nonce \n", "SELECT change.seq")
            assert len([text for text in statements if not text.startswith(log_reads)]) == count, statements


def test_nothing_is_read_if_the_setting_is_off(settings):
    def names(**values):
        return {runner.consumer.name for runner in create_worker(replace(settings, **values)).runners}

    assert "images" in names()
    assert "images" not in names(measure_images="off")
