"""What is measured of a file, and that no file takes more than its bounds."""

import random
import struct
import time
import zlib
from base64 import b64encode
from io import BytesIO

import pytest
from PIL import Image

from newsapi.images import measurement, thumbhash
from newsapi.images.measurement import MAX_BYTES, ImageProblem, measure, measure_url
from newsapi.worker import safe_http
from tests.images.conftest import picture


def problem_of(content):
    with pytest.raises(ImageProblem) as raised:
        measure(content)
    return raised.value.args[0]


def problem_at(url, *, allow_private=True):
    with pytest.raises(ImageProblem) as raised:
        measure_url(url, allow_private=allow_private)
    return raised.value.args[0]


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_size_type_bytes_and_colour_are_those_of_the_file(format_):
    content = picture(320, 200, (200, 60, 20), format_)
    measured = measure(content)
    assert measured[:4] == (320, 200, f"image/{format_.lower()}", len(content))
    red, green, blue = (int(measured.color[start : start + 2], 16) for start in (1, 3, 5))
    assert abs(red - 200) < 8
    assert abs(green - 60) < 8
    assert abs(blue - 20) < 8


def test_width_and_height_are_those_in_which_the_image_is_shown():
    exif = Image.Exif()
    exif[0x0112] = 6
    measured = measure(picture(300, 200, exif=exif))
    assert (measured.width, measured.height) == (200, 300)


def test_a_transparent_image_has_a_colour_only_where_it_is_seen():
    assert measure(picture(20, 20, (10, 20, 30, 0), "PNG")).color is None
    assert measure(picture(20, 20, (10, 20, 30, 255), "PNG")).color == "#0a141e"


def test_a_drawing_has_a_type_and_no_pixels():
    svg = b'<?xml version="1.0"?>\n<!-- logo -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
    assert measure(svg) == (None, None, "image/svg+xml", len(svg), None, None)


@pytest.mark.parametrize("content", [b"", b"<!doctype html><title>Login</title>", b"GIF", b"%PDF-1.7", b"\0" * 5_000])
def test_another_content_is_no_image(content):
    assert problem_of(content) == "not_an_image"


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_file_is_damaged(format_):
    noise = Image.frombytes("RGB", (200, 200), random.Random(1).randbytes(120_000))
    content = BytesIO()
    noise.save(content, format_)
    assert problem_of(content.getvalue()[: len(content.getvalue()) // 2]) == "damaged"


def png_of_size(width, height):
    """Return a valid PNG whose pixels are all 0: a thousandth of their size in bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    compressor = zlib.compressobj(9)
    lines = [compressor.compress(b"\0" * (width // 8 + 1)) for _ in range(height)]
    lines.append(compressor.flush())
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"".join(lines)) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_not_decoded():
    bomb = png_of_size(20_000, 20_000)
    assert len(bomb) < 1 << 20
    assert problem_of(bomb) == "too_large"
    assert measure(png_of_size(7_000, 7_000)).width == 7_000


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_a_file_is_read_over_http_through_redirects(files):
    files.files |= {"/a.jpg": (302, {"Location": "b.jpg"}, b""), "/b.jpg": picture()}
    assert measure_url(f"{files.url}/a.jpg", allow_private=True)[:2] == (160, 90)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((404, {}, b""), "missing"),
        ((410, {}, b""), "missing"),
        ((403, {}, b"no"), "refused"),
        ((500, {}, b""), "refused"),
        ((200, {}, b"<html>please sign in</html>"), "not_an_image"),
        ((200, {"Content-Length": "999999"}, b"GIF89a"), "unreachable"),
        ((200, {"Content-Length": str(MAX_BYTES + 1)}, b""), "too_large"),
        ((302, {"Location": "/file.jpg"}, b""), "refused"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "refused"),
        ((302, {"Location": "http://user@127.0.0.1/"}, b""), "unreachable"),
        ((302, {}, b""), "refused"),
    ],
)
def test_a_problem_is_named(files, answer, problem):
    files.files["/file.jpg"] = answer
    assert problem_at(f"{files.url}/file.jpg") == problem


def test_a_server_that_does_not_listen_is_unreachable(closed_port):
    assert problem_at(f"http://127.0.0.1:{closed_port}/a.jpg") == "unreachable"


def test_a_body_without_a_length_is_read_no_further_than_allowed(files, monkeypatch):
    monkeypatch.setattr(measurement, "MAX_BYTES", 100_000)
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while len(sent) < 10_000:
            handler.wfile.write(b"\xff" * 10_000)
            sent.append(10_000)

    files.files["/a.jpg"] = endless
    assert problem_at(f"{files.url}/a.jpg") == "too_large"
    assert len(sent) < 10_000


def test_a_slow_server_is_left_at_the_deadline(files, monkeypatch):
    monkeypatch.setattr(measurement, "MAX_SECONDS", 0.5)
    content, ended = picture(), []

    def slow(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for byte in content:
                handler.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            ended.append(True)

    files.files["/a.jpg"] = slow
    assert problem_at(f"{files.url}/a.jpg") == "unreachable"


def test_private_addresses_are_not_called(files, monkeypatch):
    files.files["/a.jpg"] = picture()
    assert problem_at(f"{files.url}/a.jpg", allow_private=False) == "private"
    assert problem_at("http://169.254.169.254/latest/meta-data/", allow_private=False) == "private"
    assert not files.asked


def test_redirects_to_private_addresses_are_not_followed(files, monkeypatch):
    """The first server counts as public here, and the one it leads to does not."""
    port = files.url.rpartition(":")[2]
    files.files["/a.jpg"] = (302, {"Location": f"http://127.0.0.2:{port}/secret.jpg"}, b"")
    files.files["/secret.jpg"] = picture()
    monkeypatch.setattr(safe_http, "is_public", lambda address: address == "127.0.0.1")
    assert problem_at(f"{files.url}/a.jpg", allow_private=False) == "private"
    assert files.asked == {"/a.jpg": 1}


# --- ThumbHash --------------------------------------------------------------------------------------------------------


def sample(width, height, *, transparent):
    """Return the pixels of an image without symmetries, whose coefficients are not halves that round either way."""
    pixels = []
    for y in range(height):
        for x in range(width):
            alpha = (x * 37 + y * 11) % 256 if transparent else 255
            pixels.append(((x * x * 17 + y * 71 + 13) % 251, (y * y * 29 + x * 5) % 241, (x * y * 7 + y) % 256, alpha))
    return pixels


@pytest.mark.parametrize(
    ("width", "height", "transparent", "expected"),
    [
        (4, 3, False, "UIoOLYp0eIdgeYiXh4h4aHUwF7YB"),
        (3, 5, False, "kkoOLBZ2CIdIh5W3hkd5QHPHBg=="),
        (16, 9, False, "WjgGJIhjVmZQh4mFd3Hefn/0Gw=="),
        (7, 7, True, "lmiGHQIoZnqwWYRImXw/duT7UGlXaod3iA=="),
        (20, 64, True, "3ReCCgAIYSZVC2SviWeY/pemNQZoWME="),
        (100, 56, False, "3gcCDIBVMFiEeHRFKHS1nf97hg=="),
        (1, 1, False, "ARgGFwYI9wiIh4hwj3CI+AiIgIAICIgA"),
    ],
)
def test_hashes_are_those_of_the_reference_implementation(width, height, transparent, expected):
    """The expected values were computed by the package `thumbhash` of npm, version 0.1.1."""
    pixels = sample(width, height, transparent=transparent)
    assert b64encode(thumbhash.encode(width, height, pixels)).decode() == expected
