"""Scenes under the open sky: roads, cities, circuits, factories."""

import math
import random

from canvas import picture
from scenery import (
    PALETTES,
    H,
    W,
    bolt,
    cell,
    charger,
    circle,
    cypress,
    factory,
    glow,
    landscape,
    line,
    path,
    person,
    pine,
    rect,
    ridge,
    road,
    row,
    shaded,
    sky,
    skyline,
    track,
    tree,
)
from vehicles import car, darker, lighter, mix, transporter

POLICE = dict(stripe="#f4f6f8", extra='<rect x="186" y="-184" width="52" height="13" rx="6" fill="#3f8cff" stroke="#1d2a4a"/>')
BLUE = "#2f62b0"


@picture
def fabbrica_batterie():
    p = PALETTES["dawn"]
    cells = "".join(cell(60 + k * 96, 640 + (k % 2) * 16, 76, 190, ("#2f8f83", "#e0a040")[k % 3 == 0], .62) for k in range(6))
    return (sky(p, (1240, 300, 70), 3, 4) + ridge(p["far"], 560, 220, 3, 1, True) + ridge(p["mid"], 620, 110, 8) + skyline(mix(p["mid"], p["sky"][1], .3), 640, 5)
            + row(pine, 668, darker(p["near"], .1), 3, 20, (40, 90)) + factory(700, 690, .94, "#7f8ea6") + road(p, 680)
            + car("suv", "#2d6b58", 1180, 836, .98) + rect(30, 612, 610, 258, "#0f1726", 22, 'opacity=".8"') + cells + bolt(722, 770, .8, "#ffe08a"))


@picture
def bisarca_polizia():
    return landscape("noon", 11, trees=tree) + transporter(800, 812, 1.16, "#e8ecf0", [("suv", BLUE)] * 4)


@picture
def bisarca_autostrada():
    p = PALETTES["sunset"]
    barrier = rect(0, 682, W, 12, "#c9ced8") + rect(0, 704, W, 12, "#9aa1b0") + "".join(rect(x, 682, 10, 50, "#7d8494") for x in range(20, W, 130))
    return landscape("sunset", 12, trees=cypress, sun=(420, 380, 74)) + barrier + transporter(880, 806, .92, "#b54a3c", [("suv", BLUE)] * 4, True) + rect(0, 840, W, 60, p["ground"], more='opacity=".35"')


@picture
def suv_polizia():
    return landscape("mint", 13, trees=tree) + car("suv", BLUE, 780, 826, 1.9, **POLICE)


@picture
def suv_polizia_notte():
    p = PALETTES["night"]
    return (sky(p, (1300, 180, 46), 2, 5) + skyline(p["mid"], 720, 8, "#ffd98a") + road(p, 690) + glow(700, 470, 260, "#3f8cff", .5)
            + car("suv", BLUE, 700, 816, 1.6, lit=True, **POLICE))


@picture
def coupe_classica():
    return landscape("autumn", 21, mountains=False, trees=cypress) + car("classic_coupe", "#1f5c4a", 800, 822, 1.95)


@picture
def suv_neve():
    rng = random.Random(5)
    flakes = "".join(circle(rng.uniform(0, W), rng.uniform(0, H), rng.uniform(2, 6), "#ffffff", 'opacity=".8"') for _ in range(120))
    return landscape("winter", 22, snow=True, sun=(360, 210, 50)) + car("suv", "#b5442f", 820, 826, 1.85) + flakes


@picture
def suv_compatto_citta():
    p = PALETTES["dawn"]
    return (sky(p, (300, 330, 66), 3, 7) + skyline(mix(p["far"], p["sky"][1], .3), 690, 3) + skyline(p["near"], 720, 9) + row(tree, 716, "#5f8060", 4, 9, (110, 170))
            + road(p, 690) + car("suv_coupe", "#e9e4da", 760, 824, 1.75, roof="#2a2f3a"))


@picture
def concept_elettrica():
    p = PALETTES["night"]
    return (sky(p, (250, 190, 50), 2, 3) + skyline(p["mid"], 730, 4, "#8fd6ff") + road(p, 690) + charger(1350, 760, 1.25, "#3fb5a3", (1150, 690))
            + glow(1350, 500, 240, "#7df0c8", .45) + car("suv_coupe", "#c9d2de", 760, 826, 1.8, flip=False))


@picture
def trazione_deserto():
    dust = glow(420, 790, 220, "#f0d2a0", .9) + glow(270, 770, 170, "#f0d2a0", .7)
    return landscape("desert", 31, trees=None, sun=(1300, 220, 60)) + dust + car("suv", "#e8e2d2", 880, 826, 1.75)


@picture
def fuoristrada_deserto():
    p = PALETTES["desert"]
    dunes = ridge("#e3bb80", 760, 180, 5, .9) + ridge("#d3a366", 830, 120, 9, .8)
    return sky(p, (360, 240, 70), 0, 2) + ridge(p["far"], 600, 260, 4, 1, True) + dunes + f'<g transform="rotate(-5 900 780)">{car("offroad", "#7d8f6a", 900, 800, 1.65)}</g>' + ridge("#bf8d52", 900, 70, 6, .5)


@picture
def fuoristrada_prato():
    return landscape("noon", 34, trees=tree, sun=(300, 200, 54)) + car("offroad", "#2f5d46", 830, 826, 1.8, roof="#f0ece0")


@picture
def fuoristrada_guado():
    p = PALETTES["mint"]
    water = shaded(0, 742, W, 160, ((0, "#8fd0d0"), (1, "#2f7f8c")), 0)
    waves = "".join(line(((x, y), (x + 60, y - 5), (x + 130, y)), "#ffffff", 4, 'opacity=".55"') for x, y in ((90, 800), (420, 850), (760, 870), (1180, 806), (1320, 862), (240, 770)))
    splash = "".join(path(f"M{x},790 C{x + d * .2:.0f},{760 - h} {x + d},{750 - h} {x + d * 1.5:.0f},790Z", "#e6fbf8", 'opacity=".8"') for x, d, h in ((1180, 90, 50), (1160, 140, 16), (470, -100, 34), (500, -150, 8)))
    back = sky(p, (1250, 220, 56), 3, 6) + ridge(p["far"], 560, 280, 6, 1, True) + ridge(p["mid"], 670, 150, 7) + row(pine, 742, p["near"], 4, 30, (110, 220))
    return back + rect(0, 730, W, 20, "#a89a7a") + car("offroad", "#c8843a", 820, 830, 1.75, shadow=0) + f'<g opacity=".9">{water}</g>' + splash + waves


@picture
def monoposto_elettrica():
    p = PALETTES["sunset"]
    wall = rect(0, 620, W, 90, "#d6dbe4") + "".join(rect(x, 620, 100, 90, "#3f8f9a") for x in range(0, W, 200)) + "".join(line(((x, 540), (x, 620)), "#56607a", 4) for x in range(0, W, 60)) + rect(0, 540, W, 4, "#56607a")
    return (sky(p, (1120, 330, 80), 3, 8) + skyline(p["mid"], 640, 6, "#ffd98a") + wall + road(p, 676) + "".join(line(((x, y), (x + 300, y)), "#ffffff", 3, 'opacity=".35"') for x, y in ((20, 700), (120, 760), (10, 790), (160, 730)))
            + car("single_seater", "#e9edf2", 830, 826, 1.85, stripe="#2fb5a3"))


@picture
def batterie_seconda_vita():
    p = PALETTES["noon"]
    panels = "".join(path(f"M{x},{y} L{x + 150},{y} L{x + 110},{y + 74} L{x - 40},{y + 74}Z", "#24476e", 'stroke="#c9d6e2" stroke-width="4"') + line(((x + 50, y), (x + 10, y + 74)), "#6f93b8", 2)
                     + line(((x + 100, y), (x + 60, y + 74)), "#6f93b8", 2) + line(((x - 20, y + 37), (x + 130, y + 37)), "#6f93b8", 2) for y in (560, 650) for x in range(110 if y == 560 else 70, 760, 180))
    box = shaded(860, 470, 620, 300, ((0, "#f3f5f2"), (1, "#b9c4c4")), 8) + "".join(rect(x, 480, 5, 280, "#a3b0b2") for x in range(880, 1480, 24)) + rect(890, 510, 300, 230, "#17202e", 8)
    return (sky(p, (300, 190, 60), 4, 3) + ridge(p["far"], 540, 130, 2) + ridge(p["mid"], 600, 90, 3) + row(tree, 560, p["near"], 8, 16, (60, 110)) + shaded(0, 550, W, 350, ((0, p["ground"]), (1, darker(p["ground"], .25))))
            + panels + '<ellipse cx="1170" cy="772" rx="340" ry="22" fill="#10202a" opacity=".3"/>' + box + "".join(cell(908 + k * 56, 545, 44, 170, "#3fa58c", .5 + .06 * (k % 4)) for k in range(5)) + bolt(1330, 620, 1.5, "#e0a040"))


@picture
def gigafactory_campagna():
    p = PALETTES["mint"]

    def turbine(x, y, s, turn):
        blades = "".join(f'<path d="M0,0 C10,-20 8,-90 0,-130 C-6,-90 -6,-20 0,0Z" fill="#ffffff" transform="rotate({turn + k * 120})"/>' for k in range(3))
        return f'<g transform="translate({x},{y}) scale({s})"><path d="M-5,0 L5,0 L9,330 L-9,330Z" fill="#e6edf0"/>{blades}<circle r="9" fill="#c9d3d8"/></g>'
    return (sky(p, (280, 230, 60), 4, 9) + ridge(p["far"], 560, 170, 12) + turbine(1180, 290, 1, 20) + turbine(1400, 330, .8, 75) + turbine(990, 360, .66, 50) + ridge(p["mid"], 650, 110, 14)
            + factory(180, 740, 1.0, "#a9b7bd") + row(tree, 752, darker(p["near"], .1), 3, 12, (60, 110), (900, W)) + shaded(0, 735, W, 165, ((0, p["ground"]), (1, darker(p["ground"], .3))))
            + path("M700,900 C760,840 640,790 560,742 L620,742 C740,790 960,830 1000,900Z", "#c9c4b4") + row(tree, 900, p["near"], 5, 5, (150, 210), (1100, 1580)))


@picture
def corso_fuoristrada():
    p = PALETTES["autumn"]
    slope = path("M0,900 L0,800 C300,800 520,700 800,640 C1060,590 1250,560 1600,480 L1600,900Z", "#8a6f3e") + path("M0,900 L0,826 C300,826 560,730 830,668 C1080,612 1270,590 1600,516 L1600,900Z", "#6f5832")
    flags = "".join(line(((x, y), (x, y - 96)), "#e9edf2", 6) + path(f"M{x},{y - 96} L{x + 58},{y - 80} L{x},{y - 62}Z", c) for x, y, c in ((250, 802, "#c8574b"), (1330, 552, "#2f6f8f"), (560, 736, "#c8574b")))
    return sky(p, (330, 220, 58), 3, 4) + ridge(p["far"], 560, 240, 2, 1, True) + ridge(p["mid"], 650, 150, 3) + row(pine, 690, p["near"], 6, 26, (80, 170)) + slope + flags + f'<g transform="translate(900,642) rotate(-13)">{car("suv", "#d8dcd6", 0, 18, 1.45)}</g>' + person(1440, 640, 190, "#d9822f")


@picture
def coupe_posteriore():
    return landscape("sea", 41, mountains=False, trees=cypress, sun=(1250, 240, 60)) + car("sports", "#c9a227", 800, 824, 1.95)


@picture
def compatta_elettrica_inverno():
    return landscape("winter", 42, mountains=True, snow=True, sun=(1250, 200, 50)) + charger(1330, 790, 1.2, "#4a90c2", (1090, 706)) + car("hatch", "#3a4a63", 760, 826, 1.9, roof="#d98a3a", flip=False)


@picture
def muscle_deserto():
    return landscape("sunset", 43, trees=None, sun=(800, 430, 110)) + car("classic_coupe", "#c2452f", 800, 824, 1.95, rim="hubcap", flip=True, stripe="#f4ead8")


@picture
def ricarica_rapida():
    p = PALETTES["night"]
    canopy = shaded(180, 250, 1240, 40, ((0, "#e9eef5"), (1, "#8fa0ba")), 10) + rect(330, 290, 26, 430, "#65748f") + rect(1240, 290, 26, 430, "#65748f") + "".join(glow(x, 300, 230, "#dff3ff", .45) for x in (420, 800, 1180))
    return (sky(p, (1420, 130, 40), 1, 6) + ridge(p["far"], 600, 200, 4, 1, True) + ridge(p["mid"], 690, 100, 6) + canopy + road(p, 700) + "".join(charger(x, 736, 1.05, "#d94f4a") for x in (480, 1110))
            + charger(800, 736, 1.05, "#d94f4a") + car("saloon", "#e6eaf0", 540, 836, 1.5) + car("saloon", "#8b2f36", 1230, 836, 1.35, True))


@picture
def raduno_piazza():
    p = PALETTES["noon"]
    fronts = ""
    for k, c in enumerate(("#e6b98a", "#d98f6b", "#f0d7a6", "#c97f62", "#e9c79c", "#dca77a")):
        x, h = k * 270 - 10, 330 + (k * 53) % 110
        fronts += shaded(x, 700 - h, 268, h, ((0, lighter(c, .15)), (1, darker(c, .12)))) + rect(x - 6, 690 - h, 280, 18, "#a8553d", 4)
        fronts += "".join(rect(x + 34 + i * 80, 740 - h + j * 100, 42, 62, "#4f6f63", 3) + rect(x + 30 + i * 80, 802 - h + j * 100, 50, 6, "#f3ead8") for i in range(3) for j in range(2))
        fronts += "".join(path(f"M{x + 20 + i * 125},700 L{x + 20 + i * 125},620 C{x + 20 + i * 125},560 {x + 110 + i * 125},560 {x + 110 + i * 125},620 L{x + 110 + i * 125},700Z", darker(c, .55)) for i in range(2))
    stones = shaded(0, 690, W, 210, ((0, "#cbb99c"), (1, "#8f8068"))) + "".join(line(((0, y), (W, y)), "#b09d7f", 2) for y in (712, 744, 790, 850)) + "".join(line(((x, 900), (800 + (x - 800) * .5, 690)), "#b09d7f", 2) for x in range(-800, 2500, 130))
    flags = "".join(path(f"M{x},{150 + 34 * math.sin(x / 255):.0f} l40,0 l-20,44Z", ("#c8574b", "#f3efe4", "#4f8f63")[k % 3]) for k, x in enumerate(range(0, W, 54)))
    return (sky(p, (1350, 110, 40), 2, 2) + fronts + stones + flags + person(120, 760, 190, "#c8574b") + person(1500, 760, 180, "#2f6f8f")
            + "".join(car("tiny", c, x, y, s) for c, x, y, s in (("#8fc4c9", 420, 760, 1.0), ("#e8dcc0", 800, 752, 1.0), ("#c2452f", 1180, 762, 1.0), ("#e0b23f", 560, 870, 1.5), ("#5f7f9f", 1110, 872, 1.5))))


@picture
def raduno_colline():
    return landscape("noon", 52, mountains=False, trees=cypress) + "".join(car("tiny", c, x, 822, 1.22) for c, x in (("#c2452f", 1330), ("#f0e6cf", 800), ("#6fa8b5", 290)))


@picture
def raduno_mare():
    p = PALETTES["sea"]
    sea = shaded(0, 470, W, 250, ((0, "#3f9fc0"), (1, "#8fd3d8"))) + "".join(line(((x, y), (x + 70, y)), "#ffffff", 3, 'opacity=".5"') for x, y in ((80, 520), (430, 560), (760, 505), (1130, 590), (1380, 530), (280, 640), (920, 650)))
    sails = "".join(path(f"M{x},{y} l0,-{h} l{h * .6:.0f},{h}Z", "#ffffff") + path(f"M{x - 8},{y} l{h * .75:.0f},0 l-14,16 l-{h * .5:.0f},0Z", "#c8574b") for x, y, h in ((520, 520, 70), (1220, 545, 90), (860, 500, 46)))
    wall = rect(0, 690, W, 26, "#e9dfc8") + "".join(rect(x, 650, 14, 50, "#d6c9ac") for x in range(10, W, 90)) + rect(0, 646, W, 10, "#efe6d2")
    return sky(p, (330, 210, 64), 3, 5) + path("M1000,470 C1180,380 1330,330 1600,300 L1600,490 L1000,490Z", p["mid"]) + sea + sails + wall + road(p, 700) + car("tiny", "#e0b23f", 930, 826, 2.0)


@picture
def utilitaria_consumi():
    return landscape("mint", 61, mountains=False, trees=tree) + car("hatch", "#d9a441", 800, 826, 2.0)


@picture
def berlina_montagna():
    return landscape("dawn", 62, trees=pine) + car("saloon", "#9c2430", 800, 824, 1.9)


@picture
def rally_neve():
    spray = "".join(glow(x, y, r, "#ffffff", .95) for x, y, r in ((420, 800, 150), (300, 780, 120), (190, 800, 100), (950, 830, 110)))
    lamps = "".join(f'<circle cx="{x}" cy="-{y}" r="10" fill="#fff6cf" stroke="#222834" stroke-width="3"/>' for x, y in ((352, 101), (376, 99)))
    return landscape("winter", 63, snow=True) + spray + f'<g transform="rotate(-2 800 826)">{car("boxy_hatch", "#f2f2ee", 820, 826, 2.0, stripe="#b8323a", extra=lamps)}</g>' + "".join(glow(x, 850, 90, "#ffffff", .9) for x in (520, 430, 610))


@picture
def rally_notte():
    p = PALETTES["night"]
    return (sky(p, (360, 170, 46), 1, 7) + ridge(p["far"], 560, 300, 7, 1, True) + ridge(p["near"], 690, 160, 8) + row(pine, 714, "#0f1830", 3, 34, (120, 280)) + road(p, 690, dashes=False)
            + glow(330, 800, 200, "#8f86a0", .6) + car("boxy_hatch", "#e6e2d6", 720, 824, 1.85, lit=True, stripe="#c8574b"))


@picture
def furgone_bagagli():
    bags = "".join(rect(x, 826 - h, w, h, c, 10) + rect(x + w * .35, 814 - h, w * .3, 14, "#3a3028", 5) + rect(x, 826 - h * .62, w, 8, darker(c, .3))
                   for x, w, h, c in ((1290, 130, 110, "#b5483a"), (1430, 96, 150, "#2f6f8f")))
    return landscape("autumn", 64, trees=pine) + car("wagon", "#4f7f8f", 720, 826, 1.9) + bags


@picture
def piccola_montagna():
    rng = random.Random(8)
    flakes = "".join(circle(rng.uniform(0, W), rng.uniform(0, H), rng.uniform(2, 5), "#ffffff", 'opacity=".8"') for _ in range(80))
    return landscape("winter", 48, snow=True, sun=(300, 220, 46)) + row(pine, 728, "#5f8a86", 12, 9, (170, 300)) + car("boxy_hatch", "#4d7a52", 820, 826, 1.95, rim="steel") + flakes


@picture
def rossa_in_pista():
    return track(PALETTES["noon"], 3) + "".join(line(((x, y), (x + 260, y)), "#ffffff", 4, 'opacity=".4"') for x, y in ((30, 700), (60, 760), (10, 800))) + car("sports", "#c81f2b", 860, 830, 1.9)


@picture
def rossa_sulle_colline():
    return landscape("sunset", 66, mountains=False, trees=cypress, sun=(1050, 400, 84)) + car("classic_coupe", "#b81d28", 780, 824, 1.9)


@picture
def coupe_circuito():
    return track(PALETTES["sunset"], 6) + car("sports", "#e7e3d6", 700, 822, 1.75) + car("sports", "#3f6f8f", 1450, 724, .9)


@picture
def piccola_elettrica_citta():
    p = PALETTES["noon"]
    return (sky(p, (260, 200, 56), 3, 8) + skyline(lighter(p["far"], .2), 700, 12) + skyline(p["mid"], 716, 14) + row(tree, 720, "#4d8f5a", 6, 12, (110, 180)) + road(p, 690) + charger(330, 764, 1.15, "#f4f6f2", (560, 708))
            + car("hatch", "#3f9fb5", 860, 826, 1.85, roof="#f4f2ea"))
