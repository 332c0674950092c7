"""Strict nesting of a filtered body: paragraphs without blocks in them, lists of items, no links inside links.

A parser repairs broken nesting by rules that read the same markup differently a second time (HTML standard, 13.2.6);
harmless text can become a script in this way (mutation XSS). What is written from a body that was nested here is parsed
as the same tree again.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from newsapi.text.body_html.context import HtmlContext
from newsapi.text.body_html.filter import ANCHOR
from newsapi.text.body_html.policy import BLOCK_ELEMENTS, CONTAINER, TABLE_PARTS
from newsapi.text.body_html.tree import VOID_ELEMENTS, Child, Node
from newsapi.text.characters import compose

MAX_DEPTH: Final = 32
"""Levels of a body; of deeper elements only the text stays."""

# A table needs four levels: the table, its body, a row, a cell.
_TABLE_DEPTH: Final = MAX_DEPTH - 4

_BLOCKS: Final = BLOCK_ELEMENTS | TABLE_PARTS | {CONTAINER}
_WITHOUT_CONTENT: Final = VOID_ELEMENTS | {ANCHOR, "iframe"}
_HEADINGS: Final = frozenset({"h2", "h3", "h4"})
_TERMS: Final = frozenset({"dd", "dt"})
_GROUPS: Final = frozenset({"tbody", "tfoot", "thead"})
_CELLS: Final = frozenset({"caption", "td", "th"})
_PARENTS: Final = {
    **dict.fromkeys(_GROUPS | {"caption"}, frozenset({"table"})),
    "tr": _GROUPS,
    "td": frozenset({"tr"}),
    "th": frozenset({"tr"}),
}
_TEXTLESS: Final = _GROUPS | {"table", "tr"}
# An element that may not be inside another one of the same group, unless another block is between the two.
_EXCLUSIVE: Final = {**dict.fromkeys(_HEADINGS, "heading"), **dict.fromkeys(_TERMS, "term"), "li": "item"}


class _Position(NamedTuple):
    """Where an element is: its depth, its parent, the exclusive group that it is in, and whether in a link."""

    depth: int = 0
    parent: str = ""
    group: str = ""
    in_link: bool = False

    def inside(self, name: str) -> "_Position":
        """Return the position of what an element contains; containers in a figure are left out."""
        if name == CONTAINER:
            return self._replace(depth=self.depth + 1, parent="figure" if self.parent == "figure" else "p")
        is_transparent = name == "p" or name not in _BLOCKS
        group = self.group if is_transparent else _EXCLUSIVE.get(name, "")
        in_link = (self.in_link or name == "a") and name not in _CELLS
        return _Position(self.depth + 1, name, group, in_link)


def nest_body(children: Sequence[Child], context: HtmlContext) -> list[Child]:
    """Return a filtered body in strict nesting.

    Args:
        children: The body, with containers and anchors.
        context: The context of the body, which records what is left out because it is nested too deep.

    Returns:
        The body without containers and anchors: container elements became paragraphs where they hold text.
    """
    nested, _ = _Nesting(context).nest(children, _Position())
    aliases: dict[str, str] = {}
    waiting = _place_anchors(nested, None, [], aliases)
    last = next((child for child in reversed(nested) if isinstance(child, Node) and child.name in _BLOCKS), None)
    if last is not None:
        _take_ids(last, waiting, aliases)
    if aliases:
        _redirect_links(nested, aliases)
    return _merge_texts(nested)


class _Nesting:
    def __init__(self, context: HtmlContext) -> None:
        self._context = context

    def nest(self, children: Sequence[Child], position: _Position) -> tuple[list[Child], bool]:
        """Return nested children, and whether there are blocks among them or inside them."""
        nested: list[Child] = []
        has_block = False
        for child in children:
            if isinstance(child, str):
                nested.append(child)
            else:
                parts, is_block = self._nest_node(child, position)
                nested += parts
                has_block = has_block or is_block
        return nested, has_block

    def _nest_node(self, node: Node, position: _Position) -> tuple[list[Child], bool]:
        name = node.name
        if name in _WITHOUT_CONTENT:
            return [Node(name, node.attributes)], name == "hr"
        if position.depth >= (_TABLE_DEPTH if name == "table" else MAX_DEPTH):
            return self._flatten(node)
        if self._is_misplaced(name, position):
            name = CONTAINER
        inner, has_block = self.nest(node.children, position.inside(name))
        if name in {CONTAINER, "p"}:
            return _paragraphs(node, inner, position, has_block=has_block)
        if name in _TEXTLESS:
            return _table_part(Node(name, node.attributes, inner)), True
        if (name == "a" and position.in_link) or (name == "figure" and all(map(_is_empty, inner))):
            return [*_anchor(node), *inner], has_block
        return [Node(name, node.attributes, inner)], has_block or name in _BLOCKS

    def _is_misplaced(self, name: str, position: _Position) -> bool:
        """Return whether a parser would close another element before this one, or leave this one out."""
        if name in TABLE_PARTS:
            return position.parent not in _PARENTS[name]
        return name in _EXCLUSIVE and _EXCLUSIVE[name] == position.group

    def _flatten(self, node: Node) -> tuple[list[Child], bool]:
        if any(child.name in {"a", "iframe", "img"} for child in (node, *node.descendants())):
            self._context.remove("nesting", node.name)
        return [node.text()], False


def _anchor(node: Node) -> list[Child]:
    """Return the id of an element that is left out as an anchor."""
    return [Node(ANCHOR, {"id": node.attributes["id"]})] if "id" in node.attributes else []


def _is_empty(child: Child) -> bool:
    return not child.strip(" \t\n") if isinstance(child, str) else child.name == ANCHOR


def _paragraphs(node: Node, inner: list[Child], position: _Position, *, has_block: bool) -> tuple[list[Child], bool]:
    """Return the content of a container or a paragraph: as one paragraph, or as several around the blocks in it."""
    if all(map(_is_empty, inner)):
        return [*_anchor(node), *inner], False
    is_wrapper = node.name == CONTAINER and not any(isinstance(child, str) and child.strip() for child in inner)
    if is_wrapper and position.parent == "figure":
        return [*_anchor(node), *inner], has_block
    if not has_block:
        id_ = {"id": node.attributes["id"]} if "id" in node.attributes else {}
        return [Node("p", id_, inner)], True
    parts: list[Child] = _anchor(node)
    for is_block, group in groupby(inner, _contains_block):
        run = list(group)
        if is_block or all(map(_is_empty, run)):
            parts += run
        else:
            parts.append(Node("p", {}, run))
    return parts, True


def _contains_block(child: Child) -> bool:
    if isinstance(child, str):
        return False
    return child.name in _BLOCKS or any(map(_contains_block, child.children))


def _table_part(node: Node) -> list[Child]:
    """Return a table or a part of it; what it may not contain comes before it."""
    misplaced: list[Child] = []
    parts: list[Child] = []
    for child in node.children:
        is_part = not child.strip(" \t\n") if isinstance(child, str) else node.name in _PARENTS.get(child.name, ())
        (parts if is_part else misplaced).append(child)
    return [*misplaced, Node(node.name, node.attributes, parts)]


def _merge_texts(children: Iterable[Child]) -> list[Child]:
    """Return elements and texts with adjacent texts merged, and without line feeds that a parser drops after `pre`."""
    merged: list[Child] = []
    texts: list[str] = []
    for child in (*children, None):
        if isinstance(child, str):
            texts.append(child)
            continue
        if text := compose("".join(texts)):
            merged.append(text)
        texts.clear()
        if child is not None:
            child.children = _merge_texts(child.children)
            if child.name == "pre" and child.children and isinstance(first := child.children[0], str):
                child.children[:1] = [text] if (text := first.lstrip("\n")) else []
            merged.append(child)
    return merged


def _place_anchors(children: list[Child], block: Node | None, waiting: list[str], aliases: dict[str, str]) -> list[str]:
    """Give the ids of anchors to the block that they are in, else to the next one; return those that still wait."""
    kept: list[Child] = []
    for child in children:
        if isinstance(child, str):
            kept.append(child)
        elif child.name == ANCHOR:
            waiting.append(child.attributes["id"])
            if block is not None:
                waiting = _take_ids(block, waiting, aliases)
        else:
            kept.append(child)
            is_block = child.name in _BLOCKS
            if is_block and child.name not in _TEXTLESS:
                waiting = _take_ids(child, waiting, aliases)
            waiting = _place_anchors(child.children, child if is_block else block, waiting, aliases)
    children[:] = kept
    return waiting


def _take_ids(block: Node, ids: Sequence[str], aliases: dict[str, str]) -> list[str]:
    """Give ids to a block; if it has one already, links to the others are to lead to that one."""
    for id_ in ids:
        if "id" in block.attributes:
            aliases[id_] = block.attributes["id"]
        else:
            block.attributes = {"id": id_, **block.attributes}
    return []


def _redirect_links(children: Iterable[Child], aliases: dict[str, str]) -> None:
    for child in children:
        if isinstance(child, Node):
            href = child.attributes.get("href", "")
            if child.name == "a" and href[1:] in aliases and href.startswith("#"):
                child.attributes["href"] = f"#{aliases[href[1:]]}"
            _redirect_links(child.children, aliases)
