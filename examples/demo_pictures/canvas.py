"""Where the scenes are gathered, and how one becomes a JPEG."""

import io

import cairosvg
from PIL import Image
from scenery import H, W
from vehicles import reset_ids

QUALITY = 63
PICTURES = {}


def add(name, function, width, height):
    """Keep a scene: a function that returns SVG of that size."""
    PICTURES[name] = (function, width, height)


def picture(function):
    """Keep a scene of 1600 x 900 under the name of its function."""
    add(function.__name__.replace("_", "-"), function, W, H)
    return function


def render(name):
    """Draw one picture at twice its size, scale it down and answer the bytes of the JPEG."""
    function, width, height = PICTURES[name]
    reset_ids()
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    big = cairosvg.svg2png(f"{head}{function()}</svg>".encode(), output_width=2 * width, output_height=2 * height)
    image = Image.open(io.BytesIO(big)).convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, progressive=True, optimize=True)
    return out.getvalue()
