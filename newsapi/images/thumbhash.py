"""ThumbHash: about 25 bytes from which clients draw a blurred image until the file is loaded.

The format is that of https://evanw.github.io/thumbhash/: a discrete cosine transform of a few coefficients in each of
the channels lightness, yellow-blue, red-green and alpha. The transform is computed for rows and then for columns, which
takes a tenth of the multiplications.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, floor, pi
from typing import Final, NamedTuple

MAX_SIDE: Final = 100
"""Maximum width and height in pixels of an image to encode."""

Pixel = tuple[int, int, int, int]
"""Red, green, blue and alpha, from 0 to 255."""
_Channel = list[float]


class _Coefficients(NamedTuple):
    """A transformed channel: the constant part, the others from 0 to 1, and the factor by which they were divided."""

    constant: float
    others: list[float]
    scale: float


def average_color(pixels: Sequence[Pixel]) -> tuple[float, float, float] | None:
    """Return the average colour from 0 to 1, weighted by alpha; None if all pixels are transparent."""
    weight = sum(alpha for *_, alpha in pixels)
    if not weight:
        return None
    red, green, blue = (sum(pixel[index] * pixel[3] for pixel in pixels) / weight / 255 for index in range(3))
    return red, green, blue


def encode(width: int, height: int, pixels: Sequence[Pixel]) -> bytes:
    """Return the ThumbHash of an image.

    Args:
        width: Width in pixels, at most MAX_SIDE.
        height: Height in pixels, at most MAX_SIDE.
        pixels: The pixels, row by row.
    """
    has_alpha = any(alpha < 255 for *_, alpha in pixels)
    lightness, yellow_blue, red_green, alpha = _channels(pixels)
    longest, limit = max(width, height), 5 if has_alpha else 7
    across, down = (max(1, _round(limit * side / longest)) for side in (width, height))

    def transform(channel: _Channel, columns: int, rows: int) -> _Coefficients:
        return _transform(channel, width, height, columns, rows)

    first = transform(lightness, max(3, across), max(3, down))
    second, third = transform(yellow_blue, 3, 3), transform(red_green, 3, 3)
    parts = [first, second, third]
    is_landscape = width > height
    header = _round(63 * first.constant) | _round(31.5 + 31.5 * second.constant) << 6
    header |= _round(31.5 + 31.5 * third.constant) << 12 | _round(31 * first.scale) << 18 | has_alpha << 23
    shape = (down if is_landscape else across) | _round(63 * second.scale) << 3
    shape |= _round(63 * third.scale) << 9 | is_landscape << 15
    encoded = bytearray(header.to_bytes(3, "little") + shape.to_bytes(2, "little"))
    if has_alpha:
        last = transform(alpha, 5, 5)
        encoded.append(_round(15 * last.constant) | _round(15 * last.scale) << 4)
        parts.append(last)
    digits = [_round(15 * value) for part in parts for value in part.others]
    if len(digits) % 2:
        digits.append(0)
    encoded.extend(low | high << 4 for low, high in zip(digits[::2], digits[1::2], strict=True))
    return bytes(encoded)


def _channels(pixels: Sequence[Pixel]) -> tuple[_Channel, _Channel, _Channel, _Channel]:
    """Return lightness, yellow-blue, red-green and alpha of each pixel, with the average colour as background."""
    background = average_color(pixels) or (0.0, 0.0, 0.0)
    channels: tuple[_Channel, _Channel, _Channel, _Channel] = ([], [], [], [])
    for *colors, alpha in pixels:
        opacity = alpha / 255
        red, green, blue = (
            base * (1 - opacity) + opacity / 255 * color for base, color in zip(background, colors, strict=True)
        )
        for channel, value in zip(
            channels, ((red + green + blue) / 3, (red + green) / 2 - blue, red - green, opacity), strict=True
        ):
            channel.append(value)
    return channels


def _transform(channel: _Channel, width: int, height: int, columns: int, rows: int) -> _Coefficients:
    """Return the coefficients of a channel within a triangle of `columns` and `rows`."""
    across = [[cos(pi / width * column * (x + 0.5)) for x in range(width)] for column in range(columns)]
    lines = [channel[start : start + width] for start in range(0, width * height, width)]
    by_column = [[sum(map(float.__mul__, line, factors)) for line in lines] for factors in across]
    constant, others = 0.0, []
    for row in range(rows):
        factors = [cos(pi / height * row * (y + 0.5)) for y in range(height)]
        for column in range(columns):
            if column * rows >= columns * (rows - row):
                break
            value = sum(map(float.__mul__, by_column[column], factors)) / (width * height)
            if row or column:
                others.append(value)
            else:
                constant = value
    scale = max(map(abs, others), default=0.0)
    return _Coefficients(constant, [0.5 + 0.5 / scale * value for value in others] if scale else others, scale)


def _round(value: float) -> int:
    """Round halves up, as the format does."""
    return floor(value + 0.5)
