"""Image renditions: the sizes that an image comes in, and their URLs at an image-resizing service.

The scheme of `NEWSAPI_IMAGE_URL` selects the service:

- `imgproxy+https://img.example.org`: imgproxy. `NEWSAPI_IMAGE_KEY` and `NEWSAPI_IMAGE_SALT` are its `IMGPROXY_KEY` and
  `IMGPROXY_SALT`, in hex as there; without both, URLs are unsigned.
- `thumbor+https://img.example.org`: thumbor, or a service with the same URLs. `NEWSAPI_IMAGE_KEY` is its
  `SECURITY_KEY`; without it, URLs are unsigned.
- `https://img.example.org/{width}x{height}/{url}?focus={x},{y}`: a template for any other service. `{url}` is the
  image's URL, fully percent-encoded. `{raw_url}` is the same with `:` and `/` left as they are, for services that take
  the URL as a path, and for those that resize at the image's own URL (`{raw_url}?w={width}&h={height}`). `{x}` and
  `{y}` are the focal point, from 0 to 1; 0.5 where none is known.

Measurements of the worker take the place of what editors entered: their width and height have precedence.

A rendition is a crop to one of three aspect ratios around the focal point, never larger than the original in either
direction. `srcset` is different: it lists the uncropped image in several widths, to be used beside `width` and `height`
in an `img` element. `shapes` groups the crops by aspect ratio, each with a `srcset` of its own. An image of unknown
size has the original alone, and so has an SVG, which has no size in pixels.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from hmac import digest
from string import Formatter
from typing import Final
from urllib.parse import quote, urlsplit

from newsapi.content.article_types import MeasuredImage
from newsapi.settings import SettingError
from newsapi.text.json_types import JsonObject, JsonValue

StoredImage = Mapping[str, JsonValue]

WIDTHS: Final = (320, 640, 1280, 1920)
ASPECT_RATIOS: Final = (("16x9", 16, 9), ("4x3", 4, 3), ("1x1", 1, 1))
NO_SHAPES: Final = dict.fromkeys(name for name, _, _ in ASPECT_RATIOS)
UNMEASURED: Final = dict.fromkeys(("type", "bytes", "thumbhash", "color"))
"""What is known of an image that was not measured."""

CARD_WIDTH: Final = 640
"""Largest width in pixels of the 16:9 image of a card."""

SIZES: Final = tuple((name, width, width * down // across) for name, across, down in ASPECT_RATIOS for width in WIDTHS)

URL, KEY, SALT = "NEWSAPI_IMAGE_URL", "NEWSAPI_IMAGE_KEY", "NEWSAPI_IMAGE_SALT"

# Not from `mimetypes`, which reads a list of the operating system: every node must give the same response.
_TYPES: Final = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "heic": "image/heic",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "jxl": "image/jxl",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "webp": "image/webp",
}
_SVG: Final = _TYPES["svg"]

_Address = Callable[[int, int], str]
"""Returns the URL of an image in a size, given as width and height in pixels."""
_Service = Callable[[StoredImage], _Address | None]
"""Returns the URL builder of an image; None if the service cannot take the image's URL."""


class Renditions:
    """Adds `srcset` and `renditions` to images; one instance serves the whole application."""

    def __init__(self, template: str | None, key: str | None = None, salt: str | None = None) -> None:
        """Set up the image service.

        Args:
            template: `NEWSAPI_IMAGE_URL`; without it, images have the original alone.
            key: `NEWSAPI_IMAGE_KEY`.
            salt: `NEWSAPI_IMAGE_SALT`.

        Raises:
            SettingError: One of the three cannot be used; it names which, and why.
        """
        self._service = None if template is None else _service(template, key, salt)

    def picture(
        self, stored: StoredImage | None, measured: MeasuredImage | None = None, *, is_cropped: bool = True
    ) -> JsonObject | None:
        """Return an image with its `srcset`, `renditions` (the original first) and `shapes`; None for None.

        Args:
            stored: The image as editors entered it.
            measured: What was measured of its file; None if nothing was.
            is_cropped: Whether it has shapes other than its own: crops would cut a logo or a portrait.
        """
        if stored is None:
            return None
        image = {**UNMEASURED, **stored, **(measured or {})}
        # A drawing has a type and no size in pixels; what editors entered for it stays.
        for name in ("width", "height"):
            image[name] = image[name] or stored[name]
        source, width, height = image["url"], image["width"], image["height"]
        type_ = image["type"] = image["type"] or media_type(source)
        renditions = [{"name": "original", "url": source, "width": width, "height": height, "type": type_}]
        srcset = None
        if self._service and width and height and type_ != _SVG and (build_url := self._service(image)):
            renditions += [
                {"name": name, "url": build_url(wide, high), "width": wide, "height": high, "type": type_}
                for name, wide, high in SIZES
                if wide <= width and high <= height
            ]
            srcset = _srcset(source, width, height, build_url)
        shapes = _shapes(renditions, width, height, is_cropped=is_cropped)
        return {**image, "srcset": srcset, "renditions": renditions, "shapes": shapes}

    def card_picture(self, stored: StoredImage | None, measured: MeasuredImage | None) -> JsonObject | None:
        """Return the image of a card: one 16:9 rendition, or the original if there is none; None for None."""
        image = self.picture(stored, measured)
        if image is None:
            return None
        wide = [item for item in image["renditions"] if item["name"] == "16x9" and item["width"] <= CARD_WIDTH]
        shown = wide[-1] if wide else image
        return {"url": shown["url"], "alt": image["alt"], "color": image["color"]}


def media_type(url: str) -> str | None:
    """Return the media type of an image by the file extension in its URL; None if that is unknown."""
    path = url.partition("#")[0].partition("?")[0]
    return _TYPES.get(path.rpartition(".")[2].lower())


def _shapes(
    renditions: Sequence[StoredImage], width: int | None, height: int | None, *, is_cropped: bool
) -> dict[str, object]:
    """Return the crops by aspect ratio, each with a `srcset`; None for a ratio without crops."""
    shapes: dict[str, object] = {**NO_SHAPES}
    for name, across, down in ASPECT_RATIOS:
        sizes = [item for item in renditions if item["name"] == name]
        if sizes and (is_cropped or (width or 0) * down == (height or 0) * across):
            srcset = ", ".join(f"{item['url']} {item['width']}w" for item in sizes)
            shapes[name] = {"srcset": srcset, "sizes": sizes}
    return shapes


def _srcset(source: str, width: int, height: int, build_url: _Address) -> str | None:
    """Return a `srcset` with the uncropped image in all standard widths up to its own; None if there is none."""
    sizes = [f"{build_url(wide, max(1, round(wide * height / width)))} {wide}w" for wide in WIDTHS if wide <= width]
    # The original comes last if its width lies between two standard ones. Without it, a browser would show an image of
    # 500 pixels from the one of 320: beside width descriptors, it ignores `src`.
    if sizes and width < WIDTHS[-1] and width not in WIDTHS:
        sizes.append(f"{_escape_for_srcset(source)} {width}w")
    return ", ".join(sizes) or None


def _escape_for_srcset(url: str) -> str:
    """Escape a URL for `srcset`, where spaces and commas separate items; existing escapes are kept."""
    return quote(url, safe="%/:?#[]@!$&()*+;=~")


def signed_for_imgproxy(path: str, key: bytes, salt: bytes) -> str:
    """Return the signature of an imgproxy URL; `path` is what follows it, with the leading slash."""
    return urlsafe_b64encode(digest(key, salt + path.encode(), "sha256")).rstrip(b"=").decode()


def signed_for_thumbor(path: str, key: bytes) -> str:
    """Return the signature of a thumbor URL; `path` is what follows it, without the leading slash."""
    return urlsafe_b64encode(digest(key, path.encode(), "sha1")).decode()


UNSIGNED: Final = "unsafe"
"""Takes the place of the signature in unsigned URLs of both services."""


# --- the services -----------------------------------------------------------------------------------------------------


def _service(template: str, key: str | None, salt: str | None) -> _Service:
    kind, _, base_url = template.partition("+")
    if kind == "imgproxy":
        return _imgproxy(_image_path(base_url), _hex(KEY, key), _hex(SALT, salt))
    if salt is not None:
        raise SettingError(SALT, f"is only used by imgproxy, and {URL} names another service")
    if kind == "thumbor":
        return _thumbor(_image_path(base_url), key.encode() if key else None)
    if key is not None:
        raise SettingError(KEY, f"is only used by imgproxy and thumbor, and {URL} is a template, which is not signed")
    return _by_template(template)


def _imgproxy(base_url: str, key: bytes | None, salt: bytes | None) -> _Service:
    """Build imgproxy URLs: https://docs.imgproxy.net/usage/processing, https://docs.imgproxy.net/usage/signing_url."""
    if key and not salt:
        raise SettingError(SALT, f"must be set if {KEY} is set")
    if salt and not key:
        raise SettingError(KEY, f"must be set if {SALT} is set")

    def service(stored: StoredImage) -> _Address:
        focal = stored["focal"]
        gravity = f"fp:{_fraction(focal['x'])}:{_fraction(focal['y'])}" if focal else "sm"
        source = urlsafe_b64encode(stored["url"].encode()).rstrip(b"=").decode()

        def build_url(width: int, height: int) -> str:
            path = f"/rs:fill:{width}:{height}/g:{gravity}/{source}"
            return f"{base_url}/{signed_for_imgproxy(path, key, salt) if key and salt else UNSIGNED}{path}"

        return build_url

    return service


_AXES: Final = (("x", "width"), ("y", "height"))


def _thumbor(base_url: str, key: bytes | None) -> _Service:
    """Build thumbor URLs: https://thumbor.readthedocs.io, chapters Usage, Security and Focal."""

    def service(stored: StoredImage) -> _Address:
        focal, crop = stored["focal"], "smart"
        if focal:
            # A focal point is a rectangle in whole pixels of the original; thumbor warns of `smart` beside it.
            left, top = (min(int(focal[axis] * stored[size]), stored[size] - 1) for axis, size in _AXES)
            crop = f"filters:focal({left}x{top}:{left + 1}x{top + 1})"
        source = quote(stored["url"], safe="")

        def build_url(width: int, height: int) -> str:
            path = f"{width}x{height}/{crop}/{source}"
            return f"{base_url}/{signed_for_thumbor(path, key) if key else UNSIGNED}/{path}"

        return build_url

    return service


def _by_template(template: str) -> _Service:
    raw = "raw_url" in _names(template)

    def service(stored: StoredImage) -> _Address | None:
        source, focal = stored["url"], stored["focal"]
        # A query, a fragment or a dot segment in the image's URL would change the path that it becomes a part of.
        if raw and _LOOSE.search(source):
            return None
        values = {
            "url": quote(source, safe=""),
            "raw_url": quote(source, safe="%/:@!$()*+;=~") if raw else "",
            "x": _fraction(focal["x"]) if focal else "0.5",
            "y": _fraction(focal["y"]) if focal else "0.5",
        }
        return lambda width, height: template.format(width=width, height=height, **values)

    return service


_LOOSE: Final = re.compile(r"[?#&\\]|/(?:\.|%2e){1,2}(?:/|\Z)", re.IGNORECASE)


def _fraction(value: float) -> str:
    return f"{round(value, 4):g}"


# --- parsing the settings ---------------------------------------------------------------------------------------------

_UNSAFE: Final = re.compile(r"[\s\"'<>\\^`{|}]|[^\x21-\x7e]")
_PLACEHOLDERS: Final = ("url", "raw_url", "width", "height", "x", "y")


def _hex(name: str, text: str | None) -> bytes | None:
    try:
        return bytes.fromhex(text) if text else None
    except ValueError as error:
        raise SettingError(name, "is not hexadecimal, which imgproxy requires") from error


def _image_path(text: str) -> str:
    if not _is_address(text) or "?" in text or "#" in text:
        raise SettingError(URL, "must have a URL after the +, such as imgproxy+https://img.example.org")
    return text.rstrip("/")


def _names(template: str) -> frozenset[str]:
    """Return the placeholders of a template; raise SettingError if it cannot be used."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise SettingError(URL, "has an unmatched brace") from error
    names = []
    for _, name, format_spec, conversion in parts:
        if name is None:
            continue
        if name not in _PLACEHOLDERS or format_spec or conversion:
            known = ", ".join(f"{{{placeholder}}}" for placeholder in _PLACEHOLDERS)
            raise SettingError(URL, f"has a placeholder that is not one of {known}")
        names.append(name)
    if not {"width", "height"}.issubset(names) or {"url", "raw_url"}.isdisjoint(names):
        raise SettingError(
            URL, "must have {width}, {height} and one of {url} and {raw_url}, or start with imgproxy+ or thumbor+"
        )
    example = template.format(**{**dict.fromkeys(_PLACEHOLDERS, "1"), "raw_url": "https://example.org/1.jpg"})
    if not _is_address(example) or example.endswith(","):
        raise SettingError(URL, "must give an http or https URL that can be used in a srcset")
    return frozenset(names)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not _UNSAFE.search(text)
    except ValueError:
        return False
