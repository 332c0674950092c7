"""HTML of media by their addresses: players, images and links."""

from __future__ import annotations

import html

from newsapi.imports.readers.media_kinds import file_kind
from newsapi.text.embeds import find_player


def render_file(url: str, kind: str, poster: str = "") -> str:
    """Return a figure with a player of an audio or video file; of a known video page, its own player."""
    if find_player(url):
        return render_url(url)
    poster_attribute = f' poster="{html.escape(poster)}"' if poster else ""
    return f'<figure><{kind} controls src="{html.escape(url)}"{poster_attribute}></{kind}></figure>'


def render_url(url: str) -> str:
    """Return the player of a known video or audio URL, the image or the file of another one, else a link."""
    player = find_player(url)
    if player:
        return f'<figure><iframe src="{html.escape(player)}"></iframe></figure>'
    kind = file_kind(url)
    if kind in {"audio", "video"}:
        return render_file(url, kind)
    if kind == "image":
        return f'<figure><img src="{html.escape(url)}"></figure>'
    return f'<p><a href="{html.escape(url)}">{html.escape(url)}</a></p>'
