"""The nesting of elements: what closes what, and what a table needs around a cell.

A browser repairs broken nesting by rules that read the same markup differently a second time (HTML standard, 13.2.6);
that is how harmless text becomes a script on its second way through a parser. Here elements are nested strictly while
they are written, so that there is nothing left to repair: every start tag has its end tag, a paragraph holds no block,
a table holds rows, and nothing is deeper than 32.
"""

from typing import Final

from newsapi.text.allowed import BLOCKS, INLINE, TABLE_PARTS

DEPTH: Final = 32
# A table takes four levels at once: itself, its body, a row, a cell.
_TABLE_DEPTH: Final = DEPTH - 4

_HEADINGS: Final = frozenset({"h2", "h3", "h4"})
_CELLS: Final = frozenset({"td", "th", "caption"})
_GROUPS: Final = frozenset({"tbody", "thead", "tfoot"})
_BARE: Final = frozenset({"table", "tr"}) | _GROUPS
_TABLE: Final = frozenset({"table"})
# Nothing outside a cell is closed from inside it.
_FENCE: Final = _CELLS | _BARE
_LISTS: Final = _FENCE | {"ul", "ol"}
_TERMS: Final = frozenset({"dt", "dd"})
_CLOSED_BY: Final = {
    **dict.fromkeys(_HEADINGS, (_HEADINGS, _FENCE)),
    **dict.fromkeys(_TERMS, (_TERMS, _FENCE | {"dl"})),
    "li": (frozenset({"li"}), _LISTS),
    "a": (frozenset({"a"}), _FENCE),
}
_PARAGRAPH: Final = frozenset({"p"})


class Nesting:
    """Markup as it is written: what stands, and which elements are open, the innermost last."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._written: list[str] = []
        self._open: list[str] = []
        self._tags: list[str] = []

    def finish(self) -> str:
        """Close what is open and answer the whole."""
        self._close_to(0)
        return "".join(self._written)

    def text(self, escaped: str) -> None:
        """Write text, in a cell if a table is open."""
        if self._written and self._written[-1] == "<pre>":
            # A parser drops the line feed that follows the tag; a second one would be dropped at the next reading.
            escaped = escaped.lstrip("\n")
        if not escaped:
            return
        if self._open and self._open[-1] in _BARE and escaped.strip(" \t\n"):
            self._cell()
        self._written.append(escaped)

    def void(self, name: str, tag: str) -> None:
        """Write an element that has no content."""
        if self._open and self._open[-1] in _BARE:
            self._cell()
        if name in BLOCKS:
            self._close(_PARAGRAPH, _FENCE)
        self._written.append(tag)

    def start(self, name: str, tag: str) -> None:
        """Open an element and close what cannot hold it; what would be too deep is left out."""
        if name in TABLE_PARTS:
            self._part(name, tag)
            return
        if len(self._open) >= (_TABLE_DEPTH if name == "table" else DEPTH):
            return
        if self._open and self._open[-1] in _BARE:
            self._cell()
        if name in BLOCKS:
            self._close(_PARAGRAPH, _FENCE)
        if name in _CLOSED_BY:
            self._close(*_CLOSED_BY[name])
        self._push(name, tag)

    def end(self, name: str) -> None:
        """Close an element, if it is open here.

        Inline elements that were opened inside another and are still open go on after it, as in a browser.
        """
        place = self._find({name}, _TABLE if name == "table" or name in TABLE_PARTS else _FENCE)
        if place < 0:
            return
        go_on: list[tuple[str, str]] = []
        if name in INLINE:
            inner = list(zip(self._open[place + 1 :], self._tags[place + 1 :], strict=True))
            go_on = [(other, tag) for other, tag in inner if other in INLINE]
        self._close_to(place)
        for other, tag in go_on:
            self._push(other, tag)

    def _part(self, name: str, tag: str) -> None:
        """Open a part of a table; without a table it is left out."""
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
        """Open what is missing between a table and something that only a cell can hold."""
        self._part("td", "<td>")

    def _find(self, names: frozenset[str] | set[str], fence: frozenset[str]) -> int:
        """Find the innermost open element of these names, not looking beyond the fence; -1 if there is none."""
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place] in names:
                return place
            if self._open[place] in fence:
                break
        return -1

    def _close(self, names: frozenset[str], fence: frozenset[str]) -> None:
        place = self._find(names, fence)
        if place >= 0:
            self._close_to(place)

    def _close_to(self, depth: int) -> None:
        while len(self._open) > depth:
            name = self._open.pop()
            self._tags.pop()
            if name != "p" or not self._forget_empty_paragraph():
                self._written.append(f"</{name}>")

    def _forget_empty_paragraph(self) -> bool:
        """Take back a paragraph in which nothing was written: left by boxes and by end tags without a start."""
        start = len(self._written) - 1
        while start >= 0 and not self._written[start].strip(" \t\n"):
            start -= 1
        if self._written[start] != "<p>":
            return False
        del self._written[start]
        if self._written[max(start - 1, 0) : start] == ["<pre>"]:
            del self._written[start:]
        return True

    def _push(self, name: str, tag: str) -> None:
        self._open.append(name)
        self._tags.append(tag)
        self._written.append(tag)
