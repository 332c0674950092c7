"""The HTML policy of article bodies: allowed elements, their attributes, and the values of these."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from newsapi.text.body_html.context import HtmlContext
from newsapi.text.body_html.tree import VOID_ELEMENTS
from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import is_slug, is_uuid
from newsapi.text.urls import IMAGE_SCHEMES, LINK_SCHEMES, percent_encode, resolve_embed_url, resolve_url

Rule: TypeAlias = Callable[[str, HtmlContext], str | None]


def _any(value: str, _: HtmlContext) -> str | None:
    return value


def _filled(value: str, _: HtmlContext) -> str | None:
    return value.strip() or None


def _present(_value: str, _: HtmlContext) -> str | None:
    return ""


def _link(value: str, context: HtmlContext) -> str | None:
    if value.strip().startswith("#"):  # within the page
        target = value.strip()[1:]
        return f"#{percent_encode(target)}" if target else None
    return resolve_url(value, base=context.base, schemes=LINK_SCHEMES)


def _image_url(value: str, context: HtmlContext) -> str | None:
    return resolve_url(value, base=context.base, schemes=IMAGE_SCHEMES)


def _embed(value: str, context: HtmlContext) -> str | None:
    return resolve_embed_url(value, base=context.base, hosts=context.embed_hosts)


def _own_article(value: str, _: HtmlContext) -> str | None:
    # An import names the target by its slug; when the article is read, the id takes its place.
    return value.lower() if is_uuid(value) or is_slug(value.lower()) else None


def _language(value: str, _: HtmlContext) -> str | None:
    return canonicalize_tag(value)


def _matching(pattern: str) -> Rule:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value, _: value if compiled.fullmatch(value) else None


_SIZE = _matching("[0-9]{1,5}")
_SPAN = _matching("[1-9][0-9]{0,2}")
_NUMBER = _matching("-?[0-9]{1,9}")
_TIME = _matching("[0-9A-Za-z:.+ -]{1,40}")
_SCOPE = _matching("row|col|rowgroup|colgroup")
_CELL: dict[str, Rule] = {"colspan": _SPAN, "rowspan": _SPAN}

# Attributes are written in the order of this table, after `id`.
_RULES: Final[dict[str, dict[str, Rule]]] = {
    "a": {"href": _link, "title": _filled, "hreflang": _language, "data-article-id": _own_article},
    "abbr": {"title": _filled},
    "blockquote": {"cite": _image_url},
    "del": {"cite": _image_url, "datetime": _TIME},
    "iframe": {"src": _embed, "width": _SIZE, "height": _SIZE, "title": _filled, "allowfullscreen": _present},
    "img": {"src": _image_url, "alt": _any, "width": _SIZE, "height": _SIZE},
    "ins": {"cite": _image_url, "datetime": _TIME},
    "li": {"value": _NUMBER},
    "ol": {"start": _NUMBER, "reversed": _present},
    "q": {"cite": _image_url},
    "td": _CELL,
    "th": {**_CELL, "scope": _SCOPE},
    "time": {"datetime": _TIME},
}
# An element without its required attribute is left out; its content stays.
REQUIRED_ATTRIBUTES: Final = {"a": "href", "iframe": "src", "img": "src"}
"""The attribute without which an element is left out."""

FORCED_ATTRIBUTES: Final = {
    "a": {"rel": "noopener noreferrer"},
    "iframe": {"sandbox": "allow-scripts allow-same-origin allow-popups allow-presentation", "loading": "lazy"},
}
"""Attributes that are always written; they are not part of the content."""

TABLE_PARTS: Final = frozenset({"caption", "tbody", "td", "tfoot", "th", "thead", "tr"})
BLOCK_ELEMENTS: Final = frozenset(
    "blockquote dd dl dt figcaption figure h2 h3 h4 hr li ol p pre table ul".split(),
)
INLINE_ELEMENTS: Final = frozenset(
    "a abbr b cite code del em i ins kbd mark q s small strong sub sup time u".split(),
)
ALLOWED_ELEMENTS: Final = VOID_ELEMENTS | TABLE_PARTS | BLOCK_ELEMENTS | INLINE_ELEMENTS | {"iframe"}

CONTAINER: Final = "div"
"""The name of all containers until the body is nested: they become paragraphs, or are left out around other blocks.

If they were always left out, the text before and after them would run together."""

_CONTAINER_ELEMENTS: Final = (
    "address article aside center details dialog div fieldset footer form header hgroup legend main nav search section"
    " summary"
).split()
_REPLACEMENTS: Final = dict.fromkeys(_CONTAINER_ELEMENTS, CONTAINER) | {
    "acronym": "abbr",
    "dir": "ul",
    "h1": "h2",
    "h5": "h4",
    "h6": "h4",
    "listing": "pre",
    "menu": "ul",
    "plaintext": "pre",
    "samp": "code",
    "strike": "s",
    "tt": "code",
    "xmp": "pre",
}

REMOVED_ELEMENTS: Final = {
    **dict.fromkeys(("script",), "script"),
    **dict.fromkeys(("link", "style"), "style"),
    **dict.fromkeys(("button", "datalist", "input", "keygen", "select", "textarea"), "form"),
    **dict.fromkeys(("canvas", "svg"), "drawing"),
    **dict.fromkeys(("frame", "frameset", "noembed", "noframes"), "embed"),
    "area": "link",
    "math": "formula",
    "template": "template",
    "title": "title",
}
"""The kind of removal of each element that is removed with its content, because that is not part of the text."""

PLAYER_ELEMENTS: Final = frozenset({"applet", "audio", "object", "video"})
"""Elements whose content is shown only where they cannot be played."""


def allowed_element(name: str) -> str | None:
    """Return the element to write for a name in lower case, or None if the element is not allowed."""
    return name if name in ALLOWED_ELEMENTS else _REPLACEMENTS.get(name)


def allowed_attributes() -> dict[str, set[str]]:
    """Return the allowed attributes of each element, with those that are always written."""
    allowed = {name: {"id", *_RULES.get(name, ())} for name in ALLOWED_ELEMENTS}
    allowed["iframe"] |= {"sandbox", "loading"}
    return allowed


def filter_attributes(name: str, values: dict[str, str], context: HtmlContext) -> dict[str, str] | None:
    """Return the allowed attributes of an allowed element, in a fixed order.

    Args:
        name: The element.
        values: Its attributes as they were parsed.
        context: The context of the body.

    Returns:
        The attributes without `id`; None if a required attribute is missing or not allowed.
    """
    attributes: dict[str, str] = {}
    for attribute, rule in _RULES.get(name, {}).items():
        value = rule(values[attribute], context) if attribute in values else None
        if value is not None:
            attributes[attribute] = value
        elif REQUIRED_ATTRIBUTES.get(name) == attribute:
            return None
    return attributes | FORCED_ATTRIBUTES.get(name, {})
