"""The sizes of a picture: which there are, how each service is asked for them, and what never gets through."""

import base64
import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsapi.content.presentation.renditions import Renditions, media_type, signed_for_imgproxy, signed_for_thumbor
from newsapi.settings import SettingError

SOURCE = "https://www.example.it/foto/velar.jpg"
IMGPROXY = "imgproxy+https://img.example.org"
THUMBOR = "thumbor+https://img.example.org"
TEMPLATE = "https://img.example.org/{width}x{height}/{url}?focus={x},{y}"
AS_PATH = "https://img.example.org/cdn-cgi/image/width={width},height={height}/{raw_url}"
AT_ITS_OWN = "{raw_url}?w={width}&h={height}"
EVERY = [IMGPROXY, THUMBOR, TEMPLATE, AS_PATH, AT_ITS_OWN]


def stored(url=SOURCE, width=4000, height=3000, focal=None):
    size = {"width": width, "height": height}
    return {"url": url, "alt": "Una Velar", "caption": None, **size, "credit": "Ansa", "focal": focal}


def made(picture, template=IMGPROXY, key=None, salt=None):
    return Renditions(template, key, salt).picture(picture)


def sizes(picture):
    return [(item["name"], item["width"], item["height"]) for item in picture["renditions"][1:]]


def addresses(picture):
    return [item["url"] for item in picture["renditions"][1:]]


def address(picture, name, width):
    (found,) = [item["url"] for item in picture["renditions"] if (item["name"], item["width"]) == (name, width)]
    return found


def candidates(srcset):
    """Read a list as browsers do (HTML, "parsing a srcset attribute"): a word to the next blank, then a width."""
    found = re.findall(r"[\s,]*(\S+[^\s,])\s+(\d+)w\s*(?:,|\Z)", srcset)
    assert len(found) == srcset.count("w,") + 1
    return [(url, int(width)) for url, width in found]


# --- which there are --------------------------------------------------------------------------------------------------


def test_a_large_picture_comes_in_three_shapes_and_four_widths_behind_the_original():
    picture = made(stored())
    assert picture["renditions"][0] == {
        "name": "original",
        "url": SOURCE,
        "width": 4000,
        "height": 3000,
        "type": "image/jpeg",
    }
    assert sizes(picture) == [
        *(("16x9", width, width * 9 // 16) for width in (320, 640, 1280, 1920)),
        *(("4x3", width, width * 3 // 4) for width in (320, 640, 1280, 1920)),
        *(("1x1", width, width) for width in (320, 640, 1280, 1920)),
    ]
    assert {item["type"] for item in picture["renditions"]} == {"image/jpeg"}


def test_shapes_are_the_same_crops_grouped_with_a_srcset_of_each():
    picture = made(stored(width=1600, height=900))
    assert list(picture["shapes"]) == ["16x9", "4x3", "1x1"]
    for name, shape in picture["shapes"].items():
        expected = [item for item in picture["renditions"] if item["name"] == name]
        assert [(size["url"], size["width"], size["height"]) for size in shape["sizes"]] == [
            (item["url"], item["width"], item["height"]) for item in expected
        ]
        assert candidates(shape["srcset"]) == [(item["url"], item["width"]) for item in expected]


@pytest.mark.parametrize(
    ("width", "height", "shapes"),
    [
        (1600, 900, ["16x9", "4x3", "1x1"]),
        (400, 200, ["16x9"]),
        (330, 250, ["16x9", "4x3"]),
        (319, 319, []),
        (None, None, []),
    ],
)
def test_a_shape_without_a_crop_is_null(width, height, shapes):
    picture = made(stored(width=width, height=height))
    assert [name for name, shape in picture["shapes"].items() if shape] == shapes
    assert not any(Renditions(None).picture(stored())["shapes"].values())


@pytest.mark.parametrize(
    ("width", "height", "shapes"), [(640, 640, ["1x1"]), (1600, 900, ["16x9"]), (800, 600, ["4x3"]), (640, 639, [])]
)
def test_a_logo_has_no_shape_that_would_cut_it(width, height, shapes):
    picture = Renditions(TEMPLATE).picture(stored(width=width, height=height), is_cropped=False)
    assert [name for name, shape in picture["shapes"].items() if shape] == shapes


MEASURED = {"width": 800, "height": 600, "type": "image/webp", "bytes": 9, "thumbhash": "AAAA", "color": "#000000"}


def test_measurements_have_precedence_over_what_was_entered():
    picture = Renditions(TEMPLATE).picture(stored(width=4000, height=100), MEASURED)
    assert {name: picture[name] for name in MEASURED} == MEASURED
    assert {item["width"] for item in picture["renditions"]} == {320, 640, 800}
    assert {item["type"] for item in picture["renditions"]} == {"image/webp"}
    unmeasured = Renditions(TEMPLATE).picture(stored())
    assert (unmeasured["type"], unmeasured["bytes"], unmeasured["thumbhash"], unmeasured["color"]) == (
        *("image/jpeg", None),
        *(None, None),
    )


def test_the_focal_point_of_thumbor_is_in_pixels_of_the_measured_size():
    picture = Renditions(THUMBOR).picture(stored(width=8000, height=6000, focal={"x": 0.5, "y": 0.5}), MEASURED)
    assert "focal(400x300:401x301)" in unquote(address(picture, "1x1", 320))


def test_a_measured_drawing_keeps_the_size_that_was_entered_and_has_no_crops():
    drawing = {**dict.fromkeys(MEASURED), "type": "image/svg+xml", "bytes": 9}
    picture = Renditions(TEMPLATE).picture(stored(), drawing)
    assert (picture["width"], picture["height"], picture["type"]) == (4000, 3000, "image/svg+xml")
    assert len(picture["renditions"]) == 1


def test_what_the_newsroom_said_stays_as_it_was():
    picture = stored(focal={"x": 0.5, "y": 0.25})
    assert {name: value for name, value in made(picture).items() if name in picture} == picture


def test_a_picture_of_500_pixels_gets_only_the_smallest():
    assert {width for _, width, _ in sizes(made(stored(width=500, height=400)))} == {320}


def test_a_crop_is_never_taller_than_the_original():
    assert sizes(made(stored(width=1600, height=900))) == [
        ("16x9", 320, 180),
        ("16x9", 640, 360),
        ("16x9", 1280, 720),
        ("4x3", 320, 240),
        ("4x3", 640, 480),
        ("1x1", 320, 320),
        ("1x1", 640, 640),
    ]


def test_a_size_equal_to_the_original_is_no_enlargement():
    assert sizes(made(stored(width=320, height=180))) == [("16x9", 320, 180)]


@pytest.mark.parametrize(("width", "height"), [(None, None), (1600, None), (None, 900)])
def test_of_a_picture_of_unknown_size_there_is_the_original_alone(width, height):
    picture = made(stored(width=width, height=height))
    assert [item["name"] for item in picture["renditions"]] == ["original"]
    assert picture["srcset"] is None


def test_without_a_service_there_is_the_original_alone():
    picture = made(stored(), template=None)
    assert [item["name"] for item in picture["renditions"]] == ["original"]
    assert picture["srcset"] is None


def test_a_drawing_has_no_sizes():
    assert addresses(made(stored(url="https://www.example.it/logo.svg"))) == []


def test_no_picture_stays_none():
    assert made(None) is None


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a.example/x.JPG", "image/jpeg"),
        ("https://a.example/x.webp?v=1.png#y.gif", "image/webp"),
        ("https://a.example/x.avif", "image/avif"),
        ("https://a.example/x", None),
        ("https://a.example/x.php?file=y", None),
        ("https://a.example", None),
    ],
)
def test_the_media_type_is_read_off_the_ending(url, kind):
    assert media_type(url) == kind


# --- srcset -----------------------------------------------------------------------------------------------------------


def test_the_srcset_keeps_the_shape_of_the_picture():
    listed = candidates(made(stored(width=3000, height=2000), TEMPLATE)["srcset"])
    assert [width for _, width in listed] == [320, 640, 1280, 1920]
    assert [urlsplit(url).path.split("/")[1] for url, _ in listed] == ["320x213", "640x427", "1280x853", "1920x1280"]


def test_the_srcset_ends_with_an_original_that_is_not_too_large():
    assert candidates(made(stored(width=500, height=400))["srcset"])[-1] == (SOURCE, 500)
    assert [width for _, width in candidates(made(stored(width=500, height=400))["srcset"])] == [320, 500]


def test_the_srcset_names_no_width_twice():
    assert [width for _, width in candidates(made(stored(width=640, height=400))["srcset"])] == [320, 640]


def test_a_picture_smaller_than_all_widths_needs_no_srcset():
    assert made(stored(width=319, height=319))["srcset"] is None


@pytest.mark.parametrize("template", EVERY)
def test_no_address_breaks_the_srcset(template):
    url = "https://www.example.it/w_300,c_fill/foto di è,'x'.jpg,"
    picture = made(stored(url=url, width=1000, height=900), template)
    assert [width for _, width in candidates(picture["srcset"])] == [320, 640, 1000]
    assert all(re.fullmatch(r"https://[\x21-\x7e]+", found) for found, _ in candidates(picture["srcset"]))
    assert "," not in candidates(picture["srcset"])[-1][0]


# --- imgproxy ---------------------------------------------------------------------------------------------------------


def test_imgproxy_is_asked_for_a_fill_of_the_encoded_address():
    found = address(made(stored()), "16x9", 640)
    encoded = base64.urlsafe_b64encode(SOURCE.encode()).decode().rstrip("=")
    assert found == f"https://img.example.org/unsafe/rs:fill:640:360/g:sm/{encoded}"


def test_imgproxy_crops_around_the_focal_point():
    found = address(made(stored(focal={"x": 1, "y": 1 / 3})), "1x1", 320)
    assert "/rs:fill:320:320/g:fp:1:0.3333/" in found
    assert "/g:fp:0:0/" in address(made(stored(focal={"x": 0.0, "y": 1e-9})), "1x1", 320)


@pytest.mark.parametrize(
    ("key", "salt", "path", "signature"),
    [
        # docs.imgproxy.net/usage/signing_url
        (
            b"secret",
            b"hello",
            "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png",
            "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8",
        ),
        # imgproxy/imgproxy:security/signature_test.go
        (b"test-key", b"test-salt", "/asd", "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20"),
    ],
)
def test_a_signature_for_imgproxy_is_the_one_it_documents(key, salt, path, signature):
    assert signed_for_imgproxy(path, key, salt) == signature


def test_with_key_and_salt_every_imgproxy_address_is_signed():
    picture = made(stored(), IMGPROXY, b"secret".hex(), b"hello".hex().upper())
    listed = [url for url, _ in candidates(picture["srcset"])]
    assert len(addresses(picture) + listed) == 16
    for url in addresses(picture) + listed:
        signature, path = re.fullmatch(r"https://img\.example\.org/([\w-]{43})(/rs:.+)", url).groups()
        assert signature == signed_for_imgproxy(path, b"secret", b"hello")


# --- thumbor ----------------------------------------------------------------------------------------------------------


def test_thumbor_is_asked_for_a_size_of_the_escaped_address():
    found = address(made(stored(), THUMBOR), "4x3", 1280)
    assert found == ("https://img.example.org/unsafe/1280x960/smart/https%3A%2F%2Fwww.example.it%2Ffoto%2Fvelar.jpg")


def test_thumbor_crops_around_a_square_of_pixels():
    found = address(made(stored(focal={"x": 0.25, "y": 0.5}), THUMBOR), "4x3", 320)
    assert "/unsafe/320x240/filters:focal(1000x1500:1001x1501)/https%3A" in found


def test_a_focal_point_on_the_edge_is_inside_the_picture_for_thumbor():
    assert "focal(3999x2999:4000x3000)" in address(made(stored(focal={"x": 1, "y": 1}), THUMBOR), "1x1", 320)


@pytest.mark.parametrize(
    ("path", "signature"),
    [
        # thumbor.readthedocs.io, chapter Libraries, "Library Tests - Scenarios": 1, 3, 4, 5 and 6
        ("300x200/my.server.com/some/path/to/image.jpg", "8ammJH8D-7tXy6kU3lTvoXlhu4o="),
        ("meta/my.server.com/some/path/to/image.jpg", "Ps3ORJDqxlSQ8y00T29GdNAh2CY="),
        ("smart/my.server.com/some/path/to/image.jpg", "-2NHpejRK2CyPAm61FigfQgJBxw="),
        ("fit-in/my.server.com/some/path/to/image.jpg", "uvLnA6TJlF-Cc-L8z9pEtfasO3s="),
        ("filters:brightness(10):contrast(20)/my.server.com/some/path/to/image.jpg", "ZZtPCw-BLYN1g42Kh8xTcRs0Qls="),
    ],
)
def test_a_signature_for_thumbor_is_the_one_it_documents(path, signature):
    assert signed_for_thumbor(path, b"my-security-key") == signature


def test_with_a_key_every_thumbor_address_is_signed():
    picture = made(stored(focal={"x": 0.1, "y": 0.2}), THUMBOR, "my-security-key")
    for url in addresses(picture):
        signature, path = re.fullmatch(r"https://img\.example\.org/([\w=-]{28})/(.+)", url).groups()
        assert signature == signed_for_thumbor(path, b"my-security-key")


# --- templates --------------------------------------------------------------------------------------------------------


def test_a_template_is_filled_with_address_size_and_focal_point():
    picture = stored(focal={"x": 0.4, "y": 0.125})
    assert address(made(picture, TEMPLATE), "16x9", 320) == (
        "https://img.example.org/320x180/https%3A%2F%2Fwww.example.it%2Ffoto%2Fvelar.jpg?focus=0.4,0.125"
    )


def test_a_template_gets_the_middle_where_no_focal_point_is_known():
    assert address(made(stored(), TEMPLATE), "16x9", 320).endswith("?focus=0.5,0.5")


def test_a_template_can_take_the_address_as_a_path():
    assert address(made(stored(), AS_PATH), "1x1", 640) == (
        "https://img.example.org/cdn-cgi/image/width=640,height=640/https://www.example.it/foto/velar.jpg"
    )


def test_a_template_can_be_the_address_of_the_picture_itself():
    assert address(made(stored(), AT_ITS_OWN), "1x1", 640) == f"{SOURCE}?w=640&h=640"


@pytest.mark.parametrize("template", EVERY)
def test_focal_points_move_crops(template):
    there = made(stored(focal={"x": 0.2, "y": 0.8}), template)
    elsewhere = made(stored(focal={"x": 0.8, "y": 0.8}), template)
    moved = [one != other for one, other in zip(addresses(there), addresses(elsewhere), strict=True)]
    assert set(moved) == {template not in {AS_PATH, AT_ITS_OWN}}


# --- what is sent by others stays inside ------------------------------------------------------------------------------

HOSTILE = [
    "https://evil.example/a.jpg?w=9999&x={width}",
    "https://evil.example/a.jpg#/{url}",
    "https://evil.example/../../../admin/x.jpg",
    "https://evil.example/%2e%2E/%2e./x.jpg",
    "https://evil.example/..",
    "https://evil.example\\..\\..\\x.jpg",
    "https://user@evil.example/a.jpg",
    "https://evil.example/a.jpg 9999w, https://evil.example/b.jpg",
    "https://evil.example/a.jpg\n\"onload='x'<script>",
    "https://evil.example/a%2Fb%20c%25.jpg",
    "https://evil.example/{0.__class__}/{}.jpg",
    "https://evil.example/filters:blur(9)/smart/è.jpg",
]


@pytest.mark.parametrize("template", [IMGPROXY, THUMBOR, TEMPLATE, AS_PATH])
@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_stays_inside(url, template):
    found = addresses(made(stored(url=url), template))
    assert found or template == AS_PATH
    for one, usual in zip(found, addresses(made(stored(), template)), strict=bool(found)):
        assert re.fullmatch(r"[\x21-\x7e]+", one)
        assert not re.search(r"[\"'<>\\{}|^`]", one)
        parts, good = urlsplit(one), urlsplit(usual)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == (*good[:2], good.query, "")
        segments, places = parts.path.split("/"), good.path.split("/")
        assert not {".", ".."} & {unquote(segment) for segment in segments}
        # What stands before the picture's address is as usual; and that is one word, except as a path.
        source = places.index("https:") if template == AS_PATH else len(places) - 1
        assert segments[:source] == places[:source]
        assert template == AS_PATH or len(segments) == len(places)


@pytest.mark.parametrize("url", [f"{SOURCE}?v=2", f"{SOURCE}#x", "https://www.example.it/a/../b.jpg"])
@pytest.mark.parametrize("template", [AS_PATH, AT_ITS_OWN])
def test_what_cannot_be_told_as_a_path_has_the_original_alone(url, template):
    picture = made(stored(url=url), template)
    assert addresses(picture) == []
    assert picture["srcset"] is None


def test_every_service_but_a_path_can_be_told_of_a_query():
    url = f"{SOURCE}?v=2"
    encoded = address(made(stored(url=url)), "1x1", 320).rpartition("/")[2]
    assert base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode() == url
    for template in (THUMBOR, TEMPLATE):
        assert url in unquote(address(made(stored(url=url), template), "1x1", 320))


LENGTHS = st.one_of(st.integers(1, 3_000), st.sampled_from((319, 320, 640, 1280, 1920, 1921, 100_000)))
POINTS = st.one_of(st.none(), st.fixed_dictionaries({"x": st.floats(0, 1), "y": st.floats(0, 1)}))


@settings(max_examples=60, deadline=None)
@given(
    tail=st.text(st.characters(exclude_categories=("Cs",)), max_size=30),
    width=LENGTHS,
    height=LENGTHS,
    focal=POINTS,
    template=st.sampled_from(EVERY),
)
def test_whatever_the_picture_no_size_is_larger_and_every_address_can_be_listed(tail, width, height, focal, template):
    picture = made(stored(f"{SOURCE}/{tail}", width, height, focal), template)
    for item in picture["renditions"]:
        assert item["width"] <= width
        assert item["height"] <= height
    for found in addresses(picture):
        assert re.fullmatch(r"https://[\x21-\x7e]*[\x21-\x2b\x2d-\x7e]", found)
    if picture["srcset"] is not None:
        assert all(listed <= width for _, listed in candidates(picture["srcset"]))


# --- settings that cannot be used -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "key", "salt", "name"),
    [
        ("imgproxy+img.example.org", None, None, "NEWSAPI_IMAGE_URL"),
        ("imgproxy+https://img.example.org/?a=b", None, None, "NEWSAPI_IMAGE_URL"),
        ("imgproxy+https://[::1", None, None, "NEWSAPI_IMAGE_URL"),
        (IMGPROXY, "secret", "68656c6c6f", "NEWSAPI_IMAGE_KEY"),
        (IMGPROXY, "68656c6c6f", "hello", "NEWSAPI_IMAGE_SALT"),
        (IMGPROXY, "68656c6c6f", None, "NEWSAPI_IMAGE_SALT"),
        (IMGPROXY, None, "68656c6c6f", "NEWSAPI_IMAGE_KEY"),
        ("thumbor+", None, None, "NEWSAPI_IMAGE_URL"),
        (THUMBOR, "key", "68656c6c6f", "NEWSAPI_IMAGE_SALT"),
        (TEMPLATE, "key", None, "NEWSAPI_IMAGE_KEY"),
        (TEMPLATE, None, "68656c6c6f", "NEWSAPI_IMAGE_SALT"),
        ("https://img.example.org", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{width}/{url}", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{width}x{height}", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{width}x{height}/{url}{slug}", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{width!r}x{height}/{url}", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{width}x{height:>9}/{url}", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{width}x{height}/{url.real}", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{width}x{height}/{url}/{", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{width} {height}/{url}", None, None, "NEWSAPI_IMAGE_URL"),
        ("https://img.example.org/{url}/{width}x{height},", None, None, "NEWSAPI_IMAGE_URL"),
        ("/{width}x{height}/{url}", None, None, "NEWSAPI_IMAGE_URL"),
        ("{url}?w={width}&h={height}", None, None, "NEWSAPI_IMAGE_URL"),
        ("ftp://img.example.org/{width}x{height}/{url}", None, None, "NEWSAPI_IMAGE_URL"),
    ],
)
def test_a_setting_that_cannot_work_is_named(template, key, salt, name):
    with pytest.raises(SettingError) as caught:
        Renditions(template, key, salt)
    assert caught.value.name == name
    assert str(caught.value).startswith(f"{name} ")
