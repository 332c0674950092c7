"""An HTML tokenizer: text, start tags and end tags in one pass from left to right.

It follows the tokenizer of the HTML standard (section 13.2.5) as far as articles need it. Every pattern is possessive
and every search begins where the last one ended, so the run time is linear in the length of any input. Markup that is
not recognized is not passed on: the output is written from these tokens only.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

Token: TypeAlias = tuple[str, bool, str, str]
"""The text before a tag, its character references not decoded; whether it is an end tag; its name in lower case; the
source of its attributes. The last token has no name: it is the text after the last tag."""

# A lone "<" is text. Text that begins like markup but is not a complete tag leaves the groups empty.
_MARK = re.compile(
    r"<(?:(/?)([A-Za-z][^ \t\n/>]*+)"
    r"((?:[ \t\n/]++|[^ \t\n/>][^ \t\n/>=]*+"
    r"(?:[ \t\n]*+=[ \t\n]*+(?:\"[^\"]*+\"|'[^']*+'|[^ \t\n\"'>][^ \t\n>]*+))?+)*+)>|(?=[A-Za-z/!?]))",
)
_END_NAME = re.compile("</[A-Za-z]")
_COMMENT_END = re.compile("--!?>")

# Elements whose content is not markup: as in a browser, it extends to the end tag. It is left out.
_RAW: Final = frozenset(
    {"iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp"},
)
# Elements whose content is other markup, or text that is not part of the article. It is left out.
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


def tokenize_html(html: str) -> Iterator[Token]:
    """Split HTML into tags, each with the text before it.

    Comments, declarations and processing instructions are left out, and so is the content of scripts, styles, SVG and
    MathML, templates, form controls and players. An unfinished tag ends the text, as in a browser.

    Args:
        html: HTML of any kind; it need not be well-formed.

    Yields:
        The tokens in document order.
    """
    position = 0
    unclosed: set[str] = set()
    while tag := _MARK.search(html, position):
        tag_start = tag.start()
        closing, name, attributes_source = tag.groups()
        if name is None:
            yield html[position:tag_start], False, "", ""
            position = _after_markup(html, tag_start)
            continue
        name = name.lower()
        yield html[position:tag_start], bool(closing), name, attributes_source
        position = tag.end()
        if closing:
            continue
        if name in _RAW:
            end = _RAW_END[name].search(html, position)
            position = end.start() if end else len(html)
        elif name in _FOREIGN and name not in unclosed and not attributes_source.endswith("/"):
            position = _after_foreign(html, position, name, unclosed)
    yield html[position:], False, "", ""


def _after_markup(html: str, start: int) -> int:
    """Return the end of markup that is not a tag: a comment, a declaration, or a tag cut off by the end of input."""
    if html.startswith("<!--", start):
        if html.startswith((">", "->"), start + 4):
            return html.index(">", start) + 1
        end = _COMMENT_END.search(html, start + 4)
        return end.end() if end else len(html)
    if html.startswith(("<!", "<?"), start) or (html.startswith("</", start) and not _END_NAME.match(html, start)):
        close = html.find(">", start)
        return close + 1 if close >= 0 else len(html)
    return len(html)


def _after_foreign(html: str, start: int, name: str, unclosed: set[str]) -> int:
    """Return where the end tag of a foreign element begins, else the last end tag of its name, else `start`."""
    depth = 1
    last = start
    for tag in _FOREIGN_MARK[name].finditer(html, start):
        depth += -1 if tag[1] else 1
        if tag[1]:
            last = tag.start()
        if depth == 0:
            return last
    # Remembered, so that a thousand unclosed elements do not cause a thousand searches.
    unclosed.add(name)
    return last
