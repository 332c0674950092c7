"""What stands around the vehicles: skies, ridges, roads, buildings, halls and workshops, as SVG of 1600 x 900."""
import math
import random

from vehicles import car, darker, gradient, lighter, mix, new_id

W, H = 1600, 900

PALETTES = {
    "dawn": dict(sky=("#4a5d8c", "#e59a86", "#ffd9a8"), sun="#fff1cf", far="#8d7f9f", mid="#6b6a8e", near="#4a5876", ground="#5d6b58", road="#4b4f5e", cloud="#ffe6d6"),
    "noon": dict(sky=("#3f8fc4", "#8ec7e2", "#e4f3f2"), sun="#fffbe6", far="#9dc0cf", mid="#6fa38f", near="#4d8569", ground="#86ac62", road="#60666f", cloud="#ffffff"),
    "sunset": dict(sky=("#3b2f63", "#c4567a", "#ffb66b"), sun="#ffe9b8", far="#8a4d78", mid="#5f3d6b", near="#3f2f57", ground="#4d3a4f", road="#3a3548", cloud="#f7a58c"),
    "night": dict(sky=("#0c1430", "#1f2f5c", "#45548a"), sun="#eef2ff", far="#2a3866", mid="#1e2a50", near="#16203d", ground="#1b2740", road="#20273a", cloud="#33437a"),
    "winter": dict(sky=("#6d93b8", "#b7d0e2", "#f1f5f7"), sun="#ffffff", far="#b9cddd", mid="#94b0c7", near="#7695b0", ground="#eaf1f6", road="#8d9cab", cloud="#ffffff"),
    "autumn": dict(sky=("#7fa3ad", "#d9c9a3", "#f6e3b8"), sun="#fff6da", far="#b59d80", mid="#b5793f", near="#8c5a33", ground="#a38a4c", road="#5b564f", cloud="#fff4dc"),
    "desert": dict(sky=("#4f9bb5", "#a9d3cf", "#fbe6bf"), sun="#fffbe0", far="#d9a985", mid="#c4845b", near="#a5633f", ground="#d8ab72", road="#b58a5a", cloud="#fff6e6"),
    "sea": dict(sky=("#2f7fb0", "#7cc3d8", "#f2f0dc"), sun="#fffbe6", far="#7ea6a8", mid="#5a8d84", near="#44755f", ground="#8a9a5f", road="#666a70", cloud="#ffffff"),
    "rain": dict(sky=("#4b5a6b", "#7e8e9d", "#b9c3ca"), sun="#d7dde2", far="#75858f", mid="#5d6f75", near="#475a5c", ground="#5f6f58", road="#474d57", cloud="#98a5b0"),
    "mint": dict(sky=("#3c8f8d", "#93cdb9", "#eef3d6"), sun="#fffde8", far="#9cc7b2", mid="#65a389", near="#3f7d6b", ground="#7fae78", road="#58646a", cloud="#ffffff"),
}


def rect(x, y, w, h, fill, rx=0, more=""):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{rx}" fill="{fill}" {more}/>'


def circle(x, y, r, fill, more=""):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{fill}" {more}/>'


def path(d, fill="none", more=""):
    return f'<path d="{d}" fill="{fill}" {more}/>'


def line(points, colour, width, more=""):
    d = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return path(d, "none", f'stroke="{colour}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round" {more}')


def shaded(x, y, w, h, stops, rx=0, across=False):
    text, name = gradient(stops, x2=int(across), y2=int(not across))
    return f"<defs>{text}</defs>" + rect(x, y, w, h, f"url(#{name})", rx)


def glow(x, y, r, colour, opacity=.6):
    name = new_id()
    return (f'<defs><radialGradient id="{name}"><stop offset="0" stop-color="{colour}" stop-opacity="{opacity}"/>'
            f'<stop offset="1" stop-color="{colour}" stop-opacity="0"/></radialGradient></defs>' + circle(x, y, r, f"url(#{name})"))


def sky(p, sun=(1180, 250, 58), clouds=3, seed=1):
    rng = random.Random(seed)
    out = [shaded(0, 0, W, H, ((0, p["sky"][0]), (.4, p["sky"][1]), (.72, p["sky"][2])))]
    if sun:
        x, y, r = sun
        out += [glow(x, y, r * 6, p["sun"], .55), circle(x, y, r, p["sun"])]
    if p is PALETTES["night"]:
        out += [circle(rng.uniform(0, W), rng.uniform(0, 420), rng.uniform(.8, 2.2), "#ffffff", 'opacity=".8"') for _ in range(90)]
    for _ in range(clouds):
        x, y, s = rng.uniform(60, 1400), rng.uniform(60, 270), rng.uniform(.6, 1.3)
        out.append(f'<g transform="translate({x:.0f},{y:.0f}) scale({s:.2f})" fill="{p["cloud"]}" opacity=".55">'
                   '<path d="M-110,24 C-120,4 -96,-10 -76,-4 C-70,-34 -26,-44 -4,-22 C14,-40 58,-34 62,-6 C88,-14 116,2 108,24Z"/></g>')
    return "".join(out)


def ridge(colour, base, height, seed, rough=1.0, jagged=False, top=None):
    """A line of hills (smooth) or mountains (jagged), filled downward with a haze at its foot."""
    rng = random.Random(seed)
    waves = [(rng.uniform(.6, 1.5) * f, rng.uniform(0, math.tau), 1 / f ** (.8 if jagged else 1.25)) for f in (1, 2, 3.3, 5.4, 9 if jagged else 5)]
    points = []
    for x in range(-10, W + 20, 10):
        v = sum(a * (abs((x / W * f + ph) % 2 - 1) * 2 - 1 if jagged else math.sin(x / W * f * 4 + ph)) for f, ph, a in waves)
        points.append((x, base - height * (.5 + .28 * rough * v)))
    d = f"M-10,{H} L" + " L".join(f"{x},{y:.0f}" for x, y in points) + f" L{W + 10},{H}Z"
    text, name = gradient(((0, colour), (1, top or lighter(colour, .30))), y1=base - height, y2=base + 40, x2=0, units="userSpaceOnUse")
    return f"<defs>{text}</defs>" + path(d, f"url(#{name})")


def pine(x, y, h, colour):
    out = [rect(x - h * .03, y - h * .15, h * .06, h * .15, darker(colour, .5))]
    for k, (top, wide) in enumerate(((.10, .26), (.33, .21), (.56, .15))):
        yb = y - h * top
        out.append(path(f"M{x - h * wide:.1f},{yb:.1f} L{x:.1f},{yb - h * .44:.1f} L{x + h * wide:.1f},{yb:.1f}Z", mix(colour, "#ffffff", .06 * k)))
    return "".join(out)


def cypress(x, y, h, colour):
    return path(f"M{x - h * .09:.1f},{y} C{x - h * .14:.1f},{y - h * .4:.1f} {x - h * .05:.1f},{y - h * .8:.1f} {x},{y - h} "
                f"C{x + h * .05:.1f},{y - h * .8:.1f} {x + h * .14:.1f},{y - h * .4:.1f} {x + h * .09:.1f},{y}Z", colour)


def tree(x, y, h, colour):
    return (rect(x - h * .035, y - h * .4, h * .07, h * .4, "#5a4436") + circle(x, y - h * .62, h * .28, colour)
            + circle(x - h * .18, y - h * .5, h * .2, darker(colour, .12)) + circle(x + h * .17, y - h * .5, h * .19, lighter(colour, .08)))


def row(kind, y, colour, seed, n=16, h=(60, 120), span=(0, W)):
    rng = random.Random(seed)
    spots = sorted((rng.uniform(*span), rng.uniform(*h), rng.uniform(-6, 10)) for _ in range(n))
    return "".join(kind(x, y + dy, hh, mix(colour, "#ffffff", rng.uniform(0, .12))) for x, hh, dy in spots)


def road(p, y=700, snow=False, dashes=True):
    """A road seen from its side, with a verge in front."""
    c = p["road"]
    out = [shaded(0, y, W, H - y, ((0, p["ground"]), (1, darker(p["ground"], .3)))),
           shaded(0, y + 30, W, 128, ((0, lighter(c, .12)), (1, darker(c, .12)))),
           rect(0, y + 30, W, 5, "#ffffff", more='opacity=".55"'), rect(0, y + 151, W, 5, "#ffffff", more='opacity=".55"')]
    if dashes:
        out += [rect(x, y + 90, 90, 6, "#ffffff", 2, 'opacity=".6"') for x in range(-30, W, 190)]
    if snow:
        out += [path(f"M0,{y + 34} C400,{y + 18} 900,{y + 44} 1600,{y + 26} L1600,{y - 6} L0,{y - 6}Z", "#f6fafc")]
    rng = random.Random(y)
    for _ in range(46):
        x, gy, g = rng.uniform(0, W), rng.uniform(y + 172, H), rng.uniform(8, 20)
        out.append(line(((x - 7, gy - g), (x, gy), (x - 1, gy - g * 1.3), (x, gy), (x + 6, gy - g * .9)), lighter(p["ground"], .25) if not snow else "#c6d6e2", 2.5, 'opacity=".7"'))
    return "".join(out)


def landscape(name, seed=1, mountains=True, trees=pine, y=700, sun=(1180, 250, 58), snow=False, clouds=3):
    p = PALETTES[name]
    out = [sky(p, sun, clouds, seed), ridge(p["far"], 560, 300 if mountains else 140, seed, 1, mountains)]
    if mountains:
        out.append(ridge(p["mid"], 620, 250, seed + 1, 1, True))
    out += [ridge(p["near"] if mountains else p["mid"], 690, 150, seed + 2, .9), ridge(p["near"], y + 10, 70, seed + 3, .8)]
    if trees:
        out += [row(trees, y - 6, darker(p["near"], .18), seed, 22, (50, 110)), row(trees, y + 18, darker(p["near"], .34), seed + 5, 7, (110, 190))]
    return "".join(out) + road(p, y, snow)


def skyline(colour, base, seed, lit=None):
    rng, x, out = random.Random(seed), -20, []
    while x < W:
        w, h = rng.randint(60, 150), rng.randint(90, 330)
        out.append(rect(x, base - h, w, h, mix(colour, "#ffffff", rng.uniform(0, .12))))
        for wx in range(int(x) + 12, int(x + w) - 14, 22):
            floors = [wy for wy in range(int(base - h) + 16, base - 20, 28) if rng.random() < .5]
            out += [rect(wx, wy, 11, 15, lit or lighter(colour, .35), more=f'opacity="{.9 if lit else .5}"') for wy in floors]
        x += w + rng.randint(-8, 26)
    return "".join(out)


def factory(x, base, s, c, glass="#cfe6ef"):
    """A plant with saw-tooth roofs, tanks and a chimney."""
    out = [rect(640, -380, 46, 380, darker(c, .1)), rect(640, -380, 46, 26, "#c8574b"), rect(640, -334, 46, 26, "#c8574b"),
           rect(560, -290, 38, 290, darker(c, .18)), rect(560, -290, 38, 20, "#c8574b")]
    for k in range(4):
        x0 = k * 150
        out += [path(f"M{x0},-190 L{x0},-262 L{x0 + 150},-190Z", lighter(c, .18)), path(f"M{x0 + 8},-196 L{x0 + 8},-244 L{x0 + 104},-196Z", glass)]
    out += [shaded(0, -190, 600, 190, ((0, lighter(c, .1)), (1, darker(c, .22)))), rect(0, -190, 600, 12, darker(c, .3))]
    out += [rect(26 + k * 96, -146, 66, 44, glass, 3) for k in range(6)]
    out += [rect(40 + k * 190, -76, 110, 76, darker(c, .45), 4) for k in range(3)]
    out += [line(((40 + k * 190, -76 + r), (150 + k * 190, -76 + r)), darker(c, .2), 2) for k in range(3) for r in (16, 32, 48, 64)]
    for tx in (710, 800):
        out += [shaded(tx, -170, 78, 170, ((0, darker(c, .1)), (.35, lighter(c, .5)), (1, darker(c, .3))), 30, True), rect(tx, -100, 78, 8, darker(c, .3))]
    out.append(line(((600, -120), (710, -120)), darker(c, .3), 10))
    return f'<g transform="translate({x},{base}) scale({s})">{"".join(out)}</g>'


def cell(x, y, w, h, colour, level=.7):
    """A battery cell, cylindrical and upright."""
    return (shaded(x, y, w, h, ((0, darker(colour, .35)), (.3, lighter(colour, .5)), (.6, colour), (1, darker(colour, .4))), w * .18, True)
            + rect(x + w * .32, y - h * .06, w * .36, h * .08, "#c9ced6", 3) + rect(x, y + h * (1 - level), w, 5, "#ffffff", more='opacity=".5"')
            + rect(x, y + h * .12, w, h * .05, "#ffffff", more='opacity=".35"'))


def bolt(x, y, s, colour):
    return path(f"M{x + 12 * s},{y - 60 * s} L{x - 30 * s},{y + 8 * s} L{x - 2 * s},{y + 8 * s} L{x - 12 * s},{y + 60 * s} L{x + 30 * s},{y - 12 * s} L{x + 4 * s},{y - 12 * s}Z", colour)


def charger(x, y, s, colour, to=None):
    """A charging post; `to` is the point its cable leads to."""
    cable = path(f"M{x + 28 * s:.0f},{y - 120 * s:.0f} C{x + 90 * s:.0f},{y + 40 * s:.0f} {to[0] - 60},{y + 30} {to[0]},{to[1]}", "none",
                 'stroke="#1d222d" stroke-width="9" stroke-linecap="round"') if to else ""
    return (rect(x - 54 * s, y - 12 * s, 108 * s, 14 * s, "#3a4150", 4) + shaded(x - 40 * s, y - 270 * s, 80 * s, 262 * s, ((0, lighter(colour, .3)), (1, darker(colour, .25))), 16 * s)
            + rect(x - 27 * s, y - 246 * s, 54 * s, 66 * s, "#16202e", 6) + bolt(x, y - 213 * s, .42 * s, "#8ff0b4")
            + circle(x, y - 140 * s, 15 * s, "#16202e") + rect(x - 40 * s, y - 94 * s, 80 * s, 8 * s, "#ffffff", more='opacity=".6"') + cable)


def hall(wall, floor, accent, seed=1, arches=False):
    """An exhibition hall: lit back wall, truss with lamps, cones of light, mirror floor."""
    out = [shaded(0, 0, W, 640, ((0, darker(wall, .55)), (.6, wall), (1, lighter(wall, .14)))), shaded(0, 640, W, 260, ((0, darker(floor, .25)), (1, lighter(floor, .1))))]
    if arches:
        for k in range(6):
            x = 30 + k * 270
            out += [path(f"M{x},640 L{x},330 C{x},160 {x + 200},160 {x + 200},330 L{x + 200},640Z", lighter(wall, .22)),
                    *[line(((x + dx, 640), (x + dx, 240)), wall, 5) for dx in (50, 100, 150)], line(((x, 420), (x + 200, 420)), wall, 5)]
    else:
        out += [shaded(170 + k * 330, 190, 270, 400, ((0, lighter(accent, .12)), (1, darker(accent, .3))), 10) for k in range(4)]
        rng = random.Random(seed)
        out += [rect(200 + k * 330, 230 + r * 64, rng.randint(80, 200), 20, "#ffffff", 8, f'opacity="{.10 + .05 * r}"') for k in range(4) for r in range(2)]
    out += [rect(0, 84, W, 7, "#aab3c2"), rect(0, 118, W, 7, "#8b95a6")]
    out += [line(((x, 86), (x + 40, 122), (x + 80, 86)), "#9aa4b4", 4) for x in range(0, W, 80)]
    for x in (260, 620, 980, 1340):
        text, name = gradient(((0, "#fff7df", .42), (1, "#fff7df", 0)))
        out += [f"<defs>{text}</defs>", path(f"M{x - 14},146 L{x + 14},146 L{x + 210},700 L{x - 210},700Z", f"url(#{name})"),
                path(f"M{x - 22},122 L{x + 22},122 L{x + 15},152 L{x - 15},152Z", "#2a303d"), circle(x, 152, 12, "#fff7df")]
    return "".join(out)


def plinth(x, y, w, colour):
    return (f'<ellipse cx="{x}" cy="{y + 34}" rx="{w / 2}" ry="46" fill="{darker(colour, .5)}"/><rect x="{x - w / 2}" y="{y}" width="{w}" height="34" fill="{darker(colour, .35)}"/>'
            f'<ellipse cx="{x}" cy="{y}" rx="{w / 2}" ry="46" fill="{colour}"/><ellipse cx="{x}" cy="{y}" rx="{w / 2 - 18}" ry="38" fill="none" stroke="#ffffff" stroke-opacity=".5" stroke-width="3"/>')


def workshop(wall="#d9c7a8", floor="#8f8577", seed=1):
    """A workshop: tall windows, a board with tools, a bench, a tiled floor."""
    out = [shaded(0, 0, W, 660, ((0, darker(wall, .16)), (1, wall))), rect(0, 540, W, 120, darker(wall, .22)), rect(0, 536, W, 6, darker(wall, .4)),
           shaded(0, 660, W, 240, ((0, floor), (1, darker(floor, .3))))]
    out += [line(((x, 900), (800 + (x - 800) * .55, 660)), darker(floor, .2), 2, 'opacity=".6"') for x in range(-900, 2600, 150)]
    out += [line(((0, y), (W, y)), darker(floor, .2), 2, 'opacity=".6"') for y in (690, 735, 800)]
    for x in (70, 330):
        out += [rect(x - 10, 110, 230, 330, darker(wall, .45), 4), shaded(x, 120, 210, 310, ((0, "#bfe0ea"), (1, "#f3f6e6")))]
        out += [rect(x, 120 + k * 103, 210, 6, darker(wall, .45)) for k in (1, 2)] + [rect(x + 102, 120, 6, 310, darker(wall, .45))]
    out += [rect(640, 130, 420, 250, mix(wall, "#5a4634", .55), 6), rect(1140, 200, 380, 12, "#6b4f3a"), rect(1140, 330, 380, 12, "#6b4f3a")]
    rng = random.Random(seed)
    for k in range(9):
        x, c = 672 + k * 44, rng.choice(("#2f3542", "#b5483a", "#d8dde4", "#2f6f8f"))
        h = rng.randint(80, 170)
        out += [rect(x - 6, 160, 12, h, c, 5), rng.choice((circle(x, 164, 14, c), rect(x - 18, 152, 36, 20, c, 4), circle(x, 160 + h, 13, c)))]
    for shelf in (200, 330):
        x = 1155
        while x < 1480:
            w, h = rng.randint(26, 62), rng.randint(36, 92)
            out.append(rect(x, shelf - h, w, h, rng.choice(("#b5483a", "#2f6f8f", "#d9a441", "#5b8a5a", "#e8e2d4", "#3a4150")), 5))
            x += w + 10
    return "".join(out)


def lift(x, y, w, rise):
    out = [rect(x - w / 2 - 24, y - rise - 210, 30, rise + 214, "#c8574b", 4), rect(x + w / 2 - 6, y - rise - 210, 30, rise + 214, "#c8574b", 4)]
    out += [rect(x + sx * w / 2 - 34, y - 6, 68, 14, "#3a4150", 3) for sx in (-1, 1)]
    return "".join([*out, rect(x - w / 2, y - rise, w, 14, "#3a4150", 4)])


def track(p, seed=1):
    """A circuit: grandstand, fence, kerb and asphalt."""
    out = [sky(p, (1250, 210, 52), 3, seed), ridge(p["far"], 520, 170, seed), ridge(p["mid"], 570, 120, seed + 1), row(tree, 570, p["near"], seed, 18, (70, 130))]
    out += [path("M120,600 L120,400 L860,340 L860,600Z", "#56617a"), path("M96,396 L880,322 L880,300 L96,380Z", "#e9edf2")]
    rng = random.Random(seed)
    for r in range(6):
        for k in range(48):
            if rng.random() < .86:
                out.append(circle(138 + k * 15, 434 + r * 28 - k * 1.1, 6.5, rng.choice(("#e6b34a", "#c8574b", "#f3efe4", "#4f8fb5", "#7ab083", "#2f3542"))))
    out += [rect(0, 596, W, 44, "#eef1f4"), rect(0, 596, W, 8, "#c8574b"), shaded(0, 640, W, 260, ((0, p["ground"]), (1, darker(p["ground"], .3)))),
            shaded(0, 672, W, 190, ((0, lighter(p["road"], .1)), (1, darker(p["road"], .2))))]
    out += [rect(k * 80, 846, 80, 20, "#c8574b" if k % 2 else "#f6f4ee") for k in range(20)] + [rect(0, 676, W, 5, "#ffffff", more='opacity=".6"')]
    return "".join(out)


def reflection(body, y, opacity=.2):
    return f'<g opacity="{opacity}" transform="translate(0,{2 * y}) scale(1,-1)">{body}</g>'


def on_show(kind, colour, x, y, scale, flip=False, **more):
    """A car on a polished floor, with its mirror image."""
    return reflection(car(kind, colour, x, y, scale, flip, shadow=0, **more), y) + car(kind, colour, x, y, scale, flip, **more)


def person(x, y, h, coat, skin="#d9a583", hair="#3a2c24"):
    k = h / 100
    return (f'<g transform="translate({x},{y}) scale({k:.2f})"><path d="M-9,0 L-7,-46 L7,-46 L9,0 L2,0 L0,-36 L-2,0Z" fill="#2a3040"/>'
            f'<path d="M-13,-42 C-15,-66 -13,-80 0,-82 C13,-80 15,-66 13,-42Z" fill="{coat}"/><path d="M-12,-76 L-19,-46 L-14,-44 L-8,-68Z M12,-76 L19,-46 L14,-44 L8,-68Z" fill="{darker(coat, .2)}"/>'
            f'<circle cx="0" cy="-91" r="9" fill="{skin}"/><path d="M-9,-91 C-10,-103 10,-103 9,-91 C5,-97 -5,-97 -9,-91Z" fill="{hair}"/></g>')


def robot(x, y, s, flip=False, colour="#e08a3c"):
    """An arm of an assembly line."""
    f = -s if flip else s
    return (f'<g transform="translate({x},{y}) scale({f},{s})"><rect x="-46" y="-40" width="92" height="40" rx="6" fill="#3a4150"/>'
            + line(((0, -40), (-30, -190), (110, -290), (170, -210)), colour, 34) + line(((0, -40), (-30, -190), (110, -290)), lighter(colour, .25), 8)
            + "".join(circle(a, b, 24, "#3a4150") + circle(a, b, 10, "#aab3c2") for a, b in ((0, -44), (-30, -190), (110, -290)))
            + line(((170, -210), (186, -176)), "#3a4150", 16) + "</g>")
