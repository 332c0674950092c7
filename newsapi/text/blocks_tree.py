"""Cleaned HTML as a tree, as blocks are read from it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from newsapi.text.allowed import VOID
from newsapi.text.tokens import tokens

_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*+)"')
_SPACE = re.compile(r"[ \t\n]+")
# Written with every link and every embed, whatever came in.
_ADDED: Final = frozenset({"rel", "sandbox", "loading"})


class NotThisKind(Exception):
    """The element does not fit the kind of block that was tried."""


@dataclass(slots=True)
class Node:
    """An element: its name, its attributes as they were written, and what is inside, text as it was written."""

    name: str
    written: str
    children: "list[Node | str]" = field(default_factory=list)

    def attributes(self) -> dict[str, str]:
        found = _ATTRIBUTE.findall(self.written) if self.written else ()
        return {name: unescape(value) for name, value in found if name not in _ADDED}

    def elements(self) -> "list[Node]":
        """Answer the elements inside; raises NotThisKind if there are words between them."""
        if any(isinstance(child, str) and not is_blank(child) for child in self.children):
            raise NotThisKind
        return [child for child in self.children if isinstance(child, Node)]

    def __str__(self) -> str:
        start = f"<{self.name}{self.written}>"
        return start if self.name in VOID else f"{start}{''.join(map(str, self.children))}</{self.name}>"


def folded(text: str) -> str:
    """Make single spaces of white space; nearly all text has no other, and telling so is much faster."""
    return _SPACE.sub(" ", text) if "\n" in text or "\t" in text or "  " in text else text


def is_blank(child: Node | str) -> bool:
    """Whether it is white space that says nothing."""
    return isinstance(child, str) and not child.strip(" \t\n")


def sole(children: Sequence[Node | str]) -> Node | None:
    """Answer the element that is alone here, but for white space; None if there is none or more."""
    filled = [child for child in children if not is_blank(child)]
    return filled[0] if len(filled) == 1 and isinstance(filled[0], Node) else None


def tree(html: str) -> list[Node | str]:
    """Read cleaned HTML, which is nested strictly: an end tag closes what was opened last."""
    root = Node("", "")
    open_ = [root]
    for text, closing, name, written in tokens(html):
        if text:
            open_[-1].children.append(text)
        if closing:
            open_.pop()
        elif name:
            node = Node(name, written)
            open_[-1].children.append(node)
            if name not in VOID:
                open_.append(node)
    return root.children
