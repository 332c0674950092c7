"""Links of a body that lead to articles of ours: found by their addresses, marked with the article's id."""

import re
from collections.abc import Iterable, Mapping
from html import unescape
from string import Formatter
from typing import Final

from newsapi.text.slugs import is_slug, is_uuid

ID: Final = "data-article-id"

# Attributes as `clean` writes them: in double quotes, and no quote inside.
_LINK = re.compile(r'<a((?: [a-z-]+="[^"]*+")*+)>')
_HREF = re.compile(r' href="([^"]*+)"')
WRITTEN_ID: Final = re.compile(rf' {ID}="([^"]*+)"')
_END = re.compile(r'(?= rel="noopener noreferrer"$)|$')

_PLACES: Final = {
    "slug": "[a-z0-9-]+",
    "id": "[0-9a-fA-F-]{36}",
    "section": "[^/?#&]+",
    "brand": "[^/?#&]+",
}
_TAIL: Final = r"/?(?:[?#&].*)?"


class OwnLinks:
    """Knows the addresses that articles have: made once from their templates."""

    def __init__(self, templates: Iterable[str]) -> None:
        """Take addresses with {slug} or {id} in them, and perhaps {section} and {brand}."""
        self._addresses = [re.compile(_pattern(template) + _TAIL) for template in templates]

    def names(self, html: str) -> set[str]:
        """Answer the slugs and ids of all articles that links of a cleaned body lead to, ours or not."""
        found = set()
        for link in _LINK.finditer(html):
            found.update(self._named(link[1]))
        return found

    def marked(self, html: str, ids: Mapping[str, object]) -> str:
        """Write the id of its article into every link that leads to one, and into no other.

        In: a cleaned body; the ids of articles by what `names` answered, as far as readers may know of them.
        """

        def mark(link: re.Match[str]) -> str:
            written = link[1]
            id_ = next((ids[name] for name in self._named(written) if name in ids), None)
            bare = WRITTEN_ID.sub("", written)
            if id_ is not None:
                bare = _END.sub(f' {ID}="{id_}"', bare, count=1)
            return f"<a{bare}>"

        return _LINK.sub(mark, html)

    def _named(self, written: str) -> list[str]:
        """What a link may name: by its address, or else by the id that it came with."""
        href, given = _HREF.search(written), WRITTEN_ID.search(written)
        address = unescape(href[1]) if href else ""
        places = [found.groupdict() for pattern in self._addresses if (found := pattern.fullmatch(address))]
        named = [text.lower() for place in places for text in (place.get("id"), place.get("slug")) if text]
        return [text for text in (*named, *((given[1],) if given else ())) if is_slug(text) or is_uuid(text)]


def _pattern(template: str) -> str:
    """A template as a pattern: http and https are one, and what comes twice is the same twice."""
    pattern, seen = "", set()
    for text, name, _, _ in Formatter().parse(template):
        pattern += re.escape(text)
        if name is not None:
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{_PLACES[name]})"
            seen.add(name)
    return re.sub(r"\Ahttps?:", "https?:", pattern)
