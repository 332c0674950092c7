"""Whether a client accepts the media type of a response (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=512)
def is_acceptable(accept: str, media_type: str) -> bool:
    """Return whether an `Accept` header admits a media type.

    `application/json` admits types such as `application/feed+json`, and `application/xml` and `text/xml` those that end
    with `+xml`. A header without any well-formed range admits everything.

    Args:
        accept: Value of the `Accept` header.
        media_type: Value of the `Content-Type` header.
    """
    names = _names_of(media_type.partition(";")[0].strip().lower())
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (text.strip() for text in part.split(";"))
        if "/" not in name:
            continue
        weight = next((text.removeprefix("q=") for text in parameters if text.startswith("q=")), "1")
        try:
            weights[name] = float(weight)
        except ValueError:
            weights[name] = 1.0
    if not weights:
        return True
    return next((weights[name] for name in names if name in weights), 0.0) > 0


def _names_of(media_type: str) -> list[str]:
    """Return the ranges that admit a media type, the most specific one first."""
    suffix = media_type.rpartition("+")[2] if "+" in media_type else media_type.rpartition("/")[2]
    plain = [f"application/{suffix}", *(["text/xml"] if suffix == "xml" else [])]
    return [media_type, *plain, f"{media_type.partition('/')[0]}/*", "*/*"]
