"""URLs of players: which URL shows a video or audio in a frame, and which page a link in place of a frame leads to."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlencode, urlsplit

from newsapi.text.urls import IMAGE_SCHEMES, resolve_embed_url, resolve_url

_YOUTUBE_HOSTS: Final = frozenset({"youtube.com", "m.youtube.com", "music.youtube.com", "youtube-nocookie.com"})
_YOUTUBE_PATHS: Final = frozenset({"e", "embed", "live", "shorts", "v"})
_YOUTUBE_ID = re.compile(r"[\w-]{3,40}", re.ASCII)
_MEDIA_ID = re.compile(r"[A-Za-z0-9]{2,40}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_TIME = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s?)?", re.ASCII)
_SPOTIFY_KINDS: Final = frozenset({"album", "artist", "episode", "playlist", "show", "track"})


def resolve_player_url(value: str, *, base: str, hosts: frozenset[str]) -> str | None:
    """Return the https URL of a player for the URL of a player, of a page with a video, or a short form of it.

    Args:
        value: An attribute value: an absolute, protocol-relative or relative URL.
        base: The URL that relative references are resolved against.
        hosts: The allowed hosts, in lower case; each also allows its subdomains.

    Returns:
        The URL on an allowed host, else None.
    """
    url = resolve_web_url(value, base=base)
    if url is None:
        return None
    secure = f"https:{url.partition(':')[2]}"
    player = find_player(secure)
    candidates = [player, player and player.replace("www.youtube.com/", "www.youtube-nocookie.com/")]
    if player is None or _is_player_path(secure):
        candidates.insert(0, secure)
    allowed = (candidate and resolve_embed_url(candidate, base="", hosts=hosts) for candidate in candidates)
    return next(filter(None, allowed), None)


def resolve_web_url(value: str, *, base: str) -> str | None:
    """Return the absolute http or https URL of an attribute value, or None if there is none."""
    if value.startswith("//"):
        value = f"https:{value}"
    return resolve_url(value, base=base, schemes=IMAGE_SCHEMES)


def find_player(url: str) -> str | None:
    """Return the URL of the player of an absolute URL of YouTube, Vimeo, Dailymotion or Spotify; None for others."""
    parts = _split(url)
    find = _PLAYERS.get(_host(parts))
    return find(parts) if find else None


def page_url(url: str) -> str:
    """Return the URL of the page that a frame shows, if the URL of the frame names it; else the same URL."""
    parts = _split(url)
    host, segments = _host(parts), _segments(parts)
    if host in _YOUTUBE_HOSTS and segments[0] == "embed" and len(segments) == 2 and segments[1] != "videoseries":
        return f"https://www.youtube.com/watch?v={segments[1]}"
    if host == "player.vimeo.com" and segments[0] == "video" and len(segments) == 2:
        return f"https://vimeo.com/{segments[1]}"
    if host == "instagram.com" and len(segments) > 2 and segments[2] == "embed":
        return f"https://www.instagram.com/{segments[0]}/{segments[1]}/"
    if host == "platform.twitter.com" and (post := _parameter(parts, "id")):
        return f"https://twitter.com/i/status/{post}"
    if host == "facebook.com" and segments[0] == "plugins":
        return resolve_web_url(_parameter(parts, "href"), base="") or url
    return url


def _is_player_path(url: str) -> bool:
    """Return whether a URL of a known provider is that of a player already, and not that of a page."""
    segments = _segments(_split(url))
    return segments[0] in {"embed", "player.html"} or (segments[0] == "video" and "player.vimeo.com/" in url)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removeprefix("www.")


def _segments(parts: SplitResult) -> list[str]:
    return [segment for segment in parts.path.split("/") if segment] or [""]


def _parameter(parts: SplitResult, name: str) -> str:
    return parse_qs(parts.query).get(name, [""])[0]


def _youtube(parts: SplitResult) -> str | None:
    segments = _segments(parts)
    if _host(parts) == "youtu.be":
        video = segments[0]
    elif segments[0] in _YOUTUBE_PATHS and len(segments) > 1:
        video = segments[1]
    else:
        video = _parameter(parts, "v")
    # Old embed codes have parameters after "&" without a "?".
    video, _, rest = video.partition("&")
    playlist = _parameter(parts, "list") or parse_qs(rest).get("list", [""])[0]
    if video == "videoseries" or (segments[0] == "playlist" and not video):
        video = "videoseries" if playlist else ""
    if not _YOUTUBE_ID.fullmatch(video):
        return None
    parameters = {"list": playlist, "start": _seconds(_parameter(parts, "start") or _parameter(parts, "t"))}
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"https://www.youtube.com/embed/{video}{'?' if query else ''}{query}"


def _seconds(text: str) -> str:
    """Return a time such as 1m30s in seconds, or "" if there is none."""
    match = _TIME.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    return str(3600 * hours + 60 * minutes + seconds) if hours or minutes or seconds else ""


def _vimeo(parts: SplitResult) -> str | None:
    segments = _segments(parts)
    number = next((index for index, segment in enumerate(segments) if _NUMBER.fullmatch(segment)), -1)
    video = segments[number] if number >= 0 else _parameter(parts, "clip_id")
    if not _NUMBER.fullmatch(video):
        return None
    following = segments[number + 1] if 0 <= number < len(segments) - 1 else _parameter(parts, "h")
    private = f"?h={following}" if _MEDIA_ID.fullmatch(following) else ""
    return f"https://player.vimeo.com/video/{video}{private}"


def _dailymotion(parts: SplitResult) -> str | None:
    segments = _segments(parts)
    if _host(parts) == "dai.ly":
        video = segments[0]
    elif "video" in segments[:-1] or "swf" in segments[:-1]:
        video = segments[-1]
    else:
        video = _parameter(parts, "video")
    video = video.partition("_")[0]  # the title follows the id
    return f"https://www.dailymotion.com/embed/video/{video}" if _MEDIA_ID.fullmatch(video) else None


def _spotify(parts: SplitResult) -> str | None:
    segments = _segments(parts)
    kinds = [index for index, segment in enumerate(segments[:-1]) if segment in _SPOTIFY_KINDS]
    if not kinds or not _MEDIA_ID.fullmatch(segments[kinds[-1] + 1]):
        return None
    return f"https://open.spotify.com/embed/{segments[kinds[-1]]}/{segments[kinds[-1] + 1]}"


_PLAYERS: Final[dict[str, Callable[[SplitResult], str | None]]] = {
    **dict.fromkeys((*_YOUTUBE_HOSTS, "youtu.be"), _youtube),
    **dict.fromkeys(("vimeo.com", "player.vimeo.com"), _vimeo),
    **dict.fromkeys(("dailymotion.com", "dai.ly", "geo.dailymotion.com"), _dailymotion),
    "open.spotify.com": _spotify,
}
