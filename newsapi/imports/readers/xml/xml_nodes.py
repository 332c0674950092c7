"""Parsing of the elements of a file with lxml, and access to their children by usual names.

Text that is no well-formed XML but has one meaning only is repaired first: HTML entities, ampersands that begin no
reference, forbidden characters. What lxml then repairs further is told by `Parsed.fault`. Nothing is fetched, and there
are no entities to expand, because document type declarations are removed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from html.entities import html5
from typing import Any, Final, NamedTuple, TypeAlias

from lxml import etree

from newsapi.imports.readers.xml.text_decoding import repair_bytes
from newsapi.imports.readers.xml.xml_splitter import DOCTYPE

_LxmlObject: TypeAlias = Any
"""An element or a parser of lxml, which has no types."""

_USUAL_NAMESPACES: Final = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "excerpt": "http://wordpress.org/export/1.2/excerpt/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "wp": "http://wordpress.org/export/1.2/",
    "xlink": "http://www.w3.org/1999/xlink",
}
"""Namespaces of prefixes that a file uses without declaring them."""

_PREFIXES: Final = {
    "http://www.w3.org/2005/atom": "atom_",
    "http://purl.org/rss/1.0/modules/content/": "content_",
    "http://purl.org/dc/elements/1.1/": "dc_",
    "http://purl.org/dc/elements/1.0/": "dc_",
    "http://purl.org/dc/terms/": "dcterms_",
    "http://search.yahoo.com/mrss/": "media_",
    "http://search.yahoo.com/mrss": "media_",
    "http://video.search.yahoo.com/mrss": "media_",
    "http://video.search.yahoo.com/mrss/": "media_",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes_",
    "http://www.w3.org/2007/app": "app_",
    "http://purl.org/atom/app#": "app_",
    "http://purl.org/syndication/thread/1.0": "thr_",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner_",
    "http://schemas.google.com/blogger/2018": "blogger_",
    "http://www.w3.org/1999/xhtml": "xhtml_",
    "http://www.georss.org/georss": "georss_",
    "http://purl.org/rss/1.0/modules/slash/": "slash_",
    "http://wellformedweb.org/commentapi/": "wfw_",
    "http://purl.org/rss/1.0/modules/syndication/": "sy_",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf_",
}
_PLAIN_NAMESPACES: Final = (
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/",
    "http://channel.netscape.com/",
    "http://backend.userland.com/",
    "http://blogs.law.harvard.edu/",
    "http://cyber.law.harvard.edu/",
    "http://purl.org/net/rss1.1#",
    "http://www.rssboard.org/",
)
"""Namespaces of RSS itself; their elements have no prefix."""

_WORDPRESS: Final = re.compile(r"https?://(?:www\.)?wordpress\.org/export/", re.IGNORECASE)
_SECTION_MARK: Final = re.compile(r"<!\[CDATA\[|<!--|<\?")
_TERMINATORS: Final = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
_UNTERMINATED: Final = {"<![CDATA[": "", "<!--": "&lt;!--", "<?": "&lt;?"}
"""What is put in place of the mark of a section that has no end."""

# Characters that XML 1.0 forbids (section 2.2), without the surrogates of invalid bytes.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udc7f\udd00-\udfff\ufffe\uffff]")
# C1 controls, which no text means: windows-1252 that was taken for ISO 8859-1 before it was encoded.
_C1_CONTROL: Final = re.compile("[\x80-\x84\x86-\x9f]")
_SUSPECT: Final = re.compile(
    r"&(?:#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});|[A-Za-z][A-Za-z0-9]{1,31};)?|<(?![A-Za-z_/!?:])"
)
_HTML_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*", re.ASCII)
_DECLARATION: Final = re.compile(r"<\?xml\s[^<>]*\?>")
"""The XML declaration, whose encoding is not that of the decoded text."""

_XML_ENTITIES: Final = frozenset({"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"})
_XML_BASE: Final = "{http://www.w3.org/XML/1998/namespace}base"
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"


class XmlNode:
    """An element. Names of elements have the usual prefix of their namespace: `content_encoded`, `wp_post_id`."""

    __slots__ = ("_children", "_element")

    def __init__(self, element: _LxmlObject) -> None:
        self._element = element
        self._children: dict[str, list[XmlNode]] | None = None

    @property
    def name(self) -> str:
        """The name with the usual prefix."""
        return _usual_name(self._element.tag)

    @property
    def base(self) -> str:
        """The attribute `xml:base`, or ""."""
        return (self._element.get(_XML_BASE) or "").strip()

    @property
    def language(self) -> str:
        """The attribute `xml:lang`, or ""."""
        return (self._element.get(_XML_LANG) or "").strip()

    @property
    def children(self) -> Mapping[str, list[XmlNode]]:
        """The child elements by name, each in the order of the file."""
        if self._children is None:
            self._children = {}
            for child in self._element:
                self._children.setdefault(_usual_name(child.tag), []).append(XmlNode(child))
        return self._children

    def get(self, attribute: str, default: str = "") -> str:
        """Return the value of an attribute without namespace."""
        return (self._element.get(attribute) or default).strip()

    @property
    def is_empty(self) -> bool:
        """Whether the element has neither text nor attributes."""
        return not self._element.attrib and not self.content

    def all(self, *names: str) -> list[XmlNode]:
        """Return the children with a name, or with one of several."""
        children = self.children
        return [child for name in names if name in children for child in children[name]]

    def find(self, *names: str) -> XmlNode | None:
        """Return the first child with the first name that occurs, or None."""
        return next(iter(self.all(*names)), None)

    def text(self, *names: str) -> str:
        """Return the text of the first child, of the first name, that has one; "" if there is none."""
        children = self.children
        for name in names:
            for child in children.get(name, ()):
                if text := child.content:
                    return text
        return ""

    @property
    def content(self) -> str:
        """The text of the element and of all elements in it, without surrounding white space."""
        if not len(self._element):
            return (self._element.text or "").strip()
        return "".join(self._element.itertext()).strip()

    def descendants(self) -> Iterator[XmlNode]:
        """Iterate over all elements within this one, in the order of the file."""
        for element in self._element.iterdescendants():
            yield XmlNode(element)

    def inner_html(self) -> str:
        """Return the content as HTML: its text, which is HTML, or else the elements in it, serialized."""
        if not len(self._element):
            return (self._element.text or "").strip()
        parts = [html.escape(self._element.text or "", quote=False)]
        for child in self._element:
            for element in child.iter():
                name = element.tag.rpartition("}")[2].rpartition(":")[2]
                element.tag = name if _HTML_NAME.fullmatch(name) else "span"
            # A copy, because the namespaces that ancestors declare would be written too.
            parts.append(etree.tostring(deepcopy(child), encoding="unicode", method="html"))
        return "".join(parts).strip()


class Parsed(NamedTuple):
    """A parsed element, or None if it could not be parsed; and what was wrong with its XML."""

    node: XmlNode | None
    fault: str | None


class ElementParser:
    """Parses elements in the namespaces that the beginning of their file declares."""

    def __init__(self, namespaces: Mapping[str | None, str] | None = None) -> None:
        self._namespaces = _USUAL_NAMESPACES | {prefix or "": uri for prefix, uri in (namespaces or {}).items()}
        declarations = "".join(
            f' xmlns{":" if prefix else ""}{prefix}="{html.escape(uri)}"'
            for prefix, uri in self._namespaces.items()
            if uri and prefix != "xml"
        )
        self._start_tag = f"<_{declarations}>"
        self._parser = _parser()

    def parse(self, text: str) -> Parsed:
        """Parse the text of an element.

        Args:
            text: The element with its tags, as it stands in the file.

        Returns:
            The element, and the fault of its XML if it is repaired with a possible loss.
        """
        repaired, has_invalid_bytes = repair(text)
        data = f"{self._start_tag}{repaired}</_>".encode()
        fault = "has bytes that are invalid in the encoding of the file" if has_invalid_bytes else None
        wrapper = _parse(data, self._parser)
        # An undeclared prefix loses nothing: the name keeps it.
        errors = [error for error in self._parser.error_log if error.domain_name != "NAMESPACE"]
        if errors:
            fault = f"is not well-formed XML ({errors[0].message[:200]})"
        element = (
            next((child for child in wrapper if isinstance(child.tag, str)), None) if wrapper is not None else None
        )
        return Parsed(None if element is None else XmlNode(element), fault)


def parse_document(text: str) -> XmlNode | None:
    """Parse the beginning and the end of a file, from which its records were taken; None if it is no XML."""
    root = _root(text)
    return None if root is None else XmlNode(root)


def namespaces_of(text: str) -> dict[str | None, str]:
    """Return the namespaces by prefix at the end of the beginning of a file: those of its root and of its channel."""
    root = _root(text)
    if root is None:
        return {}
    namespaces: dict[str | None, str] = dict(root.nsmap)
    for child in root:
        if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == "channel":
            namespaces |= child.nsmap
    return namespaces


def _root(text: str) -> _LxmlObject:
    """Return the root of a document or of its beginning; an unknown or missing namespace of a feed is replaced."""
    repaired = _DECLARATION.sub("", repair(text)[0], count=1).strip()
    root = _parse(repaired.encode())
    if root is None:
        return None
    namespace, _, name = root.tag.rpartition("}")
    namespace = namespace.removeprefix("{")
    if name == "feed" and not namespace:
        return _parse(
            re.sub(r"<feed(?=[\s>])", f'<feed xmlns="{_USUAL_NAMESPACES["atom"]}"', repaired, count=1).encode()
        )
    if namespace and _prefix(namespace) == "other_":
        return _parse(re.sub(rf"xmlns\s*=\s*([\"']){re.escape(namespace)}\1", "", repaired).encode())
    return root


def repair(text: str) -> tuple[str, bool]:
    """Repair text that is no XML but has one meaning only.

    Args:
        text: Text of the file.

    Returns:
        The text with references for HTML entities, escaped ampersands, without forbidden characters and document type
        declarations; and whether invalid bytes were read as windows-1252.
    """
    decoded = repair_bytes(text) if not text.isascii() else text
    has_invalid_bytes = decoded != text
    if not decoded.replace("\n", "").replace("\t", "").isprintable():
        decoded = _C1_CONTROL.sub(_read_as_windows_1252, _FORBIDDEN.sub("", decoded))
    parts = _split_sections(decoded)
    parts[::2] = [_repair_markup(part) for part in parts[::2]]
    return "".join(parts), has_invalid_bytes


def _split_sections(text: str) -> list[str]:
    """Split a text at its CDATA sections, comments and instructions, which have the odd indexes of the result."""
    parts: list[str] = []
    outside: list[str] = []
    absent: set[str] = set()
    position = 0
    while match := _SECTION_MARK.search(text, position):
        mark = match[0]
        outside.append(text[position : match.start()])
        end = -1 if mark in absent else text.find(_TERMINATORS[mark], match.end())
        if end < 0:
            absent.add(mark)
            outside.append(_UNTERMINATED[mark])
            position = match.end()
        else:
            position = end + len(_TERMINATORS[mark])
            parts += ["".join(outside), text[match.start() : position]]
            outside = []
    return [*parts, "".join([*outside, text[position:]])]


def _repair_markup(text: str) -> str:
    """Repair text outside of CDATA sections and comments."""
    start = text.find("<!DOCTYPE")
    if start >= 0 and (doctype := DOCTYPE.match(text, start)):
        text = f"{text[:start]}{text[doctype.end() :]}"
    if "]]>" in text:
        text = text.replace("]]>", "]]&gt;")
    return _SUSPECT.sub(_repair_reference, text)


def _read_as_windows_1252(control: re.Match[str]) -> str:
    return bytes([ord(control[0])]).decode("cp1252", "ignore")


def _repair_reference(match: re.Match[str]) -> str:
    source = match[0]
    if source in _XML_ENTITIES:
        return source
    if source == "<":
        return "&lt;"
    if source.startswith("&#") or source[1:] in html5:
        text = html.unescape(source)  # numbers from 128 to 159 mean windows-1252, as in HTML
        return html.escape(_FORBIDDEN.sub("", text), quote=False)
    return f"&amp;{source[1:]}"


def _parser() -> _LxmlObject:
    return etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )


def _parse(data: bytes, parser: _LxmlObject | None = None) -> _LxmlObject:
    """Return the root of a document, well-formed or not; None if nothing of it can be read."""
    try:
        return etree.fromstring(data, parser or _parser())
    except etree.XMLSyntaxError:
        return None


@lru_cache(maxsize=2_000)
def _usual_name(tag: object) -> str:
    """Return a name with the usual prefix of its namespace, for a name in lxml's notation, `{namespace}name`."""
    if not isinstance(tag, str):
        return ""
    namespace, _, local = tag.rpartition("}")
    return _prefix(namespace.removeprefix("{")) + local.replace(":", "_")


def _prefix(namespace: str) -> str:
    if namespace.startswith("http://purl.org/atom/ns#"):
        return "atom_"
    if not namespace or namespace.lower().startswith(_PLAIN_NAMESPACES):
        # The modules of RSS 1.0 have addresses that begin with that of RSS 1.0.
        return _PREFIXES.get(namespace.lower(), "other_" if "/modules/" in namespace else "")
    if _WORDPRESS.match(namespace):
        return "excerpt_" if "excerpt" in namespace else "wp_"
    return _PREFIXES.get(namespace.lower(), "other_")
