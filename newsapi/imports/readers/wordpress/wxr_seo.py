"""Settings for search engines that WordPress plugins store with a post: Yoast, Rank Math, All in One SEO, SEOPress."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from newsapi.imports.readers.terms import Record, html_to_line, resolve_http_url
from newsapi.imports.record_notes import Omission

_TITLES: Final = ("_yoast_wpseo_title", "rank_math_title", "_aioseop_title", "_aioseo_title", "_seopress_titles_title")
_DESCRIPTIONS: Final = (
    "_yoast_wpseo_metadesc",
    "rank_math_description",
    "_aioseop_description",
    "_aioseo_description",
    "_seopress_titles_desc",
)
_CANONICAL: Final = (
    "_yoast_wpseo_canonical",
    "rank_math_canonical_url",
    "_aioseop_custom_link",
    "_seopress_robots_canonical",
)
_DIRECTIVES: Final = {
    "_yoast_wpseo_meta-robots-noindex": ("1", "noindex"),
    "_yoast_wpseo_meta-robots-nofollow": ("1", "nofollow"),
    "_aioseop_noindex": ("on", "noindex"),
    "_aioseop_nofollow": ("on", "nofollow"),
    "_seopress_robots_index": ("yes", "noindex"),
    "_seopress_robots_follow": ("yes", "nofollow"),
    "_genesis_noindex": ("1", "noindex"),
}
"""The value with which a setting means a directive of the `robots` meta element."""

_DIRECTIVE_LISTS: Final = ("_yoast_wpseo_meta-robots-adv", "rank_math_robots")
_DIRECTIVE: Final = re.compile(r"\b(noindex|nofollow|noarchive|nosnippet|noimageindex|none)\b")
_VARIABLE: Final = re.compile(r"%%?([A-Za-z_]{2,40})(?:\([^()%]{0,60}\))?%%?")
_SEPARATORS: Final = " -–—|·•»:"


def read_seo(meta: Mapping[str, str], headline: str, site_title: str) -> tuple[Record, list[Omission]]:
    """Return the members `seo` and `canonical_url` of a post.

    Args:
        meta: The post's custom fields.
        headline: What variables for the title of the post stand for.
        site_title: What variables for the title of the site stand for.

    Returns:
        The members that the post has, and what is left out: texts with variables that are not known.
    """
    omissions: list[Omission] = []
    variables = {
        **dict.fromkeys(("title", "post_title"), headline),
        **dict.fromkeys(("sitename", "site_title", "sitetitle"), site_title),
        **dict.fromkeys(("sep", "separator"), "-"),
        **dict.fromkeys(("page", "sitedesc", "tagline", "excerpt"), ""),
    }
    title = _text(meta, _TITLES, variables, omissions)
    description = _text(meta, _DESCRIPTIONS, variables, omissions)
    robots = ", ".join(_directives(meta)) or None
    canonical = next((url for name in _CANONICAL if (url := resolve_http_url(meta.get(name)))), None)
    record: Record = {"canonical_url": canonical}
    if title or description or robots:
        record["seo"] = {"title": title and title[:500], "description": description and description[:2_000]}
        record["seo"]["robots"] = robots
    return record, omissions


def _text(
    meta: Mapping[str, str], names: tuple[str, ...], variables: Mapping[str, str], omissions: list[Omission]
) -> str | None:
    source = next((text for name in names if (text := meta.get(name, "").strip())), "")
    if not source:
        return None
    unknown = [match[1] for match in _VARIABLE.finditer(source) if match[1].lower() not in variables]
    if unknown:
        omissions.append(Omission("search engine text", source))
        return None
    filled = _VARIABLE.sub(lambda match: variables[match[1].lower()], source)
    return (html_to_line(filled) or "").strip(_SEPARATORS) or None


def _directives(meta: Mapping[str, str]) -> dict[str, None]:
    """Return the directives of the `robots` meta element, in a fixed order."""
    found = {directive for name, (value, directive) in _DIRECTIVES.items() if meta.get(name) == value}
    for name in _DIRECTIVE_LISTS:
        found.update(_DIRECTIVE.findall(meta.get(name, "")))
    order = ("noindex", "nofollow", "noarchive", "nosnippet", "noimageindex", "none")
    return dict.fromkeys(directive for directive in order if directive in found)
