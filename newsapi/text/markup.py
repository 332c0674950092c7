"""The body of an article: made clean on the way in, read as text, and measured."""

import re
from typing import Final

import nh3

from newsapi.text import allowed
from newsapi.text.characters import decoded, printable
from newsapi.text.nesting import Nesting
from newsapi.text.tokens import tokens

WORDS_PER_MINUTE: Final = 200
_PASSES: Final = 6

# The second guard, and an independent one: a full parser of HTML, which sees only what was written by the first.
_GUARD = nh3.Cleaner(
    tags=set(allowed.ELEMENTS),
    clean_content_tags={"script", "style"},
    attributes=allowed.names(),
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer",
)

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)[^<>]*+>")
_LINES: Final = ("br", "caption", "dd", "dt", "li", "tr")
_BLOCK: Final = dict.fromkeys(allowed.BLOCKS.difference(_LINES), "\n\n")
_BEFORE: Final = _BLOCK | dict.fromkeys(_LINES, "\n") | {"td": " ", "th": " "}
_AFTER: Final = _BLOCK | {"caption": "\n"}

_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_DASH = re.compile("[\u2012-\u2015\u2026]")
_SOUNDED = re.compile(r"[^\W_]")


def clean(html: str, *, base: str, embed_hosts: frozenset[str]) -> str:
    """Make the HTML of a body safe and tidy.

    In: HTML of any kind; the absolute address that relative ones refer to; the hosts whose https iframes may stay
    (lower case; each stands for its subdomains too). Out: HTML of a small set of elements and attributes, strictly
    nested, addresses absolute, without scripts, styles, comments and control characters.
    It is stable: what was cleaned once is not changed by cleaning it again, with the same base and hosts.
    """
    page = allowed.Page(base, embed_hosts)
    before = html
    for _ in range(_PASSES):
        after = _GUARD.clean(_rewritten(before, page))
        if after == before:
            return after
        before = after
    # Not known to happen: two passes have always been enough. Better plain paragraphs than markup that never rests.
    return paragraphs(to_text(before))


def paragraphs(text: str) -> str:
    """Write plain text as HTML: what a blank line separates becomes paragraphs."""
    return "".join(f"<p>{_escaped(part)}</p>" for part in _lines(printable(text)).split("\n\n") if part)


def to_text(html: str) -> str:
    """Read cleaned HTML as plain text.

    A blank line separates blocks, a line feed separates list items, rows and what a `<br>` breaks; white space is
    folded, no-break spaces are plain ones. Captions are text; pictures and embeds are not.
    """
    text = _TAG.sub(_separator, " ".join(html.split()))
    return _lines(decoded(text))


def teaser(html: str) -> str:
    """Answer the beginning of a cleaned body as one plain paragraph: whole words, up to 300 characters."""
    text = " ".join(to_text(html).split())
    if len(text) <= TEASER:
        return paragraphs(text)
    start, blank, _ = text[: TEASER + 1].rpartition(" ")
    return paragraphs(f"{start if blank else text[:TEASER]}…")


TEASER: Final = 300


def word_count(text: str) -> int:
    """Count words as a reader does.

    What stands between spaces or dashes is one word if there is a letter or a digit in it ("dell'auto", "1.500");
    in Chinese and Japanese, which write no spaces, each character is one.
    """
    ideographs = 0
    if not text.isascii():
        text, ideographs = _IDEOGRAPH.subn(" ", _DASH.sub(" ", text))
    return ideographs + sum(1 for word in text.split() if word.isalnum() or _SOUNDED.search(word))


def reading_minutes(words: int) -> int:
    """Answer how many minutes it takes to read so many words, at 200 a minute, rounded up; no words take none."""
    return -(-words // WORDS_PER_MINUTE)


def _rewritten(html: str, page: allowed.Page) -> str:
    nesting = Nesting()
    for text, closing, written_name, written in tokens(printable(html)):
        if text:
            nesting.text(_escaped(decoded(text)))
        name = allowed.element(written_name)
        if name is None:
            continue
        if closing:
            nesting.end(name)
        else:
            _open(nesting, name, allowed.start_tag(name, written, page))
    return nesting.finish()


def _open(nesting: Nesting, name: str, tag: str | None) -> None:
    if tag is None:
        return
    if name == "iframe":
        nesting.void(name, f"{tag}</iframe>")
    elif name in allowed.VOID:
        nesting.void(name, tag)
    else:
        nesting.start(name, tag)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def _separator(tag: re.Match[str]) -> str:
    return (_AFTER if tag[1] else _BEFORE).get(tag[2], "")


def _lines(text: str) -> str:
    """Fold the white space of each line, and leave one blank line where there are several."""
    kept: list[str] = []
    for line in text.split("\n"):
        folded = " ".join(line.split())
        if folded or (kept and kept[-1]):
            kept.append(folded)
    return "\n".join(kept).rstrip("\n")
