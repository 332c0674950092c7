"""Scenes under a roof: halls, workshops, laboratories, and close-ups."""

import math
import random

from canvas import picture
from scenery import (
    H,
    W,
    bolt,
    cell,
    circle,
    glow,
    hall,
    lift,
    line,
    on_show,
    path,
    person,
    plinth,
    rect,
    reflection,
    robot,
    shaded,
    workshop,
)
from vehicles import SHAPES, car, wheel


@picture
def range_rover_restaurata():
    return (hall("#6c5a52", "#85766b", "#b0703f", 2, arches=True) + plinth(800, 770, 1060, "#d8cbb8")
            + car("classic_suv", "#b9c7a3", 800, 766, 1.75, rim="steel", roof="#b9c7a3") + person(1420, 850, 300, "#3d5b78") + person(180, 850, 290, "#a8503f", hair="#7a5230"))


@picture
def suv_coupe_velo():
    return (hall("#39415c", "#4d5470", "#5d6b95", 3) + on_show("suv_coupe", "#a9552f", 800, 800, 2.05)
            + path("M480,330 C620,300 760,380 930,340 C1080,310 1240,390 1330,470 C1290,500 1290,560 1310,620 C1240,560 1180,500 1080,470 C900,430 640,470 400,560 C430,460 440,380 480,330Z",
                   "#e8ecf6", 'opacity=".13"'))


@picture
def telaio_in_officina():
    rails = shaded(360, 690, 900, 30, ((0, "#6f7888"), (1, "#353c4a")), 6) + "".join(shaded(x, 676, 34, 60, ((0, "#7f8898"), (1, "#353c4a")), 4) for x in (420, 600, 830, 1010, 1190))
    stands = "".join(path(f"M{x - 50},850 L{x - 12},722 L{x + 12},722 L{x + 50},850Z", "#d9a441") for x in (520, 1120))
    body = car("classic_suv", "#7d9a86", 810, 620, 1.38, shadow=0, wheels=False)
    hooks = "".join(line(((x, 0), (x, 390)), "#3a4150", 6) for x in (640, 960))
    return workshop("#d3c3a6", "#8b8378", 3) + hooks + body + stands + rails + f'<g transform="translate(250,850)">{wheel(0, 60, "steel")}</g>' + person(1400, 860, 320, "#3f6f8f")


@picture
def scocca_alluminio():
    floor = shaded(0, 640, W, 260, ((0, "#6b7686"), (1, "#39414f")))
    roof = "".join(line(((x, 0), (x + 140, 190)), "#7f8ca3", 10) + line(((x + 140, 190), (x + 280, 0)), "#7f8ca3", 10) for x in range(-200, W, 280))
    lamps = "".join(rect(x, 206, 150, 12, "#f7fbff", 6) + glow(x + 75, 214, 170, "#dff1ff", .4) for x in range(70, W, 330))
    belt = rect(0, 800, W, 26, "#2a303d") + "".join(rect(x, 806, 60, 14, "#e0a040") for x in range(0, W, 120))
    sparks = "".join(line(((610, 560), (610 + 90 * math.cos(a), 560 + 90 * math.sin(a))), "#ffe9a0", 3) for a in (k * .42 - .3 for k in range(15)))
    return (shaded(0, 0, W, 640, ((0, "#4a5870"), (1, "#a9b8ca"))) + roof + lamps + floor + robot(330, 690, 1.25) + robot(1330, 690, 1.25, True)
            + belt + car("saloon", "#c5ccd6", 820, 800, 1.7, wheels=False, shadow=0) + glow(610, 560, 150, "#fff0b0", .9) + sparks)


@picture
def officina_classiche_ponte():
    return workshop("#cdb99a", "#857c72", 4) + lift(800, 850, 860, 250) + car("classic_coupe", "#7a2f38", 800, 598, 1.6, shadow=0) + person(560, 870, 300, "#44617a") + person(1320, 870, 310, "#5b6e4a", hair="#9a9a9a")


@picture
def officina_classiche_fila():
    behind = car("classic_suv", "#c9b27c", 1220, 742, 1.25) + car("roadster", "#1f5c4a", 380, 742, 1.25)
    return workshop("#c4cfd0", "#7d858c", 7) + behind + car("classic_coupe", "#2c4a63", 800, 856, 1.75) + person(80, 800, 260, "#5b6e4a")


@picture
def maggiolino_officina():
    return workshop("#d9cdb4", "#8d8479", 11) + car("beetle", "#9fcdb8", 800, 836, 1.95) + person(1400, 850, 300, "#b5483a", hair="#c9a26a")


@picture
def officina_classiche_verniciatura():
    lights = "".join(shaded(90 + k * 370, 70, 300, 90, ((0, "#ffffff"), (1, "#dcefff")), 10) for k in range(4))
    ribs = "".join(rect(x, 0, 10, 640, "#b9c9d6") for x in range(60, W, 185))
    return (shaded(0, 0, W, 650, ((0, "#e8f1f6"), (1, "#c5d5e0"))) + ribs + lights + shaded(0, 640, W, 260, ((0, "#97a7b3"), (1, "#5f6e7a"))) + on_show("roadster", "#7fb3c8", 860, 810, 1.95)
            + person(270, 850, 360, "#f4f6f8", hair="#f4f6f8") + glow(470, 620, 130, "#7fb3c8", .6))


@picture
def rossa_al_museo():
    return hall("#7a6a5c", "#9a8b7a", "#b5483a", 5, arches=True) + plinth(800, 790, 1100, "#e6ddd0") + car("roadster", "#b81d28", 800, 788, 1.95)


@picture
def schema_ibrido():
    blue, ink = "#123a5c", "#9fd0ee"
    grid = "".join(line(((x, 0), (x, H)), "#1f4d75", 1.5) for x in range(0, W, 50)) + "".join(line(((0, y), (W, y)), "#1f4d75", 1.5) for y in range(0, H, 50))
    s = SHAPES["hatch"]
    draft = f'<g transform="translate(170,760) scale(3.4)"><path d="{s.body}" fill="#1b5078" stroke="{ink}" stroke-width="2"/><path d="{s.glass}" fill="#123a5c" stroke="{ink}" stroke-width="1.4"/>{wheel(78, 32, "alloy")}{wheel(290, 32, "alloy")}</g>'
    pack = rect(520, 600, 330, 70, "#2fa58c", 10) + "".join(rect(536 + k * 52, 612, 40, 46, "#8ff0c8", 5) for k in range(6))
    motor = circle(1120, 590, 62, "#e0a040") + circle(1120, 590, 40, "#f4cf8a") + "".join(line(((1120, 590), (1120 + 58 * math.cos(a), 590 + 58 * math.sin(a))), "#a86f1f", 6) for a in (k * math.pi / 4 for k in range(8)))
    engine = rect(1200, 490, 130, 120, "#c8574b", 10) + "".join(rect(1212 + k * 38, 470, 28, 50, "#e89a8a", 5) for k in range(3))
    flow = line(((850, 636), (960, 636), (1050, 600)), "#8ff0c8", 9, 'stroke-dasharray="18 14"') + line(((1176, 560), (1204, 550)), "#f4cf8a", 10)
    return rect(0, 0, W, H, blue) + grid + draft + pack + flow + engine + motor + bolt(690, 540, .6, "#ffe08a")


@picture
def cintura_tre_punti():
    seat = (path("M560,860 C520,700 560,300 640,240 C700,200 860,200 920,240 C1000,300 1040,700 1000,860Z", "#8a5f45") + path("M600,830 C570,690 606,330 668,276 C720,244 842,244 892,276 C954,330 990,690 960,830Z", "#a87858")
            + path("M668,200 C660,120 690,90 780,90 C870,90 900,120 892,200 C860,226 700,226 668,200Z", "#8a5f45") + path("M690,190 C686,130 710,110 780,110 C850,110 874,130 870,190Z", "#a87858") + "".join(line(((x, 330), (x - (780 - x) * .12, 800)), "#8a5f45", 5) for x in (700, 780, 860)))
    body = path("M650,860 C640,640 640,420 700,370 C740,346 820,346 860,370 C920,420 920,640 910,860Z", "#3f6f8f") + rect(748, 300, 64, 80, "#d9a583", 26) + circle(780, 256, 74, "#d9a583") + path("M706,256 C690,150 870,150 854,256 C830,206 730,206 706,256Z", "#4a352a")
    belt = path("M940,330 L900,330 L600,800 L640,826Z", "#e9e4d6") + path("M606,786 L960,786 L960,830 L606,830Z", "#d6cfbd") + rect(590, 770, 74, 70, "#2a303d", 10) + rect(612, 786, 30, 20, "#c8574b", 4) + circle(920, 326, 30, "#2a303d")
    window = shaded(0, 0, W, H, ((0, "#26344a"), (1, "#3d5068"))) + path("M60,560 C90,240 180,120 420,90 L1600,90 L1600,560Z", "#8fc4d8") + path("M60,560 C300,450 700,480 1000,420 C1300,380 1450,430 1600,400 L1600,560Z", "#6a9f86") + rect(0, 556, W, 22, "#1b2534") + rect(1180, 60, 44, 520, "#26344a")
    return window + seat + body + belt


@picture
def documenti_incentivi():
    desk = shaded(0, 0, W, H, ((0, "#b98a5f"), (1, "#8a5f3f"))) + "".join(path(f"M0,{y} C400,{y - 24} 1100,{y + 26} 1600,{y - 6}", "none", 'stroke="#7a5236" stroke-width="3" opacity=".4"') for y in range(60, 900, 74))

    def sheet(x, y, turn, lines):
        rows = "".join(rect(46, 130 + k * 36, 330 - (k * 47) % 110, 12, "#b9c2cc", 6) for k in range(lines))
        return f'<g transform="translate({x},{y}) rotate({turn})"><rect x="10" y="14" width="430" height="580" fill="#2a1c10" opacity=".25"/><rect width="430" height="580" fill="#fbf9f3"/><rect x="46" y="54" width="210" height="26" rx="6" fill="#2f6f8f"/>{rows}</g>'
    ticks = "".join(rect(300, 300 + k * 70, 34, 34, "#ffffff", 5, 'stroke="#2f6f8f" stroke-width="4"') + (line(((307, 318 + k * 70), (315, 328 + k * 70), (336, 296 + k * 70)), "#3fa56c", 6) if k < 3 else "") for k in range(4))
    calc = f'<g transform="translate(1130,400) rotate(8)"><rect x="8" y="12" width="270" height="390" rx="24" fill="#2a1c10" opacity=".3"/><rect width="270" height="390" rx="24" fill="#2d3442"/><rect x="26" y="28" width="218" height="76" rx="8" fill="#bcd8c4"/>{"".join(rect(26 + i * 57, 130 + j * 60, 46, 46, "#e0a040" if i == 3 else "#5b6579", 8) for i in range(4) for j in range(4))}</g>'
    keys = circle(1010, 690, 44, "none", 'stroke="#c9ced6" stroke-width="12"') + '<g transform="translate(1000,740) rotate(24)"><rect x="-36" y="0" width="72" height="116" rx="24" fill="#222834"/><rect x="-10" y="112" width="20" height="90" rx="4" fill="#c9ced6"/><circle cx="0" cy="36" r="10" fill="#5b6579"/><circle cx="0" cy="72" r="10" fill="#5b6579"/></g>'
    toy = f'<g transform="rotate(-3 1230 300)">{car("hatch", "#3fa56c", 1230, 310, 1.1)}</g>'
    return desk + sheet(520, 130, 7, 10) + sheet(150, 170, -5, 11) + f'<g transform="rotate(-5 150 170)">{ticks}</g>' + calc + keys + toy


@picture
def pneumatico_invernale():
    rng = random.Random(9)
    flakes = "".join(circle(rng.uniform(0, W), rng.uniform(0, 820), rng.uniform(3, 9), "#ffffff", 'opacity=".85"') for _ in range(90))
    blocks = "".join(f'<rect x="-26" y="-352" width="52" height="34" rx="6" fill="#2a2f3a" transform="translate(800,470) rotate({k * 12})"/>' for k in range(30))
    tyre = blocks + circle(800, 470, 334, "#14171e") + circle(800, 470, 300, "none", 'stroke="#2b303c" stroke-width="10"') + f'<g transform="translate(0,800)">{wheel(800, 330, "alloy")}</g>'
    fender = path("M0,0 L1600,0 L1600,240 C1500,240 1400,330 1240,470 C1200,180 1000,40 800,40 C600,40 400,180 360,470 C300,420 140,400 0,410Z", "#2f6f8f") + path("M360,470 C400,180 600,40 800,40 C1000,40 1200,180 1240,470", "none", 'stroke="#1b4560" stroke-width="22"') + path("M0,250 C500,215 1100,150 1600,120", "none", 'stroke="#ffffff" stroke-width="6" opacity=".35"')
    snow = path("M0,900 L0,800 C300,760 520,830 800,806 C1080,780 1300,840 1600,790 L1600,900Z", "#f4f8fb") + path("M420,812 C600,770 1000,770 1180,812 L1180,840 L420,840Z", "#ffffff")
    return shaded(0, 0, W, H, ((0, "#7f97b0"), (1, "#dce8f0"))) + rect(360, 60, 880, 760, "#10141c", 380) + tyre + fender + snow + flakes


@picture
def salone_stand():
    crowd = "".join(person(x, y, h, c, hair=hr) for x, y, h, c, hr in ((110, 700, 200, "#3f6f8f", "#3a2c24"), (210, 706, 190, "#c8574b", "#c9a26a"), (760, 690, 190, "#5b8a5a", "#3a2c24"), (860, 696, 196, "#d9a441", "#222222"), (1480, 704, 200, "#7a4b8a", "#7a5230")))
    return hall("#2f4a5c", "#566f80", "#3f8f9a", 7) + crowd + on_show("saloon", "#c9ced8", 430, 760, 1.3) + on_show("sports", "#d9a441", 1180, 764, 1.35, True) + on_show("suv_coupe", "#7a2f38", 830, 872, 1.5)


@picture
def crash_test():
    def target(x, y, r):
        return circle(x, y, r, "#f6d54a") + path(f"M{x},{y} L{x},{y - r} A{r},{r} 0 0 1 {x + r},{y}Z M{x},{y} L{x},{y + r} A{r},{r} 0 0 1 {x - r},{y}Z", "#17202e")
    wall = shaded(1270, 380, 330, 450, ((0, "#c9ced6"), (1, "#8b94a3"))) + "".join(path(f"M1270,{y} L1340,{y - 60} L1340,{y - 20} L1270,{y + 40}Z", "#17202e") for y in range(440, 830, 90)) + rect(1270, 380, 70, 450, "#f6d54a", more='opacity=".55"')
    lamps = "".join(shaded(120 + k * 320, 60, 220, 70, ((0, "#ffffff"), (1, "#cfe6f5")), 8) + glow(230 + k * 320, 120, 230, "#f2faff", .5) for k in range(4))
    back = shaded(0, 0, W, 650, ((0, "#3a4760"), (1, "#93a4bb"))) + "".join(rect(x, 200, 4, 440, "#7f91ab") for x in range(0, W, 100)) + "".join(rect(0, y, W, 4, "#7f91ab") for y in range(240, 640, 100))
    floor = shaded(0, 650, W, 250, ((0, "#aab4c2"), (1, "#6b7688"))) + rect(0, 780, W, 10, "#f6d54a", more='opacity=".8"')
    return back + lamps + floor + wall + car("saloon", "#e6e9ee", 820, 836, 1.85, stripe="#e08a3c") + target(700, 700, 30) + target(1010, 706, 26) + target(470, 690, 26) + "".join(line(((x, y), (x + 130, y)), "#ffffff", 5, 'opacity=".6"') for x, y in ((150, 660), (90, 730), (180, 790)))


@picture
def celle_laboratorio():
    bench = shaded(0, 690, W, 210, ((0, "#e6ecef"), (1, "#a9b8c0"))) + rect(0, 686, W, 10, "#ffffff")
    wall = shaded(0, 0, W, 690, ((0, "#1f4a55"), (1, "#5fa3a0"))) + "".join(rect(60 + k * 400, 90, 320, 220, "#2a6069", 10) + "".join(rect(90 + k * 400 + i * 66, 290 - h, 40, h, c, 4) for i, (h, c) in enumerate(((120, "#8ff0c8"), (70 + k * 22, "#ffe08a"), (150 - k * 20, "#e89a8a"), (96, "#9fd0ee")))) for k in range(4))
    cells = "".join(cell(300 + k * 150, 440, 120, 330, c, .4 + .1 * (k % 4)) for k, c in enumerate(("#2fa58c", "#3f8fb5", "#e0a040", "#2fa58c", "#c8574b", "#3f8fb5", "#2fa58c")))
    return wall + bench + reflection(cells, 772, .15) + cells + bolt(165, 560, 1.3, "#ffe08a")
