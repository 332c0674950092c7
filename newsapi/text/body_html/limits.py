"""Limits for HTML that is about to be parsed: of nesting, and of the attributes of a tag.

The algorithm of the HTML standard takes quadratic time and memory for elements that are nested thousands of levels deep
and for formatting elements that are never closed (WHATWG issue 3732). Browsers stop at 512 levels. The parser used here
has no limit, so start tags beyond one are removed from the source first. Tags are recognized approximately, which is
enough: no article comes near the limit, and whatever is left is parsed and sanitized like any other HTML. The parser
also compares each attribute of a tag with all others of the tag.
"""

import re
from collections import Counter
from typing import Final

MAX_OPEN_ELEMENTS: Final = 128
"""Elements that may be open at the same time, those with an optional end tag not counted."""

MAX_REPEATED_ELEMENTS: Final = 100_000
"""Formatting elements that the parser may have to open again, in all; two more for each tag."""

MAX_ATTRIBUTES: Final = 256
"""Attributes of a tag."""

# The attributes of a tag follow from its source alone (HTML standard, 13.2.5.32 to 13.2.5.39), wherever it stands.
_TOO_MANY_ATTRIBUTES: Final = re.compile(
    r"<[A-Za-z][^ \t\n/>]*+(?:[ \t\n/]*+[^ \t\n/>][^ \t\n/>=]*+"
    r"(?:[ \t\n]*+=[ \t\n]*+(?:\"[^\"]*+\"|'[^']*+'|[^ \t\n\"'>][^ \t\n>]*+)?+)?+)"
    f"{{{MAX_ATTRIBUTES + 1}}}"
)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)[^<>]*+>?")
# Elements that never have content, or that are closed by the next element of their kind.
_NOT_NESTED: Final = frozenset(
    (
        "area base basefont bgsound br col colgroup dd dt embed frame hr image img input keygen li link meta optgroup"
        " option p param rp rt source tbody td tfoot th thead tr track wbr"
    ).split()
)
# A parser opens these again after the element in which they were left open.
_FORMATTING: Final = frozenset("b big code em font i nobr s small strike strong tt u".split())
_FORMATTING_TAG: Final = re.compile(rf"</?(?:{'|'.join(sorted(_FORMATTING))})(?=[\s/>])[^<>]*+>?", re.IGNORECASE)


def is_markup(html: str) -> bool:
    """Return whether a text can be parsed as HTML; one that has a tag with hundreds of attributes cannot."""
    return len(html) < 2 * MAX_ATTRIBUTES or _TOO_MANY_ATTRIBUTES.search(html) is None


def limit_nesting(html: str) -> str:
    """Return HTML without the tags that would make parsing take quadratic time.

    Args:
        html: HTML of any kind.

    Returns:
        The same HTML, unless it leaves too many elements open.
    """
    if html.count("<") <= MAX_OPEN_ELEMENTS:
        return html
    pieces, repeated, tags = _limit_depth(html)
    limited = "".join(pieces)
    return _FORMATTING_TAG.sub("", limited) if repeated > MAX_REPEATED_ELEMENTS + 2 * tags else limited


def _limit_depth(html: str) -> tuple[list[str], int, int]:
    """Return the pieces of the HTML to keep, the formatting elements that are opened again, and the number of tags."""
    open_elements: Counter[str] = Counter()
    depth, formatting, repeated, tags, position = 0, 0, 0, 0, 0
    pieces: list[str] = []
    for tag in _TAG.finditer(html):
        closing, name = tag[1], tag[2].lower()
        tags += 1
        if name in _NOT_NESTED:
            repeated += formatting
            continue
        change = (-1 if open_elements[name] else 0) if closing else 1
        if depth + change > MAX_OPEN_ELEMENTS:
            pieces.append(html[position : tag.start()])
            position = tag.end()
            continue
        repeated += formatting
        open_elements[name] += change
        depth += change
        if name in _FORMATTING:
            formatting += change
    pieces.append(html[position:])
    return pieces, repeated, tags
