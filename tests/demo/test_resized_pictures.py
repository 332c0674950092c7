"""The demo serves its pictures in the sizes that responses link to, and in no others."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from newsapi.app import create_app
from newsapi.content.presentation.renditions import Renditions
from newsapi.demo import content, picture_views, resizing
from newsapi.demo.resizing import centering
from newsapi.settings import Settings

URL = "http://127.0.0.1:8000/demo/pictures/suv-neve.jpg"


@pytest.fixture
def demo(tmp_path):
    app = create_app(Settings.from_env({"NEWSAPI_DATABASE_URL": f"sqlite:///{tmp_path}/news.sqlite3"}))
    app.register_blueprint(picture_views.blueprint(tmp_path / "kept"))
    return app.test_client()


def path_of(url):
    return url.removeprefix("http://127.0.0.1:8000")


def test_every_address_of_a_picture_gives_its_size(demo):
    stored = {"url": URL, "alt": "", "width": 1600, "height": 900, "focal": {"x": 0.2, "y": 0.9}}
    image = Renditions(content.RESIZED_PICTURES).picture(stored)
    sizes = [*image["renditions"], *(size for shape in image["shapes"].values() for size in shape["sizes"])]
    scaled = [(address, int(width)) for address, width in re.findall(r"(\S+) (\d+)w", image["srcset"])]
    assert len(sizes) == 1 + 2 * 7
    assert len(scaled) == 4
    for address, width, height in [
        *((s["url"], s["width"], s["height"]) for s in sizes),
        *((a, w, w * 9 // 16) for a, w in scaled),
    ]:
        answer = demo.get(path_of(address))
        assert answer.status_code == 200, address
        assert Image.open(BytesIO(answer.data)).size == (width, height)
        assert answer.headers["Vary"].startswith("Accept")


def test_webp_is_sent_where_it_is_accepted_and_smaller(demo, monkeypatch):
    path = f"{path_of(URL)}?640x360-0.5-0.5"
    plain = demo.get(path)
    small = demo.get(path, headers={"Accept": "image/avif,image/webp,*/*"})
    assert (plain.content_type, Image.open(BytesIO(plain.data)).format) == ("image/jpeg", "JPEG")
    assert (small.content_type, Image.open(BytesIO(small.data)).format) == ("image/webp", "WEBP")
    assert len(small.data) < len(plain.data)
    monkeypatch.setitem(resizing._ENCODINGS, "image/webp", ("WEBP", {"lossless": True}))
    large = demo.get(f"{path_of(URL)}?320x180-0.5-0.5", headers={"Accept": "image/webp"})
    assert large.content_type == "image/jpeg"


@pytest.mark.parametrize(
    "query",
    [
        *("641x360-0.5-0.5", "640x361-0.5-0.5", "1920x1080-0.5-0.5", "1600x900-0.5-0.5", "1x1-0.5-0.5", "0x0-0.5-0.5"),
        *("640x360", "640x360-0.5", "640x360-2-0.5", "640x360-0.55555-0.5", "640x360-0.5-0.5&x=1", "a=b", "%00"),
        *("640x360-0.5-0.5%0a", "٦٤٠x360-0.5-0.5", "640x360-1.0-0.5", "640x360--0.5-0.5"),
    ],
)
def test_other_sizes_are_not_made(demo, query, tmp_path):
    assert demo.get(f"{path_of(URL)}?{query}").status_code == 404
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("name", ["none.jpg", "..%2fcontent.jpg", "suv-neve.png", "SUV-NEVE.jpg", "suv-neve.jpg%00"])
def test_other_files_are_not_served(demo, name):
    assert demo.get(f"/demo/pictures/{name}?640x360-0.5-0.5").status_code == 404
    assert demo.get(f"/demo/pictures/{name}").status_code == 404


def test_a_result_is_kept_and_the_folder_is_bounded(demo, tmp_path, monkeypatch):
    path = f"{path_of(URL)}?640x360-0.5-0.5"
    first = demo.get(path)
    [kept] = (tmp_path / "kept").iterdir()
    kept.write_bytes(b"kept")
    assert demo.get(path).data == b"kept"
    kept.write_bytes(first.data)
    monkeypatch.setattr(resizing, "MAX_FOLDER_BYTES", 3 * len(first.data))
    for step in range(11):
        assert demo.get(f"{path_of(URL)}?640x640-{step / 10:g}-0.5").status_code == 200
    files = [*(tmp_path / "kept").iterdir()]
    assert 0 < len(files) < 11
    assert sum(file.stat().st_size for file in files) <= 3 * len(first.data)


def test_near_focal_points_share_a_file(demo, tmp_path):
    for point in ("0.5", "0.52", "0.4999"):
        assert demo.get(f"{path_of(URL)}?640x640-{point}-0.5").status_code == 200
    assert len([*(tmp_path / "kept").iterdir()]) == 1


@pytest.mark.parametrize(
    ("original", "size", "focal", "expected"),
    [
        ((1600, 900), (640, 360), (0.1, 0.9), (0.5, 0.5)),  # nothing is cut off
        ((1600, 900), (640, 640), (0.5, 0.5), (0.5, 0.5)),
        ((1600, 900), (640, 640), (0.0, 0.5), (0.0, 0.5)),
        ((1600, 900), (640, 640), (1.0, 0.5), (1.0, 0.5)),
        ((1000, 500), (500, 500), (0.3, 0.5), (0.1, 0.5)),  # 50 pixels from the left: from 50 to 550, around 300
        ((500, 1000), (500, 500), (0.5, 0.3), (0.5, 0.1)),
    ],
)
def test_crops_lie_around_the_focal_point(original, size, focal, expected):
    assert centering(original, size, focal) == pytest.approx(expected)


def test_a_crop_shows_the_focal_point(tmp_path):
    picture = Image.new("RGB", (1600, 900), "white")
    picture.paste("red", (1500, 0, 1600, 900))
    file = tmp_path / "edge.jpg"
    picture.save(file)
    resizer = resizing.PictureResizer(tmp_path / "kept")
    left, right = (resizer.resize(file, (320, 320), (x, 0.5), accepts_webp=False) for x in (0.0, 1.0))
    colors = [Image.open(BytesIO(result.content)).getpixel((315, 160)) for result in (left, right)]
    assert colors[0][1] > 200
    assert colors[1][1] < 60


def test_without_pillow_the_demo_has_its_originals_only(monkeypatch):
    assert content.defaults()["NEWSAPI_IMAGE_URL"] == content.RESIZED_PICTURES
    monkeypatch.setattr(content.importlib.util, "find_spec", lambda _name: None)
    assert content.defaults() == {"NEWSAPI_MEASURE_IMAGES": "any", "NEWSAPI_PROCESSES": "1"}


def test_a_new_demo_deletes_the_pictures_of_the_one_before(tmp_path):
    database = tmp_path / "newsapi-demo.sqlite3"
    folder = content.resized_pictures_folder(f"sqlite:///{database}")
    assert folder == Path(tmp_path / "newsapi-demo.pictures")
    folder.mkdir()
    (folder / "a.webp").touch()
    content.clear(database)
    assert not folder.exists()
