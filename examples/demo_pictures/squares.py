"""The square pictures: drawn portraits of authors and neutral monograms for makes."""
import math
from functools import partial

from canvas import add
from scenery import circle, path, rect, shaded
from vehicles import darker, lighter

SIZE = 640

# name: background, coat, skin, hair, cut of the hair, glasses
PORTRAITS = {
    "ritratto-luca-ferrante": ("#7fb3c8", "#2f3d57", "#e0b08c", "#3a2a20", "short", False),
    "ritratto-giulia-serra": ("#e6b98a", "#8a3f4a", "#e8bd9c", "#5a3420", "long", False),
    "ritratto-marco-belli": ("#9cc7a2", "#3f5d46", "#d9a583", "#8d8d90", "short", True),
    "ritratto-elena-riva": ("#c5a5cf", "#2f6f8f", "#c98f6b", "#241a18", "bun", True),
}
# name: colours, number of sides of the badge (0: a circle), strokes of the monogram
MONOGRAMS = {
    "monogramma-jaguar-land-rover": ("#1f5c4a", "#d9c98a", 6, "M250,230 L250,370 C250,430 170,430 170,380 M330,220 L330,410 L440,410"),
    "monogramma-jaguar": ("#3a3f4d", "#e6e9ee", 0, "M370,200 L370,380 C370,460 240,460 240,370"),
    "monogramma-land-rover": ("#2f5d46", "#f0ece0", 8, "M220,210 L220,400 L310,400 M360,430 L360,240 C460,220 460,330 360,330 L440,430"),
    "monogramma-bmw": ("#2f62b0", "#f4f6f8", 4, "M260,200 L260,440 L350,440 C430,440 430,320 350,320 L260,320 M260,200 L340,200 C410,200 410,320 340,320"),
    "monogramma-fiat": ("#8a2f38", "#f6e9d8", 6, "M260,450 L260,200 L410,200 M260,320 L380,320"),
    "monogramma-ferrari": ("#d9a441", "#3a1f1a", 0, "M270,450 L250,450 L300,200 L420,200 M280,320 L390,320"),
}


def portrait(ground, coat, skin, hair, cut, glasses):
    dark = darker(skin, .18)
    out = [shaded(0, 0, SIZE, SIZE, ((0, lighter(ground, .25)), (1, darker(ground, .12)))), circle(320, 330, 250, lighter(ground, .3), 'opacity=".5"')]
    if cut == "long":
        out.append(path("M176,300 C150,110 490,110 464,300 C470,400 500,470 486,540 L154,540 C140,470 170,400 176,300Z", hair))
    if cut == "bun":
        out.append(circle(320, 112, 62, hair))
    out += [path("M70,660 C76,520 190,478 270,462 L370,462 C450,478 564,520 570,660Z", coat), path("M262,470 L320,560 L378,470 L350,452 L290,452Z", "#f4f2ec"),
            path("M272,400 L272,468 C290,510 350,510 368,468 L368,400Z", dark),
            path("M208,270 C204,180 250,140 320,140 C390,140 436,180 432,270 C430,370 384,440 320,440 C256,440 210,370 208,270Z", skin),
            circle(206, 296, 24, skin), circle(434, 296, 24, skin)]
    if cut == "short":
        out.append(path("M196,286 C180,130 270,96 340,104 C430,104 460,180 444,286 C430,250 426,220 410,200 C350,216 270,210 236,192 C216,220 212,250 196,286Z", hair))
    else:
        out.append(path("M192,310 C170,120 280,90 330,100 C430,96 468,190 448,310 C438,250 420,214 376,190 C330,240 250,250 214,250 C202,270 198,290 192,310Z", hair))
    out += [circle(x, 292, 10, "#2a2420") for x in (268, 372)]
    out += [path(f"M{x - 26},262 C{x - 10},250 {x + 10},250 {x + 26},262", "none", f'stroke="{darker(hair, .2)}" stroke-width="8" stroke-linecap="round"') for x in (268, 372)]
    out += [path("M318,296 C310,330 304,344 322,348", "none", f'stroke="{dark}" stroke-width="7" stroke-linecap="round"'),
            path("M276,384 C300,406 340,406 364,384", "none", 'stroke="#9c4f45" stroke-width="9" stroke-linecap="round"')]
    if glasses:
        out += [circle(x, 294, 42, "#ffffff", 'fill-opacity=".18" stroke="#2a303d" stroke-width="8"') for x in (266, 374)] + [rect(306, 288, 28, 8, "#2a303d")]
    return "".join(out)


def monogram(colour, ink, sides, strokes):
    def badge(r, fill, more=""):
        if not sides:
            return circle(320, 320, r, fill, more)
        turn = math.pi / sides - math.pi / 2 if sides != 6 else -math.pi / 2
        points = ((320 + r * math.cos(turn + math.tau * k / sides), 320 + r * math.sin(turn + math.tau * k / sides)) for k in range(sides))
        return path("M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points) + "Z", fill, more + ' stroke-linejoin="round"')
    wide = 1.16 if sides == 4 else 1
    return (shaded(0, 0, SIZE, SIZE, ((0, "#fbfaf6"), (1, "#e6e4dc"))) + badge(262 * wide, darker(colour, .35)) + badge(250 * wide, colour)
            + badge(222 * wide, "none", f'stroke="{ink}" stroke-width="7"') + path(strokes, "none", f'stroke="{ink}" stroke-width="34" stroke-linecap="round" stroke-linejoin="round"'))


for name, look in PORTRAITS.items():
    add(name, partial(portrait, *look), SIZE, SIZE)
for name, look in MONOGRAMS.items():
    add(name, partial(monogram, *look), SIZE, SIZE)
