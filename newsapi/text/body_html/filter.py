"""Filtering of a body: elements and attributes that are not allowed go, and what goes with content is recorded."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import unquote

from newsapi.text.body_html.context import HtmlContext
from newsapi.text.body_html.policy import (
    CONTAINER,
    REMOVED_ELEMENTS,
    REQUIRED_ATTRIBUTES,
    allowed_element,
    filter_attributes,
)
from newsapi.text.body_html.tree import Child, Node

ANCHOR: Final = "#anchor"
"""The name of a node that holds the `id` of an element that was left out, until another element has it."""

_ID = re.compile(r"[^\s\"'<>&=`#%]{1,100}")
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_WITHOUT_ID: Final = frozenset({"br", "iframe", "img"})
# Raw text: the content is not part of the body, even if the element is never closed.
_RAW: Final = frozenset({"script", "style", "textarea", "title", "noembed", "noframes"})


def filter_body(children: Sequence[Child], context: HtmlContext) -> list[Child]:
    """Return a body with allowed elements and attributes only.

    Containers have the name CONTAINER. An `id` is kept on headings, and wherever a link of the body leads to it.

    Args:
        children: The body.
        context: The context of the body, which records what is removed.

    Returns:
        The filtered body; its elements are nested as before.
    """
    return _Filter(context, set(_targets(children))).filter(children)


def _targets(children: Iterable[Child]) -> Iterator[str]:
    """Yield the ids that the links of a body lead to."""
    for child in children:
        if isinstance(child, Node):
            href = child.attributes.get("href", "").strip()
            if child.name == "a" and href.startswith("#"):
                yield href[1:]
                yield unquote(href[1:])
            yield from _targets(child.children)


class _Filter:
    def __init__(self, context: HtmlContext, targets: set[str]) -> None:
        self._context, self._targets = context, targets
        self._used_ids: set[str] = set()

    def filter(self, children: Sequence[Child]) -> list[Child]:
        filtered: list[Child] = []
        for child in children:
            if isinstance(child, str):
                filtered.append(child)
            else:
                filtered += self._filter_node(child)
        return filtered

    def _filter_node(self, node: Node) -> list[Child]:
        if node.name in REMOVED_ELEMENTS:
            return self._remove(node)
        id_ = self._id(node)
        children = self.filter(node.children)
        name = allowed_element(node.name)
        if name == CONTAINER:
            return [Node(name, id_, children)]
        attributes = filter_attributes(name, node.attributes, self._context) if name else None
        if name is None or attributes is None:
            self._record_left_out(node, children)
            return [Node(ANCHOR, id_), *children] if id_ else children
        if id_ and name in _WITHOUT_ID:
            return [Node(ANCHOR, id_), Node(name, attributes, children)]
        return [Node(name, id_ | attributes, children)]

    def _remove(self, node: Node) -> list[Child]:
        """Return the content of a removed element that was never closed, which may be the rest of the article."""
        detail = node.attributes.get("src") or node.attributes.get("href") or node.name
        self._context.remove(REMOVED_ELEMENTS[node.name], detail)
        return self.filter(node.children) if node.name in self._context.unclosed - _RAW else []

    def _record_left_out(self, node: Node, children: Sequence[Child]) -> None:
        """Record an element that is left out, if that loses more than its appearance."""
        required = REQUIRED_ATTRIBUTES.get(node.name)
        value = node.attributes.get(required, "").strip() if required else ""
        if value not in {"", "#"}:
            self._context.remove({"a": "link", "img": "image"}.get(node.name, "embed"), value)
        elif "-" in node.name and not children:
            self._context.remove("element", node.name)

    def _id(self, node: Node) -> dict[str, str]:
        """Return the `id` of an element as an attribute, or no attribute if nothing needs it."""
        names = [node.attributes.get("id", "")]
        if node.name == "a":
            names.append(node.attributes.get("name", ""))
        for id_ in names:
            is_needed = id_ in self._targets or (node.name in _HEADINGS and bool(id_))
            if is_needed and id_ not in self._used_ids and _ID.fullmatch(id_):
                self._used_ids.add(id_)
                return {"id": id_}
        return {}
