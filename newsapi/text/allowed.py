"""What the body of an article may be made of: elements, their attributes, and the values these may have."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from newsapi.text.addresses import LINKS, PICTURES, absolute, embeddable
from newsapi.text.characters import decoded_attribute
from newsapi.text.languages import language_tag
from newsapi.text.slugs import is_uuid


class Page(NamedTuple):
    """Where a body stands: the address its links are relative to, and the hosts it may embed."""

    base: str
    embed_hosts: frozenset[str]


Rule: TypeAlias = Callable[[str, Page], str | None]

_ATTRIBUTE = re.compile(
    r"([^\s/>][^\s/>=]*+)(?:[ \t\n]*+=[ \t\n]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^ \t\n\"'>][^ \t\n>]*+)))?+",
)


def _any(value: str, _: Page) -> str | None:
    return value


def _filled(value: str, _: Page) -> str | None:
    return value.strip() or None


def _present(_value: str, _: Page) -> str | None:
    return ""


def _link(value: str, page: Page) -> str | None:
    return absolute(value, base=page.base, schemes=LINKS)


def _picture(value: str, page: Page) -> str | None:
    return absolute(value, base=page.base, schemes=PICTURES)


def _embed(value: str, page: Page) -> str | None:
    return embeddable(value, base=page.base, hosts=page.embed_hosts)


def _own_article(value: str, _: Page) -> str | None:
    return value.lower() if is_uuid(value) else None


def _language(value: str, _: Page) -> str | None:
    return language_tag(value)


def _matching(pattern: str) -> Rule:
    whole = re.compile(pattern, re.ASCII)
    return lambda value, _: value if whole.fullmatch(value) else None


_SIZE = _matching("[0-9]{1,5}")
_SPAN = _matching("[1-9][0-9]{0,2}")
_NUMBER = _matching("-?[0-9]{1,9}")
_TIME = _matching("[0-9A-Za-z:.+ -]{1,40}")
_SCOPE = _matching("row|col|rowgroup|colgroup")
_CELL: dict[str, Rule] = {"colspan": _SPAN, "rowspan": _SPAN}

# The order here is the order in which attributes are written.
_RULES: Final[dict[str, dict[str, Rule]]] = {
    "a": {"href": _link, "title": _filled, "hreflang": _language, "data-article-id": _own_article},
    "abbr": {"title": _filled},
    "blockquote": {"cite": _picture},
    "del": {"cite": _picture, "datetime": _TIME},
    "iframe": {"src": _embed, "width": _SIZE, "height": _SIZE, "title": _filled, "allowfullscreen": _present},
    "img": {"src": _picture, "alt": _any, "width": _SIZE, "height": _SIZE},
    "ins": {"cite": _picture, "datetime": _TIME},
    "li": {"value": _NUMBER},
    "ol": {"start": _NUMBER, "reversed": _present},
    "q": {"cite": _picture},
    "td": _CELL,
    "th": {**_CELL, "scope": _SCOPE},
    "time": {"datetime": _TIME},
}
# Without these the element says nothing and is left out; what is inside it stays.
_NEEDED: Final = {"a": "href", "iframe": "src", "img": "src"}
# What is written in any case, whatever came in.
_ADDED: Final = {
    "a": ' rel="noopener noreferrer"',
    "iframe": ' sandbox="allow-scripts allow-same-origin allow-popups allow-presentation" loading="lazy"',
}

VOID: Final = frozenset({"br", "hr", "img"})
TABLE_PARTS: Final = frozenset({"caption", "tbody", "td", "tfoot", "th", "thead", "tr"})
BLOCKS: Final = frozenset(
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
INLINE: Final = frozenset(
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
ELEMENTS: Final = VOID | TABLE_PARTS | BLOCKS | INLINE | {"iframe"}

# Elements of the same meaning, and boxes that would glue two paragraphs together if they merely went.
_BOXES: Final = (
    *("address", "article", "aside", "center", "details", "dialog", "div", "fieldset", "footer", "form", "header"),
    *("hgroup", "legend", "main", "nav", "search", "section", "summary"),
)
_STANDS_FOR: Final = dict.fromkeys(_BOXES, "p") | {
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


def element(name: str) -> str | None:
    """Answer the element to write for a name in lower case, or None if there is none."""
    return name if name in ELEMENTS else _STANDS_FOR.get(name)


def names() -> dict[str, set[str]]:
    """Answer the attributes of each element that may be written, those that are added among them."""
    allowed = {tag: set(rules) for tag, rules in _RULES.items()}
    allowed["iframe"] |= {"sandbox", "loading"}
    return allowed


def start_tag(name: str, written: str, page: Page) -> str | None:
    """Write the start tag of an allowed element.

    In: the element, the attributes as they were written, and the page. Out: the tag with the attributes that may stay,
    always in the same order and notation; None if the element makes no sense without one that had to go.
    """
    rules = _RULES.get(name)
    if rules is None:
        return f"<{name}>"
    given = _given(written, rules) if written else {}
    kept = ""
    for attribute, rule in rules.items():
        value = rule(given[attribute], page) if attribute in given else None
        if value is not None:
            kept += f' {attribute}="{_quoted(value)}"'
        elif _NEEDED.get(name) == attribute:
            return None
    return f"<{name}{kept}{_ADDED.get(name, '')}>"


def _given(written: str, rules: dict[str, Rule]) -> dict[str, str]:
    """Read attributes; of two with the same name the first counts, as in a browser."""
    given: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(written):
        attribute = found[1].lower()
        if attribute in rules and attribute not in given:
            given[attribute] = decoded_attribute(found[2] or found[3] or found[4] or "")
    return given


def _quoted(value: str) -> str:
    value = value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("\xa0", "&nbsp;")
