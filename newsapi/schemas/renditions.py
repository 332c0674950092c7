"""The sizes a picture comes in: which there are, and their addresses at a service that resizes.

`NEWSAPI_IMAGE_URL` says which service it is, and its scheme says how it is spoken to:

- `imgproxy+https://img.example.org`: imgproxy. `NEWSAPI_IMAGE_KEY` and `NEWSAPI_IMAGE_SALT` are its `IMGPROXY_KEY` and
  `IMGPROXY_SALT`, in hex as there; without both, addresses are unsigned.
- `thumbor+https://img.example.org`: thumbor and what speaks its language. `NEWSAPI_IMAGE_KEY` is its `SECURITY_KEY`, as
  there; without it, addresses are unsigned.
- `https://img.example.org/{width}x{height}/{url}?focus={x},{y}`: a template for anything else. `{url}` is the picture's
  address, escaped as one word; `{raw_url}` is the same with its `:` and `/` as they are, for services that take it as a
  path, and for those that resize at its own address (`{raw_url}?w={width}&h={height}`). `{x}` and `{y}` are the focal
  point from 0 to 1, the middle where none is known.

A rendition is a crop to one of three shapes around the focal point, never larger than the original in either direction.
The `srcset` is the other thing: the whole picture in its own shape, so that it can stand beside `width` and `height` in
an `img`. A picture of unknown size, and a drawing (SVG), which has none, has the original alone.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hmac import digest
from string import Formatter
from typing import Any, Final
from urllib.parse import quote, urlsplit

from newsapi.settings import BadSetting

Record = dict[str, Any]
Stored = Mapping[str, Any]

WIDTHS: Final = (320, 640, 1280, 1920)
SHAPES: Final = (("16x9", 16, 9), ("4x3", 4, 3), ("1x1", 1, 1))
SIZES: Final = tuple((name, wide, wide * down // across) for name, across, down in SHAPES for wide in WIDTHS)

URL, KEY, SALT = "NEWSAPI_IMAGE_URL", "NEWSAPI_IMAGE_KEY", "NEWSAPI_IMAGE_SALT"

# Not from `mimetypes`, which reads the machine's own list: every node must answer the same.
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
_DRAWING: Final = _TYPES["svg"]

_Address = Callable[[int, int], str]
"""From a width and a height to the address of the picture in that size."""
_Service = Callable[[Stored], _Address | None]
"""From a picture to its addresses; None if the service cannot be told of it."""


class Renditions:
    """Completes pictures; made once from the settings."""

    def __init__(self, template: str | None, key: str | None = None, salt: str | None = None) -> None:
        """Take the three settings as they are written; raises BadSetting that says which cannot be used, and why."""
        self._service = None if template is None else _service(template, key, salt)

    def picture(self, stored: Stored | None) -> Record | None:
        """A picture as clients get it: with its `srcset` and `renditions`, the original first."""
        if stored is None:
            return None
        source, width, height = stored["url"], stored["width"], stored["height"]
        kind = media_type(source)
        renditions = [{"name": "original", "url": source, "width": width, "height": height, "type": kind}]
        srcset = None
        if self._service and width and height and kind != _DRAWING and (address := self._service(stored)):
            renditions += [
                {"name": name, "url": address(wide, high), "width": wide, "height": high, "type": kind}
                for name, wide, high in SIZES
                if wide <= width and high <= height
            ]
            srcset = _srcset(source, width, height, address)
        return {**stored, "srcset": srcset, "renditions": renditions}


def media_type(address: str) -> str | None:
    """The media type of a picture by the ending of its address; None if that tells nothing."""
    path = address.partition("#")[0].partition("?")[0]
    return _TYPES.get(path.rpartition(".")[2].lower())


def _srcset(source: str, width: int, height: int, address: _Address) -> str | None:
    """The whole picture in all widths it has; the original ends the list where it is none too large for that.

    Without it a picture of 500 pixels would be shown from 320: beside widths, a browser leaves `src` aside.
    """
    sizes = [f"{address(wide, max(1, round(wide * height / width)))} {wide}w" for wide in WIDTHS if wide <= width]
    if sizes and width < WIDTHS[-1] and width not in WIDTHS:
        sizes.append(f"{_listed(source)} {width}w")
    return ", ".join(sizes) or None


def _listed(address: str) -> str:
    """An address as it can stand in a list whose words end at blanks and commas; what is escaped stays as it is."""
    return quote(address, safe="%/:?#[]@!$&()*+;=~")


def signed_for_imgproxy(path: str, key: bytes, salt: bytes) -> str:
    """The first segment of an address at imgproxy; the path is what follows it, with its slash."""
    return urlsafe_b64encode(digest(key, salt + path.encode(), "sha256")).rstrip(b"=").decode()


def signed_for_thumbor(path: str, key: bytes) -> str:
    """The first segment of an address at thumbor; the path is what follows it, without its slash."""
    return urlsafe_b64encode(digest(key, path.encode(), "sha1")).decode()


UNSIGNED: Final = "unsafe"
"""What stands in the place of a signature, at both."""


# --- the services -----------------------------------------------------------------------------------------------------


def _service(template: str, key: str | None, salt: str | None) -> _Service:
    kind, _, place = template.partition("+")
    if kind == "imgproxy":
        return _imgproxy(_place(place), _hex(KEY, key), _hex(SALT, salt))
    if salt is not None:
        raise BadSetting(SALT, f"is for imgproxy alone, and {URL} names another service")
    if kind == "thumbor":
        return _thumbor(_place(place), key.encode() if key else None)
    if key is not None:
        raise BadSetting(KEY, f"is for imgproxy and thumbor alone, and {URL} is a template, which is not signed")
    return _by_template(template)


def _imgproxy(place: str, key: bytes | None, salt: bytes | None) -> _Service:
    """Speak to imgproxy: https://docs.imgproxy.net/usage/processing, https://docs.imgproxy.net/usage/signing_url."""
    if bool(key) != bool(salt):
        raise BadSetting(*((SALT, f"must be set beside {KEY}") if key else (KEY, f"must be set beside {SALT}")))

    def service(stored: Stored) -> _Address:
        focal = stored["focal"]
        gravity = f"fp:{_fraction(focal['x'])}:{_fraction(focal['y'])}" if focal else "sm"
        source = urlsafe_b64encode(stored["url"].encode()).rstrip(b"=").decode()

        def address(width: int, height: int) -> str:
            path = f"/rs:fill:{width}:{height}/g:{gravity}/{source}"
            return f"{place}/{signed_for_imgproxy(path, key, salt) if key and salt else UNSIGNED}{path}"

        return address

    return service


_AXES: Final = (("x", "width"), ("y", "height"))


def _thumbor(place: str, key: bytes | None) -> _Service:
    """Speak to thumbor: https://thumbor.readthedocs.io, chapters Usage, Security and Focal.

    It knows a focal point as a square of whole pixels of the original, and warns of `smart` beside it.
    """

    def service(stored: Stored) -> _Address:
        focal, cut = stored["focal"], "smart"
        if focal:
            left, top = (min(int(focal[at] * stored[size]), stored[size] - 1) for at, size in _AXES)
            cut = f"filters:focal({left}x{top}:{left + 1}x{top + 1})"
        source = quote(stored["url"], safe="")

        def address(width: int, height: int) -> str:
            path = f"{width}x{height}/{cut}/{source}"
            return f"{place}/{signed_for_thumbor(path, key) if key else UNSIGNED}/{path}"

        return address

    return service


def _by_template(template: str) -> _Service:
    names = _names(template)
    raw = "raw_url" in names

    def service(stored: Stored) -> _Address | None:
        source, focal = stored["url"], stored["focal"]
        # As a path it must neither end early nor climb: a query, a fragment or a dot segment cannot be told.
        if raw and _LOOSE.search(source):
            return None
        known = {
            "url": quote(source, safe=""),
            "raw_url": quote(source, safe="%/:@!$()*+;=~") if raw else "",
            "x": _fraction(focal["x"]) if focal else "0.5",
            "y": _fraction(focal["y"]) if focal else "0.5",
        }
        return lambda width, height: template.format(width=width, height=height, **known)

    return service


_LOOSE: Final = re.compile(r"[?#&\\]|/(?:\.|%2e){1,2}(?:/|\Z)", re.IGNORECASE)


def _fraction(value: float) -> str:
    return f"{round(value, 4):g}"


# --- reading the settings ---------------------------------------------------------------------------------------------

_UNSAFE: Final = re.compile(r"[\s\"'<>\\^`{|}]|[^\x21-\x7e]")
_PLACEHOLDERS: Final = ("url", "raw_url", "width", "height", "x", "y")


def _hex(name: str, text: str | None) -> bytes | None:
    try:
        return bytes.fromhex(text) if text else None
    except ValueError as error:
        raise BadSetting(name, "is not written in hex, as imgproxy has it") from error


def _place(text: str) -> str:
    if not _is_address(text) or "?" in text or "#" in text:
        raise BadSetting(URL, "names no address behind the +, such as imgproxy+https://img.example.org")
    return text.rstrip("/")


def _names(template: str) -> frozenset[str]:
    """The placeholders of a template; raises BadSetting if it cannot work."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise BadSetting(URL, "has a brace that is not one of a pair") from error
    names = [name for _, name, _, _ in parts if name is not None]
    if any(name not in _PLACEHOLDERS or form or turn for _, name, form, turn in parts if name is not None):
        raise BadSetting(URL, f"has a placeholder that is not one of {', '.join(f'{{{n}}}' for n in _PLACEHOLDERS)}")
    if not {"width", "height"}.issubset(names) or {"url", "raw_url"}.isdisjoint(names):
        raise BadSetting(URL, "must have {width}, {height} and one of {url} and {raw_url}, or start with imgproxy+")
    example = template.format(**{**dict.fromkeys(_PLACEHOLDERS, "1"), "raw_url": "https://example.org/1.jpg"})
    if not _is_address(example) or example.endswith(","):
        raise BadSetting(URL, "is not the template of an http or https address that can stand in a srcset")
    return frozenset(names)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not _UNSAFE.search(text)
    except ValueError:
        return False
