"""Internal links: links of a body that lead to own articles, recognized by URL and annotated with the article's id."""

import re
from collections.abc import Iterable, Mapping
from html import unescape
from string import Formatter
from typing import Final

from newsapi.text.slugs import is_slug, is_uuid

ARTICLE_ID_ATTRIBUTE: Final = "data-article-id"

# Attributes as `sanitize_html` writes them: in double quotes, with no quote inside.
_LINK = re.compile(r'<a((?: [a-z-]+="[^"]*+")*+)>')
_HREF = re.compile(r' href="([^"]*+)"')
ARTICLE_ID_PATTERN: Final = re.compile(rf' {ARTICLE_ID_ATTRIBUTE}="([^"]*+)"')
_END = re.compile(r'(?= rel="noopener noreferrer"$)|$')

_VARIABLE_PATTERNS: Final = {
    "slug": "[a-z0-9-]+",
    "id": "[0-9a-fA-F-]{36}",
    "section": "[^/?#&]+",
    "brand": "[^/?#&]+",
}
_TAIL: Final = r"/?(?:[?#&].*)?"


class InternalLinks:
    """Recognizes the URLs of own articles. The patterns are compiled once from the URL templates."""

    def __init__(self, templates: Iterable[str]) -> None:
        """Compile URL templates, which have the variables {slug} or {id}, and optionally {section} and {brand}."""
        self._patterns = [re.compile(_pattern(template) + _TAIL) for template in templates]

    def targets(self, html: str) -> set[str]:
        """Return the slugs and ids that the links of a sanitized body refer to; they need not exist."""
        targets = set()
        for link in _LINK.finditer(html):
            targets.update(self._link_targets(link[1]))
        return targets

    def annotate(self, html: str, ids: Mapping[str, object]) -> str:
        """Return a body in which exactly the links to known articles have a `data-article-id` attribute.

        Args:
            html: A sanitized body.
            ids: Article ids by the slugs and ids that `targets` returned, limited to articles that clients may know.

        Returns:
            The body with the attribute added, replaced or removed.
        """

        def annotate_link(link: re.Match[str]) -> str:
            source = link[1]
            id_ = next((ids[target] for target in self._link_targets(source) if target in ids), None)
            attributes = ARTICLE_ID_PATTERN.sub("", source)
            if id_ is not None:
                attributes = _END.sub(f' {ARTICLE_ID_ATTRIBUTE}="{id_}"', attributes, count=1)
            return f"<a{attributes}>"

        return _LINK.sub(annotate_link, html)

    def _link_targets(self, attributes: str) -> list[str]:
        """Return the slugs and ids that a link may refer to: by its URL first, then by the id that it came with."""
        href, id_attribute = _HREF.search(attributes), ARTICLE_ID_PATTERN.search(attributes)
        url = unescape(href[1]) if href else ""
        targets: list[str] = []
        for pattern in self._patterns:
            match = pattern.fullmatch(url)
            if match is not None:
                variables = match.groupdict()
                targets += [text.lower() for text in (variables.get("id"), variables.get("slug")) if text]
        if id_attribute:
            targets.append(id_attribute[1])
        return [target for target in targets if is_slug(target) or is_uuid(target)]


def _pattern(template: str) -> str:
    """Return a URL template as a pattern: http and https are equal, and a repeated variable has one value."""
    pattern, variables = "", set()
    for text, name, _, _ in Formatter().parse(template):
        pattern += re.escape(text)
        if name is not None:
            pattern += f"(?P={name})" if name in variables else f"(?P<{name}>{_VARIABLE_PATTERNS[name]})"
            variables.add(name)
    return re.sub(r"\Ahttps?:", "https?:", pattern)
