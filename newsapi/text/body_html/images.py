"""Images of a body: lazy ones, choices of files, backgrounds, and captions in other markup than a figure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from newsapi.text.body_html.context import HtmlContext
from newsapi.text.body_html.tree import Child, Node, is_blank

IMAGE_ELEMENTS: Final = frozenset({"img", "amp-img", "amp-anim"})

_LAZY_ATTRIBUTES: Final = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-hi-res-src", "data-echo")
_LAZY_ATTRIBUTE = re.compile(r"data-[a-z-]*(?:src|original|lazy|lazyload|image)")
_SRCSET_ATTRIBUTES: Final = ("data-srcset", "data-lazy-srcset", "srcset")
_BACKGROUND_ATTRIBUTES: Final = ("data-bg", "data-background-image", "data-background", "data-bg-url", "data-bgset")
_BACKGROUND_ELEMENTS: Final = frozenset("a article aside div figure header li main p section span".split())
_BACKGROUND = re.compile(r"background(?:-image)?\s*+:[^;]*?url\(\s*+([\"']?)(.*?)\1\s*+\)", re.IGNORECASE | re.DOTALL)
_PLACEHOLDER = re.compile(
    r"data:|about:|.*(?:placeholder|blank|spacer|transparent|1x1|pixel|lazy|loading)\b", re.DOTALL
)
_CANDIDATE = re.compile(r"([^\s,]\S*)(?:\s+([0-9]{1,8}(?:\.[0-9]{1,4})?)[wx])?")
_MAX_STYLE_CHARACTERS: Final = 5_000

_CAPTION_BOXES: Final = {"wp-caption": "div", "gallery-item": "dl", "tr-caption-container": "table"}
"""Classes of elements with an image and its caption, and the name of the element: WordPress, its galleries, Blogger."""

_CAPTIONS: Final = frozenset({"wp-caption-text", "gallery-caption", "wp-caption-dd", "tr-caption"})
_BOXES: Final = frozenset({"dd", "dl", "dt", "tbody", "td", "tr"})


def classes(node: Node) -> set[str]:
    """Return the classes of an element."""
    value = node.attributes.get("class")
    return set(value.split()) if value else set()


def image_url(attributes: Mapping[str, str], context: HtmlContext) -> str | None:
    """Return the absolute URL of the file that an image really shows, or None if it has none.

    Args:
        attributes: The attributes of an `img`, or of a `source` in a `picture`.
        context: The context of the body.

    Returns:
        The URL that scripts load later if there is one, else that of `src`, else the largest of `srcset`.
    """
    lazy = [attributes[name] for name in _LAZY_ATTRIBUTES if _is_path(attributes.get(name, ""))]
    sets = [_largest(attributes[name]) for name in _SRCSET_ATTRIBUTES if attributes.get(name)]
    source = attributes.get("src", "").strip()
    if lazy or not source or _PLACEHOLDER.match(source):
        others = [name for name in attributes if _LAZY_ATTRIBUTE.fullmatch(name) and _is_path(attributes[name])]
        return context.first_url([*lazy, *(attributes[name] for name in others), *sets, source])
    return context.first_url([source, *sets])


def known_image_urls(children: Iterable[Child], context: HtmlContext) -> Iterator[str]:
    """Yield the URLs of all images that are not alternatives for browsers without scripts."""
    for child in children:
        if isinstance(child, Node) and child.name != "noscript":
            if child.name in IMAGE_ELEMENTS and (url := image_url(child.attributes, context)):
                yield url
            yield from known_image_urls(child.children, context)


def picture_image(node: Node, context: HtmlContext) -> Node | None:
    """Return the image of a `picture`, with the file of its image or else of its first source that has one."""
    image = next((child for child in node.descendants() if child.name == "img"), Node("img"))
    sources = (child.attributes for child in node.descendants() if child.name == "source")
    urls = [image_url(attributes, context) for attributes in (image.attributes, *sources)]
    url = next(filter(None, urls), None)
    return None if url is None else Node("img", image.attributes | {"src": url})


def background_image(node: Node, context: HtmlContext) -> Node | None:
    """Return the background picture of an element as an image, or None if it has none."""
    if node.name not in _BACKGROUND_ELEMENTS:
        return None
    match = _BACKGROUND.search(node.attributes.get("style", "")[:_MAX_STYLE_CHARACTERS])
    values = [match[2]] if match else []
    values += [node.attributes[name] for name in _BACKGROUND_ATTRIBUTES if _is_path(node.attributes.get(name, ""))]
    url = context.first_url(values)
    if url is None:
        return None
    label = node.attributes.get("aria-label")
    return Node("img", {"src": url} | ({"alt": label} if label else {}))


def captioned_figure(node: Node) -> Node | None:
    """Return an element that holds an image and its caption as a figure; None if it is no such element."""
    box = next((name for name in classes(node) if _CAPTION_BOXES.get(name) == node.name), None)
    if box is None or not any(child.name in {"img", "picture", "amp-img", "iframe"} for child in node.descendants()):
        return None
    content: list[Child] = []
    caption: list[Child] = []
    _sort_content(node, content, caption)
    if caption:
        content.append(Node("figcaption", {}, caption))
    return Node("figure", {}, content)


def _sort_content(node: Node, content: list[Child], caption: list[Child]) -> None:
    for child in node.children:
        if isinstance(child, Node) and _CAPTIONS & classes(child):
            caption += child.children
        elif isinstance(child, Node) and child.name in _BOXES:
            _sort_content(child, content, caption)
        elif not is_blank(child):
            content.append(child)


def gallery_figure(node: Node) -> Node | None:
    """Return a list that is a gallery of WordPress as a figure; None if it is no such list."""
    if node.name not in {"ol", "ul"} or "wp-block-gallery" not in classes(node):
        return None
    figure = Node("figure", {}, [node])
    unwrap_gallery(figure)
    return figure if figure.children[0] is not node else None


def unwrap_gallery(node: Node) -> None:
    """Take the images of a figure out of a list, if the list has nothing but images and their captions."""
    for index, child in enumerate(node.children):
        if isinstance(child, Node) and child.name in {"ul", "ol"} and _is_gallery(child):
            figures = [Node("figure", {}, item.children) for item in child.elements()]
            inner = [only if (only := _only_figure(figure)) else figure for figure in figures]
            node.children[index : index + 1] = inner
            return


def _is_gallery(node: Node) -> bool:
    items = node.elements()
    return bool(items) and all(
        item.name == "li" and all(isinstance(child, Node) or is_blank(child) for child in item.children)
        and any(child.name in {"img", "picture"} for child in item.descendants())
        for item in items
    )  # fmt: skip


def _only_figure(figure: Node) -> Node | None:
    elements = figure.elements()
    return elements[0] if len(elements) == 1 and elements[0].name == "figure" else None


def _is_path(value: str) -> bool:
    """Return whether a value may be a URL, and is not a number or a word that a script reads."""
    return ("/" in value or "." in value) and len(value.split()) == 1


def _largest(srcset: str) -> str:
    """Return the URL of the largest file of a `srcset`."""
    candidates = [
        (float(match[2] or 1), match[1].rstrip(","))
        for part in re.split(r",\s+|,(?=https?:)", srcset[:20_000])
        if (match := _CANDIDATE.match(part.strip()))
    ]
    return max(candidates, default=(0.0, ""), key=lambda candidate: candidate[0])[1]
