"""HTML as a tree, parsed as a browser parses it (HTML standard, 13.2), and trees as HTML in one notation.

The parser is lexbor, through selectolax. Its tree is copied once into plain nodes, which the sanitizer changes and from
which blocks are read.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsapi.text.body_html.limits import is_markup, limit_nesting
from newsapi.text.characters import compose, strip_forbidden

VOID_ELEMENTS: Final = frozenset({"br", "hr", "img"})
"""The elements without content that sanitized HTML can have."""

MAX_TREE_DEPTH: Final = 150
"""Levels of a tree, so that functions may call themselves for each level; deeper elements are put on the last one."""

_SPACE = re.compile(r"[ \t\n]+")


@dataclass(slots=True)
class Node:
    """An element: its name in lower case, its attributes and its content, with all character references decoded."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Node | str]" = field(default_factory=list)

    def elements(self) -> "list[Node]":
        """Return the child elements; text between them is ignored."""
        return [child for child in self.children if isinstance(child, Node)]

    def descendants(self) -> "Iterator[Node]":
        """Yield the elements inside this one in document order."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            if node is not self:
                yield node
            stack += [child for child in reversed(node.children) if isinstance(child, Node)]

    def text(self) -> str:
        """Return the text of this element and of those inside it."""
        texts: list[str] = []
        stack: list[Child] = [self]
        while stack:
            child = stack.pop()
            if isinstance(child, str):
                texts.append(child)
            else:
                stack += reversed(child.children)
        return "".join(texts)


Child = Node | str


def parse_fragment(html: str) -> list[Child]:
    """Parse HTML as the content of a body.

    Args:
        html: HTML of any kind; it need not be well-formed.

    Returns:
        Elements and text in document order, without comments, declarations and forbidden characters. Text is composed
        (Unicode NFC). A text that cannot be parsed is returned as it is.
    """
    html = strip_forbidden(html)
    if not is_markup(html):
        return [compose(html)]
    parser = LexborHTMLParser(limit_nesting(html), is_fragment=True)
    root = Node("")
    # Without character references, texts and attribute values are parts of the source, which is clean already.
    clean = _clean if "&" in html or compose(html) != html else str
    stack: list[tuple[LexborNode | None, Node, int]] = [(parser.root, root, 0)]
    while stack:
        source, parent, depth = stack.pop()
        while source is not None:
            name = source.tag
            if name == "-text":  # the names of nodes that are not elements begin with a hyphen
                if text := clean(source.text_content or ""):
                    parent.children.append(text)
            elif name and name[0] != "-":
                node = Node(name, {key: clean(value or "") for key, value in source.attributes.items()})
                parent.children.append(node)
                child = source.child
                if child is not None:
                    stack.append((source.next, parent, depth))
                    source, depth = child, depth + 1
                    parent = node if depth <= MAX_TREE_DEPTH else parent
                    continue
            source = source.next
    return root.children


def _clean(text: str) -> str:
    return text if text.isascii() and text.isprintable() else compose(strip_forbidden(text))


def serialize(children: Iterable[Child]) -> str:
    """Return elements and text as HTML: attributes in double quotes, references only where they are needed."""
    return "".join(map(_serialize, children))


def _serialize(child: Child) -> str:
    if isinstance(child, str):
        return escape_text(child)
    attributes = "".join(f' {name}="{escape_attribute(value)}"' for name, value in child.attributes.items())
    if child.name in VOID_ELEMENTS:
        return f"<{child.name}{attributes}>"
    return f"<{child.name}{attributes}>{serialize(child.children)}</{child.name}>"


def escape_text(text: str) -> str:
    """Return plain text as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def escape_attribute(value: str) -> str:
    """Return a text as the value of an attribute in double quotes."""
    return escape_text(value).replace('"', "&quot;")


def collapse_whitespace(text: str) -> str:
    """Replace each run of white space by one space."""
    # Nearly all text has single spaces only, and testing for this is much faster than the substitution.
    return _SPACE.sub(" ", text) if "\n" in text or "\t" in text or "  " in text else text


def is_blank(child: Child) -> bool:
    """Return whether a child is text of white space only."""
    return isinstance(child, str) and not child.strip(" \t\n")


def only_child(children: Sequence[Child]) -> Node | None:
    """Return the only child if it is an element, white space aside; else None."""
    significant = [child for child in children if not is_blank(child)]
    return significant[0] if len(significant) == 1 and isinstance(significant[0], Node) else None
