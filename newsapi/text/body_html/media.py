"""Replacement of what scripts, players and frames show in a body by images, links and frames of allowed hosts."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from newsapi.text.body_html.context import HtmlContext
from newsapi.text.body_html.embeds import (
    REPLACEMENTS,
    amp_embed,
    embedded_object,
    is_post,
    link,
    post_url,
    script_url,
    show,
    url_label,
)
from newsapi.text.body_html.images import (
    IMAGE_ELEMENTS,
    background_image,
    captioned_figure,
    classes,
    gallery_figure,
    image_url,
    known_image_urls,
    picture_image,
    unwrap_gallery,
)
from newsapi.text.body_html.tree import Child, Node, is_blank

MAX_CAPTION_CHARACTERS: Final = 2_000
"""Length of the caption of a media file; a longer one is cut off."""

_URL_ALONE = re.compile(r"(\[embed\b[^\[\]<>]{0,200}\])?\s*+(https?://[^\s<>\"'\[\]]++)\s*+(?:\[/embed\])?")
_MAX_URL_PARTS: Final = 3  # white space around it
_URL_BOXES: Final = frozenset({"div", "figure", "p", "section"})
_ALTERNATIVES: Final = frozenset({"a", "audio", "embed", "iframe", "img", "object", "picture", "video"})
_AMP_SCRIPTS: Final = frozenset(
    "amp-ad amp-analytics amp-auto-ads amp-consent amp-pixel amp-social-share amp-sticky-ad".split()
)
# Parts of a player that say nothing without it.
_PARTS: Final = frozenset({"param", "source", "track"})


def replace_media(children: Sequence[Child], context: HtmlContext) -> list[Child]:
    """Return a body in which `img`, `a` and allowed `iframe` elements stand for all media.

    Args:
        children: The body as it was parsed; it is changed.
        context: The context of the body, which records the media files, and what was replaced by a link or removed.

    Returns:
        The new body.
    """
    return _MediaReplacer(context, set(known_image_urls(children, context))).replace(children)


class _MediaReplacer:
    """Replaces media; `images` are the URLs of the images of the body that do not depend on scripts being off."""

    def __init__(self, context: HtmlContext, images: set[str]) -> None:
        self._context, self._images = context, images

    def replace(self, children: Sequence[Child]) -> list[Child]:
        replaced: list[Child] = []
        for child in children:
            if isinstance(child, str):
                replaced.append(child)
            elif child.name not in _PARTS:
                replaced += self._replace_node(child)
        return replaced

    def _replace_node(self, node: Node) -> list[Child]:
        name = node.name
        if name in IMAGE_ELEMENTS or name == "picture":
            return self._image(node)
        if name == "noscript":
            return self._without_scripts(node)
        if name in REPLACEMENTS:
            return self._embed(node)
        if name == "oembed" or name.startswith(("amp-", "fb:")):
            return self._custom_element(node)
        url = script_url(node) if name == "script" else None
        return [link(url) if url else self._element(node)]

    def _image(self, node: Node) -> list[Child]:
        """Return an image with its real URL; record it as removed if it has none."""
        if node.name == "picture":
            image, rest = picture_image(node, self._context), []
        else:
            url = image_url(node.attributes, self._context)
            image = None if url is None else Node("img", node.attributes | {"src": url})
            rest = self.replace(node.children)  # an element of AMP that was not closed
        if image is None:
            self._context.remove("image", node.attributes.get("src") or node.name)
        return [image, *rest] if image else rest

    def _without_scripts(self, node: Node) -> list[Child]:
        """Return the alternative for browsers without scripts if it shows something that is not there otherwise."""
        if not any(child.name in _ALTERNATIVES for child in node.descendants()):
            if text := node.text().strip():
                self._context.remove("noscript", text)
            return []
        urls = set(known_image_urls(node.children, self._context))
        if urls and urls <= self._images:
            return []
        self._images |= urls
        return self.replace(node.children)

    def _embed(self, node: Node) -> list[Child]:
        replacement = REPLACEMENTS[node.name](node, self._context)
        rest = [] if replacement and node.name not in self._context.unclosed else self.replace(node.children)
        if replacement is None and REPLACEMENTS[node.name] is embedded_object and not rest:
            self._context.remove("embed", node.name)
        return [replacement, *rest] if replacement else rest

    def _custom_element(self, node: Node) -> list[Child]:
        if node.name in _AMP_SCRIPTS:
            self._context.remove("script", node.name)
            return []
        replacement = amp_embed(node, self._context)
        rest = self.replace(node.children)
        return [replacement, *rest] if replacement else rest

    def _element(self, node: Node) -> Node:
        if (url := self._url_alone(node)) is not None:
            return url
        if node.name != "figure" and not node.attributes:  # as most elements are
            node.children = self.replace(node.children)
            return node
        node = captioned_figure(node) or gallery_figure(node) or node
        if node.name == "figure":
            unwrap_gallery(node)
        background, post = background_image(node, self._context), post_url(node, self._context)
        media_count = len(self._context.media)
        node.children = self.replace(node.children)
        if background is not None and background.attributes["src"] not in self._images:
            self._images.add(background.attributes["src"])
            node.children.insert(0, background)
        if is_post(node):
            _label_links(node)
        if post is not None:
            node.children.append(show(post, Node("iframe"), self._context))
        if node.name == "figure" and len(self._context.media) == media_count + 1:
            self._caption(node)
        return node

    def _url_alone(self, node: Node) -> Node | None:
        """Return what replaces an element with nothing but a URL: what WordPress would embed there, or a link."""
        if node.name not in _URL_BOXES or not node.children or len(node.children) > _MAX_URL_PARTS:
            return None
        text = [child for child in node.children if not is_blank(child)]
        if len(text) != 1 or not isinstance(text[0], str) or "://" not in text[0]:
            return None
        match = _URL_ALONE.fullmatch(text[0].strip()[:2_100])
        url = self._context.first_url([match[2]]) if match else None
        if match is None or url is None:
            return None
        if match[1] or any(name.startswith("wp-block-embed") for name in classes(node)):
            return show(url, Node("iframe"), self._context)
        node.children = [Node("a", {"href": url}, [text[0].strip()])]
        return node

    def _caption(self, figure: Node) -> None:
        """Set the caption of the media file that was found in a figure."""
        caption = next((child.text() for child in figure.elements() if child.name == "figcaption"), "")
        if text := " ".join(caption.split())[:MAX_CAPTION_CHARACTERS]:
            self._context.media[-1] = replace(self._context.media[-1], caption=text)


def _label_links(post: Node) -> None:
    """Label the links of a post that have no content: a script would have replaced them."""
    for child in post.descendants():
        url = child.attributes.get("href", "")
        if child.name == "a" and url and not child.children:
            child.children = [url_label(url) or url]
