"""Languages in files of other systems."""

from newsapi.text.languages import canonicalize_tag


def read_language(*texts: str) -> str | None:
    """Return the first language tag of several texts that is well-formed; `it_IT` counts too."""
    return next((tag for text in texts if (tag := canonicalize_tag(text.strip().replace("_", "-")))), None)
