"""Resizes the images of the demo to the sizes that responses link to, and keeps the results on disk.

Only these sizes are made, so that requests cannot fill the disk or occupy the processor with others.
"""

from __future__ import annotations

import os
import threading
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from newsapi.content.presentation.renditions import SIZES, WIDTHS

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_FOLDER_BYTES: Final = 64 << 20
"""Maximum size of all files that are kept; the oldest are deleted first."""

FOCAL_STEPS: Final = 10
"""Number of steps to which a focal point is rounded in each direction."""

_SIZES: Final = frozenset((width, height) for _, width, height in SIZES)
_ENCODINGS: Final = {"image/webp": ("WEBP", {"quality": 75}), "image/jpeg": ("JPEG", {"quality": 80})}


class ResizedPicture(NamedTuple):
    """A resized image: the content of its file, and its media type."""

    content: bytes
    media_type: str


class PictureResizer:
    """Resizes images and keeps the results in a folder. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        """Store the folder, which is created when the first image is kept."""
        self._folder = folder
        self._lock = threading.Lock()

    def resize(
        self, file: Path, size: tuple[int, int], focal: tuple[float, float], *, accepts_webp: bool
    ) -> ResizedPicture | None:
        """Return an image in a size; None for a size that no response links to.

        Args:
            file: A JPEG file.
            size: Width and height in pixels.
            focal: The focal point, from 0 to 1, around which the image is cropped.
            accepts_webp: Whether the client accepts WebP, which is used where it is smaller.
        """
        from PIL import Image  # noqa: PLC0415 (optional)

        with self._lock, Image.open(file) as image:
            width, height = size
            scaled_height = max(1, round(width * image.height / image.width))
            is_scaled = width in WIDTHS and height == scaled_height
            if width > image.width or height > image.height or not (is_scaled or size in _SIZES):
                return None
            steps = [round(part * FOCAL_STEPS) for part in focal]
            crop = centering(image.size, size, (steps[0] / FOCAL_STEPS, steps[1] / FOCAL_STEPS))
            name = "{}-{}x{}-{}-{}".format(file.stem, *size, *steps)
            media_types = ("image/webp", "image/jpeg") if accepts_webp else ("image/jpeg",)
            pictures = [ResizedPicture(self._get(image, name, type_, size, crop), type_) for type_ in media_types]
        return min(pictures, key=lambda picture: len(picture.content))

    def _get(self, image: Image, name: str, media_type: str, size: tuple[int, int], crop: tuple[float, float]) -> bytes:
        """Return the file of a resized image, which is made if it is not kept."""
        from PIL import ImageOps  # noqa: PLC0415 (optional)

        path = self._folder / f"{name}.{media_type.partition('/')[2]}"
        if path.is_file():
            return path.read_bytes()
        format_, options = _ENCODINGS[media_type]
        image.draft("RGB", size)  # a JPEG is decoded in an eighth, a quarter or half of its size where that suffices
        content = BytesIO()
        ImageOps.fit(image.convert("RGB"), size, centering=crop).save(content, format_, **options)
        self._folder.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        new.write_bytes(content.getvalue())
        new.replace(path)  # another process may read it
        self._delete_oldest()
        return content.getvalue()

    def _delete_oldest(self) -> None:
        """Delete the oldest files beyond the maximum size of the folder."""
        files = []
        for path in self._folder.iterdir():
            try:
                files.append((path.stat().st_mtime, path.stat().st_size, path))
            except FileNotFoundError:
                continue  # another process has deleted it
        excess = sum(size for _, size, _ in files) - MAX_FOLDER_BYTES
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size


def centering(original: tuple[int, int], size: tuple[int, int], focal: tuple[float, float]) -> tuple[float, float]:
    """Return where a crop lies so that the focal point is as near to its centre as the image allows.

    Args:
        original: Width and height of the image.
        size: Width and height of the result.
        focal: The focal point, from 0 to 1.

    Returns:
        The part of what is cut off that is cut at the left and at the top, from 0 to 1.
    """
    scale = min(original[0] / size[0], original[1] / size[1])
    parts = []
    for whole, side, point in zip(original, size, focal, strict=True):
        visible = side * scale
        free = whole - visible
        parts.append(min(1.0, max(0.0, (point * whole - visible / 2) / free)) if free > 0 else 0.5)
    return parts[0], parts[1]
