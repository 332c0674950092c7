"""The HTML policy of article bodies: allowed elements, their attributes, and the values of these."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from newsapi.text.characters import decode_attribute
from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import is_slug, is_uuid
from newsapi.text.urls import IMAGE_SCHEMES, LINK_SCHEMES, resolve_embed_url, resolve_url


class HtmlContext(NamedTuple):
    """The context of a body: the URL that its relative links are resolved against, and the hosts it may embed."""

    base: str
    embed_hosts: frozenset[str]


Rule: TypeAlias = Callable[[str, HtmlContext], str | None]

_ATTRIBUTE = re.compile(
    r"([^\s/>][^\s/>=]*+)(?:[ \t\n]*+=[ \t\n]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^ \t\n\"'>][^ \t\n>]*+)))?+",
)


def _any(value: str, _: HtmlContext) -> str | None:
    return value


def _filled(value: str, _: HtmlContext) -> str | None:
    return value.strip() or None


def _present(_value: str, _: HtmlContext) -> str | None:
    return ""


def _link(value: str, context: HtmlContext) -> str | None:
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

# Attributes are written in the order of this table.
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
_REQUIRED_ATTRIBUTES: Final = {"a": "href", "iframe": "src", "img": "src"}
# Attributes that are always written.
_FORCED_ATTRIBUTES: Final = {
    "a": ' rel="noopener noreferrer"',
    "iframe": ' sandbox="allow-scripts allow-same-origin allow-popups allow-presentation" loading="lazy"',
}

VOID_ELEMENTS: Final = frozenset({"br", "hr", "img"})
TABLE_PARTS: Final = frozenset({"caption", "tbody", "td", "tfoot", "th", "thead", "tr"})
BLOCK_ELEMENTS: Final = frozenset(
    {
        "blockquote",
        "dd",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "h2",
        "h3",
        "h4",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "ul",
    },
)
INLINE_ELEMENTS: Final = frozenset(
    {
        "a",
        "abbr",
        "b",
        "cite",
        "code",
        "del",
        "em",
        "i",
        "ins",
        "kbd",
        "mark",
        "q",
        "s",
        "small",
        "strong",
        "sub",
        "sup",
        "time",
        "u",
    },
)
ALLOWED_ELEMENTS: Final = VOID_ELEMENTS | TABLE_PARTS | BLOCK_ELEMENTS | INLINE_ELEMENTS | {"iframe"}

# Containers become paragraphs: if they were only left out, the text before and after them would run together.
_CONTAINER_ELEMENTS: Final = (
    "address",
    "article",
    "aside",
    "center",
    "details",
    "dialog",
    "div",
    "fieldset",
    "footer",
    "form",
    "header",
    "hgroup",
    "legend",
    "main",
    "nav",
    "search",
    "section",
    "summary",
)
_REPLACEMENTS: Final = dict.fromkeys(_CONTAINER_ELEMENTS, "p") | {
    "acronym": "abbr",
    "dir": "ul",
    "h1": "h2",
    "h5": "h4",
    "h6": "h4",
    "listing": "pre",
    "menu": "ul",
    "samp": "code",
    "strike": "s",
    "tt": "code",
}


def allowed_element(name: str) -> str | None:
    """Return the element to write for a name in lower case, or None if the element is not allowed."""
    return name if name in ALLOWED_ELEMENTS else _REPLACEMENTS.get(name)


def allowed_attributes() -> dict[str, set[str]]:
    """Return the allowed attributes of each element, with those that are always written."""
    allowed = {tag: set(rules) for tag, rules in _RULES.items()}
    allowed["iframe"] |= {"sandbox", "loading"}
    return allowed


def start_tag(name: str, attributes_source: str, context: HtmlContext) -> str | None:
    """Return the start tag of an allowed element with its allowed attributes, in a fixed order and notation.

    The result is None if a required attribute is missing or not allowed. The attributes are passed as source text.
    """
    rules = _RULES.get(name)
    if rules is None:
        return f"<{name}>"
    values = _filter_attributes(attributes_source, rules) if attributes_source else {}
    attributes = ""
    for attribute, rule in rules.items():
        value = rule(values[attribute], context) if attribute in values else None
        if value is not None:
            attributes += f' {attribute}="{_quoted(value)}"'
        elif _REQUIRED_ATTRIBUTES.get(name) == attribute:
            return None
    return f"<{name}{attributes}{_FORCED_ATTRIBUTES.get(name, '')}>"


def _filter_attributes(source: str, rules: dict[str, Rule]) -> dict[str, str]:
    """Parse the attributes that have a rule; of two with the same name the first counts, as in a browser."""
    values: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source):
        attribute = match[1].lower()
        if attribute in rules and attribute not in values:
            values[attribute] = decode_attribute(match[2] or match[3] or match[4] or "")
    return values


def _quoted(value: str) -> str:
    value = value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("\xa0", "&nbsp;")
