"""The HTML of an article body: sanitizing, conversion to and from text, word count and reading time.

A body is parsed once. Media are replaced by images, links and allowed frames (`body_html.media`), elements and
attributes are filtered (`body_html.filter`) and nested strictly (`body_html.nesting`), and the tree is written in one
notation.
"""

import re
from collections import Counter
from dataclasses import dataclass
from html import unescape
from itertools import filterfalse
from typing import Final

import nh3

from newsapi.text.body_html import policy
from newsapi.text.body_html.context import BodyMedia, HtmlContext, Removal
from newsapi.text.body_html.filter import filter_body
from newsapi.text.body_html.media import replace_media
from newsapi.text.body_html.nesting import nest_body
from newsapi.text.body_html.tree import escape_text, parse_fragment, serialize
from newsapi.text.characters import INVISIBLE_CHARACTERS, compose, strip_forbidden, strip_invisible

WORDS_PER_MINUTE: Final = 200
_MAX_PASSES: Final = 6

# A second, independent sanitizer with another parser (html5ever), which sees only the output of the first.
_CLEANER = nh3.Cleaner(
    tags=set(policy.ALLOWED_ELEMENTS),
    clean_content_tags={"script", "style"},
    attributes=policy.allowed_attributes(),
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer",
)

# Paragraphs and headings with text and emphasis in them, and nothing that is escaped: many archives have no other.
_TEXT: Final = r"[^<>&\xa0]++"
_PLAIN_BODY = re.compile(
    rf"(?:<(p|h2|h3|h4)>(?!\s*+</)(?:{_TEXT}|<(b|em|i|strong)>(?!\s*+<){_TEXT}</\2>)++</\1>\s*+)++"
)

_HIDDEN_NAMES: Final = "|".join(sorted({*policy.REMOVED_ELEMENTS, *policy.PLAYER_ELEMENTS}))
_HIDDEN_TAG = re.compile(rf"<(/?)({_HIDDEN_NAMES})(?![a-z0-9-])", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)[^<>]*+>")
_LINE_ELEMENTS: Final = ("br", "caption", "dd", "dt", "li", "tr")
_BLOCK_SEPARATORS: Final = dict.fromkeys(policy.BLOCK_ELEMENTS.difference(_LINE_ELEMENTS), "\n\n")
_SEPARATORS_BEFORE: Final = _BLOCK_SEPARATORS | dict.fromkeys(_LINE_ELEMENTS, "\n") | {"td": " ", "th": " "}
_SEPARATORS_AFTER: Final = _BLOCK_SEPARATORS | {"caption": "\n"}

_IDEOGRAPHS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_DASHES: Final = "\u2012-\u2015\u2026"
_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHS}]")
_DASH = re.compile(f"[{_DASHES}]")
_NOT_COUNTED_BY_SPACES = re.compile(f"[{_IDEOGRAPHS}{_DASHES}{INVISIBLE_CHARACTERS}]")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class SanitizedHtml:
    """A body in its safe and normalized form.

    Attributes:
        html: The body.
        removals: What was removed from it, or replaced by a link, by kind. Attributes and wrappers that change only its
            appearance are not counted.
        media: The audio and video files that it plays; in the body, links to them have replaced the players.
    """

    html: str
    removals: tuple[Removal, ...] = ()
    media: tuple[BodyMedia, ...] = ()


def sanitize_html(html: str, *, base: str, embed_hosts: frozenset[str]) -> SanitizedHtml:
    """Return the HTML of a body in a safe and normalized form.

    Args:
        html: HTML of any kind.
        base: The absolute URL that relative URLs are resolved against.
        embed_hosts: The hosts, in lower case, from which iframes are kept; each includes its subdomains. URLs with http
            and pages of known players become the https URL of the player.

    Returns:
        HTML of a small set of elements and attributes, strictly nested, with absolute URLs except for links within the
        body, and without scripts, styles, comments and control characters. The result is stable: sanitizing it again
        with the same base and hosts does not change it, removes nothing and finds no media.
    """
    return SanitizedHtml(html) if _is_plain(html) else _sanitize(html, base, embed_hosts)


def _sanitize(html: str, base: str, embed_hosts: frozenset[str]) -> SanitizedHtml:
    context = HtmlContext(base, embed_hosts, _unclosed_elements(html))
    before = _sanitize_once(html, context)
    for _ in range(_MAX_PASSES):
        after = _CLEANER.clean(before)
        if after == before:
            return SanitizedHtml(after, context.removals(), tuple(context.media))
        before = _sanitize_once(after, HtmlContext(base, embed_hosts))
    # Not known to happen. Plain paragraphs are stable in any case.
    return SanitizedHtml(text_to_html(html_to_text(before)), context.removals(), tuple(context.media))


def _is_plain(html: str) -> bool:
    """Return whether sanitizing certainly changes nothing; this takes a quarter of the time."""
    # A paragraph that is nothing but a URL becomes a link.
    return (
        _PLAIN_BODY.fullmatch(html) is not None and "://" not in html and compose(html) == strip_forbidden(html) == html
    )


def _sanitize_once(html: str, context: HtmlContext) -> str:
    return serialize(nest_body(filter_body(replace_media(parse_fragment(html), context), context), context))


def _unclosed_elements(html: str) -> frozenset[str]:
    """Return the elements with hidden content that are opened more often than closed."""
    open_elements = Counter[str]()
    for closing, name in _HIDDEN_TAG.findall(html):
        open_elements[name.lower()] += -1 if closing else 1
    return frozenset(name for name, count in open_elements.items() if count > 0)


def text_to_html(text: str) -> str:
    """Return plain text as HTML paragraphs, split at blank lines."""
    parts = _collapse_lines(compose(strip_forbidden(text))).split("\n\n")
    return "".join(f"<p>{escape_text(part)}</p>" for part in parts if part)


def html_to_text(html: str) -> str:
    """Return sanitized HTML as plain text.

    Args:
        html: HTML as `sanitize_html` returns it.

    Returns:
        The text, with captions and without images and embeds. A blank line separates blocks; a line feed separates list
        items, table rows and lines ended by `<br>`. White space is collapsed, and no-break spaces become plain ones.
    """
    return _collapse_lines(_strip_tags(" ".join(html.split())))


def make_teaser(html: str) -> str:
    """Return the beginning of a sanitized body as one paragraph of HTML: whole words, up to 300 characters."""
    text = " ".join(html_to_text(html).split())
    if len(text) <= TEASER_CHARACTERS:
        return text_to_html(text)
    start, blank, _ = text[: TEASER_CHARACTERS + 1].rpartition(" ")
    return text_to_html(f"{start if blank else text[:TEASER_CHARACTERS]}…")


TEASER_CHARACTERS: Final = 300


def word_count(text: str) -> int:
    """Return the number of words of a text.

    Args:
        text: Plain text.

    Returns:
        The number of parts between spaces or dashes that have a letter or a digit ("dell'auto" and "1.500" are one
        word each); in Chinese and Japanese, which have no spaces, each character counts as a word.
    """
    ideographs = 0
    if not text.isascii() and _NOT_COUNTED_BY_SPACES.search(text):
        text, ideographs = _IDEOGRAPH.subn(" ", _DASH.sub(" ", strip_invisible(text)))
    words = text.split()
    # Most words are letters and digits only, which this finds without a call for each.
    signs = sum(1 for word in filterfalse(str.isalnum, words) if not _LETTER_OR_DIGIT.search(word))
    return ideographs + len(words) - signs


def body_word_count(html: str) -> int:
    """Return the number of words of sanitized HTML: the `word_count` of its text."""
    return word_count(_strip_tags(html))


def reading_minutes(words: int) -> int:
    """Return the reading time of a number of words in minutes, at 200 words a minute, rounded up."""
    return -(-words // WORDS_PER_MINUTE)


def _strip_tags(html: str) -> str:
    """Return the text of sanitized HTML, with white space between blocks and lines."""
    return unescape(_TAG.sub(_separator, html))


def _separator(tag: re.Match[str]) -> str:
    return (_SEPARATORS_AFTER if tag[1] else _SEPARATORS_BEFORE).get(tag[2], "")


def _collapse_lines(text: str) -> str:
    """Collapse the white space of each line, and several blank lines to one."""
    lines: list[str] = []
    for line in text.split("\n"):
        collapsed = " ".join(line.split())
        if collapsed or (lines and lines[-1]):
            lines.append(collapsed)
    return "\n".join(lines).rstrip("\n")
