"""An HTML writer that nests elements strictly: which element closes which, and what a table cell needs around it.

Browsers repair broken nesting by rules that parse the same markup differently a second time (HTML standard, 13.2.6);
harmless text can become a script in this way (mutation XSS). The output of this writer needs no repair: every start tag
has its end tag, a paragraph contains no block, a table contains rows, and no element is deeper than 32 levels.
"""

from typing import Final

from newsapi.text.html_policy import BLOCK_ELEMENTS, INLINE_ELEMENTS, TABLE_PARTS

MAX_DEPTH: Final = 32
# A table needs four levels: the table, its body, a row, a cell.
_TABLE_DEPTH: Final = MAX_DEPTH - 4

_HEADINGS: Final = frozenset({"h2", "h3", "h4"})
_CELLS: Final = frozenset({"td", "th", "caption"})
_GROUPS: Final = frozenset({"tbody", "thead", "tfoot"})
_TEXTLESS: Final = frozenset({"table", "tr"}) | _GROUPS
_TABLE: Final = frozenset({"table"})
# An element outside a cell is never closed from inside it.
_CONTAINERS: Final = _CELLS | _TEXTLESS
_LISTS: Final = _CONTAINERS | {"ul", "ol"}
_TERMS: Final = frozenset({"dt", "dd"})
_CLOSED_BY: Final = {
    **dict.fromkeys(_HEADINGS, (_HEADINGS, _CONTAINERS)),
    **dict.fromkeys(_TERMS, (_TERMS, _CONTAINERS | {"dl"})),
    "li": (frozenset({"li"}), _LISTS),
    "a": (frozenset({"a"}), _CONTAINERS),
}
_PARAGRAPH: Final = frozenset({"p"})


class HtmlWriter:
    """Writes HTML piece by piece, and keeps track of the open elements, the innermost last."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._open_names: list[str] = []
        self._open_tags: list[str] = []

    def finish(self) -> str:
        """Close the open elements and return the whole HTML."""
        self._close_to(0)
        return "".join(self._pieces)

    def text(self, escaped: str) -> None:
        """Write escaped text; directly in a table or a row, it opens a cell."""
        if self._pieces and self._pieces[-1] == "<pre>":
            # A parser drops the line feed after the tag; if there were a second one, the next parser would drop it.
            escaped = escaped.lstrip("\n")
        if not escaped:
            return
        if self._open_names and self._open_names[-1] in _TEXTLESS and escaped.strip(" \t\n"):
            self._cell()
        self._pieces.append(escaped)

    def void(self, name: str, tag: str) -> None:
        """Write an element without content."""
        if self._open_names and self._open_names[-1] in _TEXTLESS:
            self._cell()
        if name in BLOCK_ELEMENTS:
            self._close(_PARAGRAPH, _CONTAINERS)
        self._pieces.append(tag)

    def start(self, name: str, tag: str) -> None:
        """Open an element and close those that cannot contain it; leave it out if it would be too deep."""
        if name in TABLE_PARTS:
            self._part(name, tag)
            return
        if len(self._open_names) >= (_TABLE_DEPTH if name == "table" else MAX_DEPTH):
            return
        if self._open_names and self._open_names[-1] in _TEXTLESS:
            self._cell()
        if name in BLOCK_ELEMENTS:
            self._close(_PARAGRAPH, _CONTAINERS)
        if name in _CLOSED_BY:
            self._close(*_CLOSED_BY[name])
        self._push(name, tag)

    def end(self, name: str) -> None:
        """Close an element, if it is open here.

        Inline elements that are open inside a closed inline element are opened again after it, as in a browser.
        """
        position = self._find({name}, _TABLE if name == "table" or name in TABLE_PARTS else _CONTAINERS)
        if position < 0:
            return
        reopened: list[tuple[str, str]] = []
        if name in INLINE_ELEMENTS:
            inner = zip(self._open_names[position + 1 :], self._open_tags[position + 1 :], strict=True)
            reopened = [(inner_name, tag) for inner_name, tag in inner if inner_name in INLINE_ELEMENTS]
        self._close_to(position)
        for inner_name, tag in reopened:
            self._push(inner_name, tag)

    def _part(self, name: str, tag: str) -> None:
        """Open a part of a table; leave it out if no table is open."""
        table = self._find(_TABLE, frozenset())
        if table < 0:
            return
        if name == "tr":
            self._row(tag)
        elif name == "caption" or name in _GROUPS:
            self._close_to(table + 1)
            self._push(name, tag)
        else:
            row = self._find({"tr"}, _TABLE)
            if row < 0:
                self._row("<tr>")
            else:
                self._close_to(row + 1)
            self._push(name, tag)

    def _row(self, tag: str) -> None:
        group = self._find(_GROUPS, _TABLE)
        if group < 0:
            self._close_to(self._find(_TABLE, frozenset()) + 1)
            self._push("tbody", "<tbody>")
        else:
            self._close_to(group + 1)
        self._push("tr", tag)

    def _cell(self) -> None:
        """Open a cell, and the missing group and row around it, for content that only a cell can contain."""
        self._part("td", "<td>")

    def _find(self, names: frozenset[str] | set[str], containers: frozenset[str]) -> int:
        """Return the position of the innermost open element of these names; -1 if a container comes first."""
        for position in range(len(self._open_names) - 1, -1, -1):
            if self._open_names[position] in names:
                return position
            if self._open_names[position] in containers:
                break
        return -1

    def _close(self, names: frozenset[str], containers: frozenset[str]) -> None:
        position = self._find(names, containers)
        if position >= 0:
            self._close_to(position)

    def _close_to(self, depth: int) -> None:
        while len(self._open_names) > depth:
            name = self._open_names.pop()
            self._open_tags.pop()
            if name != "p" or not self._remove_empty_paragraph():
                self._pieces.append(f"</{name}>")

    def _remove_empty_paragraph(self) -> bool:
        """Remove an empty paragraph, which container elements and stray end tags leave; return whether it was one."""
        start = len(self._pieces) - 1
        while start >= 0 and not self._pieces[start].strip(" \t\n"):
            start -= 1
        if self._pieces[start] != "<p>":
            return False
        del self._pieces[start]
        if self._pieces[max(start - 1, 0) : start] == ["<pre>"]:
            del self._pieces[start:]
        return True

    def _push(self, name: str, tag: str) -> None:
        self._open_names.append(name)
        self._open_tags.append(tag)
        self._pieces.append(tag)
