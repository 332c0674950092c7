"""HTML as a row of texts, start tags and end tags, read once from left to right.

Follows the tokeniser of the HTML standard (section 13.2.5) as far as articles need it. Every pattern is possessive and
every search begins where the last one ended, so the time is linear in the length of the input, whatever it is. What is
not understood is not passed on: the one who writes the result writes only what was read here.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

Token: TypeAlias = tuple[str, bool, str, str]
"""The text before a tag, its references not yet resolved; whether it is an end tag; its name in lower case; its
attributes as they were written. The last token has no name: it is the text after the last tag."""

# A lone "<" is text. What begins like markup and is not a whole tag leaves the groups empty.
_MARK = re.compile(
    r"<(?:(/?)([A-Za-z][^ \t\n/>]*+)"
    r"((?:[ \t\n/]++|[^ \t\n/>][^ \t\n/>=]*+"
    r"(?:[ \t\n]*+=[ \t\n]*+(?:\"[^\"]*+\"|'[^']*+'|[^ \t\n\"'>][^ \t\n>]*+))?+)*+)>|(?=[A-Za-z/!?]))",
)
_END_NAME = re.compile("</[A-Za-z]")
_COMMENT_END = re.compile("--!?>")

# Their content is no markup at all: a browser reads it up to the end tag, and so do we, and leave it out.
_RAW: Final = frozenset(
    {"iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp"},
)
# Their content is markup of another kind, or words for another place than the article.
_FOREIGN: Final = frozenset(
    {
        "applet",
        "audio",
        "button",
        "canvas",
        "datalist",
        "frameset",
        "math",
        "object",
        "select",
        "svg",
        "template",
        "video",
    },
)
_RAW_END = {name: re.compile(rf"</{name}(?=[ \t\n/>])", re.IGNORECASE | re.ASCII) for name in _RAW}
_FOREIGN_MARK = {name: re.compile(rf"<(/?){name}(?=[ \t\n/>])", re.IGNORECASE | re.ASCII) for name in _FOREIGN}


def tokens(html: str) -> Iterator[Token]:
    """Read HTML: tags in their order, each with the text before it.

    Comments, declarations and processing instructions are left out, and so is the content of scripts, styles, drawings,
    formulas, templates, form controls and players. A tag that is never finished ends the text, as in a browser.
    """
    place = 0
    unclosed: set[str] = set()
    while mark := _MARK.search(html, place):
        here = mark.start()
        closing, name, written = mark.groups()
        if name is None:
            yield html[place:here], False, "", ""
            place = _after_markup(html, here)
            continue
        name = name.lower()
        yield html[place:here], bool(closing), name, written
        place = mark.end()
        if closing:
            continue
        if name in _RAW:
            end = _RAW_END[name].search(html, place)
            place = end.start() if end else len(html)
        elif name in _FOREIGN and name not in unclosed and not written.endswith("/"):
            place = _after_foreign(html, place, name, unclosed)
    yield html[place:], False, "", ""


def _after_markup(html: str, here: int) -> int:
    """Find the end of what begins like a tag and is none: a comment, a declaration, or a tag cut off by the end."""
    if html.startswith("<!--", here):
        if html.startswith((">", "->"), here + 4):
            return html.index(">", here) + 1
        end = _COMMENT_END.search(html, here + 4)
        return end.end() if end else len(html)
    if html.startswith(("<!", "<?"), here) or (html.startswith("</", here) and not _END_NAME.match(html, here)):
        close = html.find(">", here)
        return close + 1 if close >= 0 else len(html)
    return len(html)


def _after_foreign(html: str, place: int, name: str, unclosed: set[str]) -> int:
    """Find the end tag that belongs to a foreign element, else the last of its name, else stay.

    An element that is never closed is remembered, so that a thousand of them are not a thousand searches.
    """
    depth = 1
    last = place
    for mark in _FOREIGN_MARK[name].finditer(html, place):
        depth += -1 if mark[1] else 1
        if mark[1]:
            last = mark.start()
        if depth == 0:
            return last
    unclosed.add(name)
    return last
