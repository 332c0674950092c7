"""Kinds of media files by the suffix of their address."""

from typing import Final

_KINDS: Final = {
    **dict.fromkeys("jpg jpeg jpe png gif webp avif svg bmp tif tiff heic ico".split(), "image"),
    **dict.fromkeys("mp3 m4a aac ogg oga opus wav flac wma mid".split(), "audio"),
    **dict.fromkeys("mp4 m4v webm ogv mov wmv avi flv mpg mpeg 3gp".split(), "video"),
}


def file_kind(url: str) -> str:
    """Return "image", "audio" or "video" for the URL of a file, by its suffix; "" for others."""
    path = url.partition("?")[0].partition("#")[0]
    return _KINDS.get(path.rpartition("/")[2].rpartition(".")[2].lower(), "")
