"""The HTML of an article body: sanitizing, conversion to and from text, word count and reading time."""

import re
from typing import Final

import nh3

from newsapi.text import html_policy
from newsapi.text.characters import decode_text, strip_forbidden
from newsapi.text.html_tokens import tokenize_html
from newsapi.text.html_writer import HtmlWriter

WORDS_PER_MINUTE: Final = 200
_MAX_PASSES: Final = 6

# A second, independent sanitizer: a full HTML parser, which sees only the output of the first.
_CLEANER = nh3.Cleaner(
    tags=set(html_policy.ALLOWED_ELEMENTS),
    clean_content_tags={"script", "style"},
    attributes=html_policy.allowed_attributes(),
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer",
)

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)[^<>]*+>")
_LINE_ELEMENTS: Final = ("br", "caption", "dd", "dt", "li", "tr")
_BLOCK_SEPARATORS: Final = dict.fromkeys(html_policy.BLOCK_ELEMENTS.difference(_LINE_ELEMENTS), "\n\n")
_SEPARATORS_BEFORE: Final = _BLOCK_SEPARATORS | dict.fromkeys(_LINE_ELEMENTS, "\n") | {"td": " ", "th": " "}
_SEPARATORS_AFTER: Final = _BLOCK_SEPARATORS | {"caption": "\n"}

_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_DASH = re.compile("[\u2012-\u2015\u2026]")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def sanitize_html(html: str, *, base: str, embed_hosts: frozenset[str]) -> str:
    """Return the HTML of a body in a safe and normalized form.

    Args:
        html: HTML of any kind.
        base: The absolute URL that relative URLs are resolved against.
        embed_hosts: The hosts, in lower case, from which https iframes are kept; each includes its subdomains.

    Returns:
        HTML of a small set of elements and attributes, strictly nested, with absolute URLs and without scripts, styles,
        comments and control characters. The result is stable: sanitizing it again with the same base and hosts does not
        change it.
    """
    context = html_policy.HtmlContext(base, embed_hosts)
    before = html
    for _ in range(_MAX_PASSES):
        after = _CLEANER.clean(_sanitize_once(before, context))
        if after == before:
            return after
        before = after
    # Not known to happen: two passes have always been enough. Plain paragraphs are stable in any case.
    return text_to_html(html_to_text(before))


def text_to_html(text: str) -> str:
    """Return plain text as HTML paragraphs, split at blank lines."""
    return "".join(f"<p>{_escape(part)}</p>" for part in _collapse_lines(strip_forbidden(text)).split("\n\n") if part)


def html_to_text(html: str) -> str:
    """Return sanitized HTML as plain text.

    Args:
        html: HTML as `sanitize_html` returns it.

    Returns:
        The text, with captions and without images and embeds. A blank line separates blocks; a line feed separates list
        items, table rows and lines ended by `<br>`. White space is collapsed, and no-break spaces become plain ones.
    """
    text = _TAG.sub(_separator, " ".join(html.split()))
    return _collapse_lines(decode_text(text))


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
    if not text.isascii():
        text, ideographs = _IDEOGRAPH.subn(" ", _DASH.sub(" ", text))
    return ideographs + sum(1 for word in text.split() if word.isalnum() or _LETTER_OR_DIGIT.search(word))


def reading_minutes(words: int) -> int:
    """Return the reading time of a number of words in minutes, at 200 words a minute, rounded up."""
    return -(-words // WORDS_PER_MINUTE)


def _sanitize_once(html: str, context: html_policy.HtmlContext) -> str:
    writer = HtmlWriter()
    for text, closing, source_name, attributes_source in tokenize_html(strip_forbidden(html)):
        if text:
            writer.text(_escape(decode_text(text)))
        name = html_policy.allowed_element(source_name)
        if name is None:
            continue
        if closing:
            writer.end(name)
        else:
            _write_start_tag(writer, name, html_policy.start_tag(name, attributes_source, context))
    return writer.finish()


def _write_start_tag(writer: HtmlWriter, name: str, tag: str | None) -> None:
    if tag is None:
        return
    if name == "iframe":
        writer.void(name, f"{tag}</iframe>")
    elif name in html_policy.VOID_ELEMENTS:
        writer.void(name, tag)
    else:
        writer.start(name, tag)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


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
