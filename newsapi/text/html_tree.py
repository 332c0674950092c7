"""Sanitized HTML as a tree, from which blocks are parsed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from newsapi.text.html_policy import VOID_ELEMENTS
from newsapi.text.html_tokens import tokenize_html

_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*+)"')
_SPACE = re.compile(r"[ \t\n]+")
# Written to every link and every embed; not part of the content.
_FORCED_ATTRIBUTES: Final = frozenset({"rel", "sandbox", "loading"})


class BlockTypeMismatch(Exception):
    """The element does not fit the block type that was tried."""


@dataclass(slots=True)
class Node:
    """An element: its name, the source of its attributes, and its content, with text as source."""

    name: str
    source: str
    children: "list[Node | str]" = field(default_factory=list)

    def attributes(self) -> dict[str, str]:
        pairs = _ATTRIBUTE.findall(self.source) if self.source else ()
        return {name: unescape(value) for name, value in pairs if name not in _FORCED_ATTRIBUTES}

    def elements(self) -> "list[Node]":
        """Return the child elements; raise BlockTypeMismatch if there is text between them."""
        if any(isinstance(child, str) and not is_blank(child) for child in self.children):
            raise BlockTypeMismatch
        return [child for child in self.children if isinstance(child, Node)]

    def __str__(self) -> str:
        start = f"<{self.name}{self.source}>"
        return start if self.name in VOID_ELEMENTS else f"{start}{''.join(map(str, self.children))}</{self.name}>"


def collapse_whitespace(text: str) -> str:
    """Replace each run of white space by one space."""
    # Nearly all text has single spaces only, and testing for this is much faster than the substitution.
    return _SPACE.sub(" ", text) if "\n" in text or "\t" in text or "  " in text else text


def is_blank(child: Node | str) -> bool:
    """Return whether a child is text of white space only."""
    return isinstance(child, str) and not child.strip(" \t\n")


def only_child(children: Sequence[Node | str]) -> Node | None:
    """Return the only child if it is an element, white space aside; else None."""
    significant = [child for child in children if not is_blank(child)]
    return significant[0] if len(significant) == 1 and isinstance(significant[0], Node) else None


def parse_tree(html: str) -> list[Node | str]:
    """Parse sanitized HTML, in which an end tag always closes the element that was opened last."""
    root = Node("", "")
    open_ = [root]
    for text, closing, name, attributes_source in tokenize_html(html):
        if text:
            open_[-1].children.append(text)
        if closing:
            open_.pop()
        elif name:
            node = Node(name, attributes_source)
            open_[-1].children.append(node)
            if name not in VOID_ELEMENTS:
                open_.append(node)
    return root.children
