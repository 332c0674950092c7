"""Measures the file at an image URL: size, type, ThumbHash and average colour, within bounds of bytes, pixels and time.

Pillow decodes the files. It is optional (`newsapi[images]`) and imported where it is used.
"""

from __future__ import annotations

import http.client
import importlib.util
import re
import threading
import time
from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urljoin

from newsapi import __version__
from newsapi.images import thumbhash
from newsapi.worker import safe_http
from newsapi.worker.addresses import InvalidAddress

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES: Final = 20 << 20
"""Maximum size of a file in bytes."""

MAX_PIXELS: Final = 50_000_000
"""Maximum number of pixels of an image: decoded, it takes four bytes for each."""

MAX_SECONDS: Final = 8.0
"""Maximum seconds for reading a file, with its redirects, beside the time for connecting."""

MAX_REDIRECTS: Final = 3
"""Maximum number of redirects to a file."""

MEDIA_TYPES: Final = {
    "AVIF": "image/avif",
    "GIF": "image/gif",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
}
"""Media types of the formats that are decoded; other decoders of Pillow are not used."""

SVG: Final = "image/svg+xml"
_SVG_START: Final = re.compile(rb"\s*(?:<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<svg[\s>]", re.DOTALL)
_SVG_START_BYTES: Final = 2_000
_ORIENTATION: Final = 0x0112  # EXIF
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MISSING: Final = frozenset({404, 410})
_HEADERS: Final = {
    "User-Agent": f"newsapi/{__version__}",
    "Accept": "image/avif,image/webp,image/*",
    "Accept-Encoding": "identity",
}

PROBLEMS: Final = ("missing", "refused", "unreachable", "private", "not_an_image", "damaged", "too_large")
"""Why a file cannot be shown."""


class ImageProblem(Exception):
    """A file that cannot be shown; `args[0]` is one of PROBLEMS."""


class Measurement(NamedTuple):
    """What was measured of a file; the columns of `ImageFile` have the same names.

    Attributes:
        width: Width in pixels, in the orientation in which it is shown; None for a drawing.
        height: Height in pixels, in the same orientation; None for a drawing.
        type: Media type.
        bytes: Size of the file.
        thumbhash: ThumbHash in Base64; None for a drawing.
        color: Average colour as `#rrggbb`; None for a drawing and for an image that is transparent everywhere.
    """

    width: int | None
    height: int | None
    type: str
    bytes: int
    thumbhash: str | None
    color: str | None


def is_available() -> bool:
    """Return whether Pillow is installed."""
    return importlib.util.find_spec("PIL") is not None


def measure_url(url: str, *, allow_private: bool) -> Measurement:
    """Read and measure the file at a URL.

    Args:
        url: The URL.
        allow_private: Whether addresses of private networks are allowed.

    Returns:
        The measurement.

    Raises:
        ImageProblem: The file cannot be shown.
    """
    return measure(_read_file(url, time.monotonic() + MAX_SECONDS, allow_private=allow_private))


def _read_file(url: str, deadline: float, *, allow_private: bool) -> bytes:
    """Return the content of the file at a URL; every redirect is checked as the URL is.

    Raises:
        ImageProblem: The file cannot be read.
    """
    for _ in range(MAX_REDIRECTS + 1):
        try:
            response = safe_http.get(
                url,
                _HEADERS,
                max_bytes=MAX_BYTES,
                allow_private=allow_private,
                seconds=max(0.1, deadline - time.monotonic()),
            )
        except safe_http.ForbiddenAddress as error:
            raise ImageProblem("private") from error
        except safe_http.TooManyBytes as error:
            raise ImageProblem("too_large") from error
        except (OSError, InvalidAddress, http.client.HTTPException) as error:
            raise ImageProblem("unreachable") from error
        if response.status not in _REDIRECTS or response.location is None:
            break
        url = urljoin(url, response.location)
        if not url.startswith(("http://", "https://")):
            raise ImageProblem("refused")
    if response.status in _MISSING:
        raise ImageProblem("missing")
    if response.status != http.HTTPStatus.OK:
        raise ImageProblem("refused")
    return response.body


_decoding = threading.Lock()
"""Held while an image is decoded, so that only one is in memory."""


def measure(content: bytes) -> Measurement:
    """Return the measurement of the content of a file.

    Raises:
        ImageProblem: The file is no image, is damaged or has too many pixels.
    """
    if _SVG_START.match(content[:_SVG_START_BYTES]):
        return Measurement(None, None, SVG, len(content), None, None)
    # Without the modules of its formats, Pillow would import the modules of all formats.
    from PIL import AvifImagePlugin, Image, UnidentifiedImageError, WebPImagePlugin  # noqa: F401, PLC0415 (optional)

    Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS takes its place; Pillow would warn, which ends nothing
    with _decoding:
        try:
            with Image.open(BytesIO(content), formats=tuple(MEDIA_TYPES)) as image:
                width, height = image.size
                if width * height <= MAX_PIXELS:
                    return _measure_image(image, len(content))
        except UnidentifiedImageError as error:
            raise ImageProblem("not_an_image") from error
        except Exception as error:
            # Decoders raise errors of many types for files that were made to break them.
            raise ImageProblem("damaged") from error
    raise ImageProblem("too_large")


def _measure_image(image: Image, size: int) -> Measurement:
    """Measure an image whose header was read."""
    from PIL import ImageOps  # noqa: PLC0415 (optional)

    type_ = MEDIA_TYPES[image.format or ""]
    width, height = image.size
    if image.getexif().get(_ORIENTATION) in _SIDEWAYS:
        width, height = height, width
    side = (thumbhash.MAX_SIDE, thumbhash.MAX_SIDE)
    image.draft("RGB", side)  # a JPEG is decoded in an eighth of its size
    image.thumbnail(side)
    small = ImageOps.exif_transpose(image).convert("RGBA")
    content = small.tobytes()
    pixels: list[thumbhash.Pixel] = [*zip(content[::4], content[1::4], content[2::4], content[3::4], strict=True)]
    hash_ = b64encode(thumbhash.encode(*small.size, pixels)).decode()
    color = thumbhash.average_color(pixels)
    return Measurement(
        width, height, type_, size, hash_, color and "#{:02x}{:02x}{:02x}".format(*(round(255 * c) for c in color))
    )
