"""Draws the pictures of the demo content: one function a scene, one JPEG a scene.

    pip install cairosvg Pillow
    python draw.py                       # all of them, into newsapi/demo/pictures
    python draw.py --only fabbrica       # those whose name has the word in it
    python draw.py --out /tmp/pictures

`vehicles.py` holds the cars, `scenery.py` what stands around them, `outdoors.py`, `indoors.py` and `squares.py` the
scenes, `canvas.py` the way from SVG to JPEG. Nothing is random but what has a fixed seed: the same versions of the
libraries give the same bytes. Cars and people are imaginary; there are no trade marks and no words in the pictures.

To add one, write a function under `@picture` in a file of scenes that returns SVG of 1600 x 900.
"""

import argparse
from pathlib import Path

import indoors  # noqa: F401 (adds its scenes)
import outdoors  # noqa: F401 (adds its scenes)
import squares  # noqa: F401 (adds its scenes)
from canvas import PICTURES, render

PLACE = Path(__file__).resolve().parents[2] / "newsapi" / "demo" / "pictures"


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--only", default="", help="draw the pictures whose name has this in it")
    args.add_argument("--out", type=Path, default=PLACE, help="the folder to write to")
    args = args.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    total = 0
    for name in PICTURES:
        if args.only in name:
            total += (args.out / f"{name}.jpg").write_bytes(render(name))
    print(f"{total:,} bytes in {args.out}")


if __name__ == "__main__":
    main()
