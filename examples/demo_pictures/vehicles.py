"""Vehicles in side view, as SVG: each shape is a few bezier curves, facing right, wheels on y = 0.

One unit is about a centimetre of the real thing, so vehicles keep their sizes beside one another.
"""
import math
from dataclasses import dataclass

_ids = []


def reset_ids():
    """Number the gradients from nought again, so that a picture does not depend on the one before."""
    _ids.clear()


def new_id():
    _ids.append(f"i{len(_ids)}")
    return _ids[-1]


def mix(a, b, t):
    """The colour `t` of the way from `a` to `b` (both "#rrggbb")."""
    pairs = zip(bytes.fromhex(a[1:]), bytes.fromhex(b[1:]), strict=True)
    return "#" + "".join(f"{round(p + (q - p) * t):02x}" for p, q in pairs)


def lighter(colour, t):
    return mix(colour, "#ffffff", t)


def darker(colour, t):
    return mix(colour, "#0b1020", t)


def gradient(stops, x1=0, y1=0, x2=0, y2=1, units="objectBoundingBox"):
    """A linear gradient; `stops` are (offset, colour) or (offset, colour, opacity). Gives (definition, id)."""
    name = new_id()
    inner = "".join(
        f'<stop offset="{s[0]}" stop-color="{s[1]}" stop-opacity="{s[2] if len(s) > 2 else 1}"/>' for s in stops)
    return (f'<linearGradient id="{name}" gradientUnits="{units}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}">'
            f'{inner}</linearGradient>'), name


@dataclass
class Shape:
    """A vehicle seen from its right: outlines as SVG paths, places as numbers."""

    length: int
    body: str
    glass: str
    wheels: tuple          # rear x, front x, radius
    belt: int              # height of the window line
    pillars: tuple = ()    # lines (x1, y1, x2, y2)
    pillar_width: float = 5
    seams: tuple = ()      # door lines
    handles: tuple = ()
    shoulder: str = ""
    lamp: str = ""
    tail: str = ""
    sill: str = ""         # dark cladding
    rim: str = "alloy"
    painted_pillars: bool = False
    bumpers: tuple = ()    # chrome
    mirror: tuple = ()
    extra: str = ""        # over everything, {c} is the colour
    back: str = ""         # under everything


SHAPES = {
    "suv": Shape(
        470, "M8,-44 C4,-62 4,-80 9,-94 L13,-114 C17,-138 25,-158 42,-165 C60,-171 100,-173 165,-173 C232,-173 268,-169 290,-160 "
        "C310,-151 330,-130 347,-115 C392,-113 432,-108 450,-99 C462,-92 466,-80 466,-66 L466,-48 C466,-38 460,-32 450,-31 "
        "L30,-30 C16,-31 10,-36 8,-44Z",
        "M32,-117 C36,-140 44,-153 58,-158 C82,-163 120,-165 166,-165 C226,-165 262,-162 281,-154 C299,-145 316,-129 328,-115Z",
        (92, 372, 38), 116, ((112, -164, 106, -116), (204, -165, 206, -116)),
        seams=("M110,-116 C112,-90 116,-70 134,-44", "M206,-116 L208,-40", "M312,-114 C318,-90 316,-60 304,-40"),
        handles=((176, -102), (284, -102)), shoulder="M14,-108 C120,-112 250,-111 440,-99",
        lamp="M428,-96 C444,-95 456,-90 462,-82 L440,-80 C430,-82 426,-90 428,-96Z",
        tail="M10,-98 L12,-112 L30,-110 L26,-90 L10,-88Z", mirror=(318, -116),
        sill="M8,-48 L466,-50 L466,-40 C464,-33 458,-31 450,-31 L30,-30 C16,-31 10,-36 8,-48Z"),
    "suv_coupe": Shape(
        474, "M6,-46 C2,-68 4,-88 13,-100 C20,-109 28,-113 42,-115 C64,-136 104,-153 154,-158 C204,-162 252,-159 286,-147 "
        "C312,-136 332,-120 352,-109 C402,-107 440,-100 458,-90 C468,-82 470,-66 468,-50 C467,-38 460,-30 448,-29 L36,-29 "
        "C18,-30 8,-36 6,-46Z",
        "M60,-114 C84,-134 117,-147 158,-151 C206,-155 249,-152 278,-141 C299,-132 317,-121 331,-110Z",
        (96, 376, 39), 112, ((132, -148, 122, -112), (212, -153, 214, -111)),
        seams=("M122,-112 C124,-88 130,-64 142,-44", "M214,-111 L214,-38", "M318,-109 C326,-88 322,-60 310,-38"),
        handles=((186, -98), (292, -98)), shoulder="M14,-104 C130,-106 260,-106 450,-92",
        lamp="M424,-94 C444,-92 456,-88 464,-80 L438,-81 C428,-84 424,-90 424,-94Z",
        tail="M8,-92 L16,-103 L52,-106 L48,-97Z", mirror=(322, -111),
        sill="M6,-46 L468,-48 C467,-38 460,-30 448,-29 L36,-29 C18,-30 8,-36 6,-46Z"),
    "classic_suv": Shape(
        448, "M8,-44 L8,-110 L14,-118 C18,-150 22,-168 34,-174 C60,-178 200,-178 248,-174 C260,-172 268,-162 288,-120 L428,-115 "
        "C438,-114 441,-109 441,-100 L441,-44 L424,-36 L24,-36Z",
        "M26,-118 L36,-165 C70,-169 190,-169 242,-165 C252,-163 258,-153 273,-118Z",
        (88, 346, 37), 119, ((150, -170, 150, -118),), 8, ("M150,-118 L150,-50 C150,-44 156,-42 164,-42 L262,-42", "M280,-118 L270,-42"),
        ((166, -104),), "M9,-106 L440,-103", "M430,-108 L441,-107 L441,-90 L430,-90Z", "M8,-104 L18,-104 L18,-78 L8,-78Z",
        "M8,-52 L441,-52 L441,-44 L424,-36 L24,-36 L8,-44Z", "steel", True, ((2, -58, 20, 10), (428, -58, 20, 10)), (282, -120)),
    "offroad": Shape(
        404, "M8,-50 L9,-114 L22,-120 L32,-172 C34,-178 40,-181 48,-181 L222,-181 C232,-181 238,-176 242,-167 L262,-120 L376,-115 "
        "C388,-114 392,-108 392,-98 L392,-52 L380,-44 L20,-44Z",
        "M32,-121 L40,-166 C42,-171 46,-172 52,-172 L218,-172 C226,-172 230,-169 233,-162 L249,-121Z",
        (84, 316, 42), 121, ((108, -173, 108, -120), (172, -173, 172, -120)), 8,
        ("M108,-120 L108,-60", "M172,-120 L172,-52", "M256,-118 L254,-52"), ((150, -108), (226, -108)), "M10,-110 L390,-106",
        "M380,-106 L392,-105 L392,-86 L380,-86Z", "M8,-106 L18,-106 L18,-80 L8,-80Z",
        "M20,-92 L46,-104 L122,-104 L146,-52 L254,-52 L276,-104 L354,-104 L378,-92 L392,-60 L406,-58 L406,-44 L8,-44 L8,-62Z", "steel", True,
        mirror=(254, -122), back='<rect x="-20" y="-128" width="30" height="70" rx="9" fill="#20242e"/>'),
    "saloon": Shape(
        478, "M6,-46 C2,-66 4,-84 15,-92 C42,-101 80,-105 106,-107 C132,-124 160,-138 198,-141 C242,-144 276,-139 302,-123 L340,-103 "
        "C390,-99 440,-93 461,-79 C471,-70 474,-56 472,-44 C470,-32 462,-26 450,-25 L36,-25 C16,-26 8,-34 6,-46Z",
        "M120,-106 C142,-121 168,-132 200,-134 C239,-137 269,-132 291,-118 L316,-103Z",
        (97, 380, 34), 105, ((212, -136, 212, -104),), seams=("M134,-106 C132,-86 142,-62 148,-40", "M212,-104 L212,-34", "M304,-103 C316,-84 314,-56 306,-34"),
        handles=((180, -92), (284, -91)), shoulder="M16,-88 C130,-100 300,-98 454,-80",
        lamp="M428,-88 C446,-84 458,-79 466,-70 L440,-72 C432,-76 428,-82 428,-88Z", tail="M8,-78 L15,-91 L46,-96 L40,-80Z",
        mirror=(304, -105), sill="M8,-40 L472,-42 C470,-32 462,-26 450,-25 L36,-25 C20,-26 12,-32 8,-40Z"),
    "wagon": Shape(
        478, "M6,-46 C2,-66 4,-84 12,-98 C22,-118 36,-134 56,-138 C110,-145 200,-147 242,-143 C276,-139 300,-124 340,-103 "
        "C390,-99 440,-93 461,-79 C471,-70 474,-56 472,-44 C470,-32 462,-26 450,-25 L36,-25 C16,-26 8,-34 6,-46Z",
        "M32,-104 C42,-121 54,-130 70,-132 C120,-138 200,-139 238,-136 C266,-132 290,-119 316,-103Z",
        (97, 380, 34), 105, ((112, -137, 106, -104), (210, -139, 212, -104)),
        seams=("M106,-104 C112,-84 134,-62 146,-40", "M212,-104 L212,-34", "M304,-103 C316,-84 314,-56 306,-34"),
        handles=((180, -92), (284, -91)), shoulder="M12,-92 C130,-100 300,-98 454,-80",
        lamp="M428,-88 C446,-84 458,-79 466,-70 L440,-72 C432,-76 428,-82 428,-88Z", tail="M8,-82 L14,-98 L32,-98 L26,-80Z",
        mirror=(304, -105), sill="M8,-40 L472,-42 C470,-32 462,-26 450,-25 L36,-25 C20,-26 12,-32 8,-40Z",
        extra='<path d="M62,-139 C110,-147 190,-149 246,-143" fill="none" stroke="#2a2f3a" stroke-width="4"/>'),
    "hatch": Shape(
        368, "M6,-44 C2,-70 4,-90 10,-106 C14,-130 22,-144 40,-149 C80,-154 160,-154 200,-148 C226,-141 246,-120 264,-104 "
        "C302,-101 336,-93 352,-82 C364,-74 366,-60 364,-46 C363,-32 356,-27 344,-26 L34,-26 C16,-26 8,-32 6,-44Z",
        "M24,-106 C27,-128 34,-139 48,-142 C90,-146 155,-146 194,-141 C214,-136 232,-119 246,-104Z",
        (78, 290, 32), 105, ((78, -144, 70, -105), (150, -146, 152, -104)), seams=("M72,-105 C74,-88 90,-66 116,-44", "M152,-104 L152,-36", "M236,-104 C244,-84 242,-56 234,-36"),
        handles=((124, -92), (214, -91)), shoulder="M10,-98 C100,-101 230,-99 346,-82",
        lamp="M322,-90 C340,-86 352,-80 360,-70 L338,-70 C328,-74 322,-82 322,-90Z", tail="M9,-102 L14,-124 L24,-122 L22,-96Z",
        mirror=(238, -106), sill="M8,-40 L365,-42 C363,-32 356,-27 344,-26 L34,-26 C20,-26 12,-32 8,-40Z"),
    "boxy_hatch": Shape(
        388, "M6,-46 L8,-90 C10,-96 16,-100 24,-102 L60,-133 C66,-138 78,-140 100,-140 L192,-140 C204,-140 211,-137 219,-130 L252,-100 "
        "L366,-88 C378,-86 382,-81 382,-72 L384,-44 C384,-34 378,-28 366,-27 L30,-27 C14,-27 8,-34 6,-46Z",
        "M42,-100 L70,-128 C74,-132 82,-133 100,-133 L188,-133 C198,-133 204,-131 210,-125 L236,-100Z",
        (80, 308, 32), 101, ((92, -134, 88, -100), (160, -134, 160, -100)), 7, ("M88,-100 L114,-44", "M160,-100 L160,-36", "M240,-100 L244,-40"),
        ((134, -88), (220, -88)), "M8,-84 L380,-78", "M368,-84 L382,-80 L383,-66 L368,-68Z", "M8,-88 L20,-92 L20,-70 L7,-68Z",
        "M7,-44 L384,-46 C384,-34 378,-28 366,-27 L30,-27 C14,-27 8,-34 7,-44Z", "alloy", True, mirror=(228, -102),
        extra='<path d="M46,-146 L104,-144 L98,-138 L60,-133Z" fill="{d}"/>'),
    "sports": Shape(
        448, "M8,-50 C4,-68 10,-80 26,-88 C60,-100 98,-121 150,-128 C200,-133 242,-129 270,-113 L300,-95 C348,-93 400,-88 428,-72 "
        "C442,-64 446,-52 442,-38 C440,-28 432,-24 420,-23 L36,-23 C18,-24 10,-34 8,-50Z",
        "M92,-101 C116,-114 140,-120 166,-122 C206,-125 236,-121 258,-107 L276,-95 C220,-94 150,-95 92,-101Z",
        (88, 352, 35), 96, ((176, -124, 170, -95),), seams=("M168,-95 C160,-78 162,-50 166,-34", "M262,-95 C276,-78 276,-50 268,-32"),
        handles=((186, -82),), shoulder="M16,-80 C80,-94 200,-90 420,-72",
        lamp="M396,-84 C414,-82 428,-76 436,-64 L412,-66 C402,-70 396,-78 396,-84Z", tail="M8,-66 L14,-79 L44,-86 L36,-72Z",
        mirror=(258, -97), sill="M9,-40 L442,-40 C440,-28 432,-24 420,-23 L36,-23 C20,-24 12,-32 9,-40Z"),
    "classic_coupe": Shape(
        446, "M6,-54 C22,-74 60,-86 98,-99 C122,-113 150,-122 180,-121 C202,-120 218,-110 234,-89 C292,-92 372,-86 416,-69 "
        "C434,-62 442,-54 441,-46 C440,-38 432,-32 418,-29 L30,-27 C16,-30 6,-40 6,-54Z",
        "M104,-94 C128,-107 152,-114 178,-113 C194,-112 205,-104 217,-89 C180,-88 140,-89 104,-94Z",
        (94, 348, 33), 92, ((160, -114, 154, -90),), 6, ("M152,-90 C148,-70 150,-48 156,-36", "M228,-89 C238,-70 236,-50 230,-36"), ((166, -78),),
        "M14,-60 C100,-80 300,-80 428,-58", "M396,-76 C414,-72 424,-64 428,-56 L406,-60 C398,-66 394,-72 396,-76Z",
        "M10,-58 L34,-70 L34,-60 L12,-52Z", "", "wire", True, ((0, -50, 34, 6), (420, -48, 26, 6)), (226, -92)),
    "roadster": Shape(
        420, "M6,-52 C18,-72 52,-82 96,-86 C116,-88 128,-84 136,-78 L206,-80 C212,-86 222,-88 236,-87 C290,-88 350,-82 392,-68 "
        "C410,-60 416,-52 415,-44 C413,-36 406,-30 392,-28 L30,-26 C14,-28 6,-38 6,-52Z",
        "M206,-84 L196,-116 L202,-117 L220,-86Z", (88, 322, 33), 86, (), 5,
        ("M140,-78 C138,-60 142,-44 150,-36", "M208,-80 C214,-62 212,-46 208,-36"), ((150, -68),),
        "M14,-58 C100,-76 280,-76 402,-56", "M372,-74 C390,-70 400,-62 404,-54 L382,-58 C374,-64 370,-70 372,-74Z",
        "M10,-56 L32,-68 L32,-58 L12,-50Z", "", "wire", True, ((0, -48, 32, 6), (396, -46, 24, 6)), (),
        back='<path d="M116,-82 C114,-104 128,-112 138,-106 C146,-100 146,-84 144,-74Z" fill="#6d3f2a"/>'
             '<path d="M176,-74 L186,-98" stroke="#20242e" stroke-width="4"/><ellipse cx="187" cy="-99" rx="4" ry="13" '
             'transform="rotate(-24 187 -99)" fill="none" stroke="#20242e" stroke-width="4"/>'),
    "tiny": Shape(
        298, "M6,-46 C3,-64 12,-80 32,-92 C46,-114 64,-130 98,-133 C136,-135 166,-131 183,-117 C192,-108 199,-95 205,-86 "
        "C237,-84 264,-77 277,-63 C287,-52 289,-40 285,-31 L272,-25 L26,-25 C14,-27 8,-35 6,-46Z",
        "M54,-93 C64,-112 80,-123 102,-124 C136,-126 158,-122 171,-111 C178,-104 184,-96 189,-87 C142,-87 94,-89 54,-93Z",
        (66, 230, 27), 90, ((112, -125, 106, -88),), 6, ("M104,-88 C100,-70 104,-48 110,-34", "M192,-87 C200,-70 198,-50 190,-34"), ((118, -76),),
        "M16,-70 C80,-84 200,-80 274,-62", "M256,-72 C268,-70 276,-62 279,-54 L266,-54 C258,-58 254,-66 256,-72Z",
        "M9,-58 L16,-70 L24,-66 L18,-54Z", "", "hubcap", True, ((0, -44, 28, 6), (266, -42, 24, 6)), (194, -90)),
    "beetle": Shape(
        402, "M4,-42 C6,-72 32,-94 62,-102 C92,-132 132,-148 176,-149 C222,-150 252,-140 270,-112 L278,-99 C312,-98 346,-91 364,-77 "
        "C380,-66 390,-50 390,-36 C390,-30 386,-27 378,-27 L20,-27 C8,-28 4,-34 4,-42Z",
        "M92,-104 C114,-126 142,-139 178,-140 C216,-141 240,-132 254,-110 L260,-100 C200,-98 140,-99 92,-104Z",
        (82, 312, 33), 101, ((164, -141, 158, -100),), 9, ("M156,-100 C152,-76 154,-52 160,-38", "M262,-100 C270,-76 268,-52 260,-38"), ((170, -84),),
        "M24,-80 C110,-96 260,-94 372,-70", "M340,-84 C356,-82 368,-74 372,-64 L354,-64 C344,-70 340,-78 340,-84Z",
        "M12,-66 L22,-80 L32,-74 L24,-60Z", "", "hubcap", True, ((-6, -48, 34, 7), (370, -46, 32, 7)), (264, -104)),
    "single_seater": Shape(
        500, "M30,-58 C80,-66 120,-96 150,-104 C166,-106 176,-96 182,-80 L226,-76 C240,-80 262,-76 284,-68 C360,-60 430,-42 470,-26 "
        "L474,-18 L60,-16 C44,-20 34,-36 30,-58Z", "M190,-78 C196,-96 216,-98 222,-78Z", (88, 400, 36), 70, (), 4, (), (),
        "M40,-50 C150,-60 300,-56 460,-26", "M480,-25 L498,-26 L498,-20 L480,-20Z", "M20,-76 L34,-78 L34,-66 L22,-64Z", "", "alloy",
        extra='<path d="M446,-16 L512,-20 L514,-34 L504,-36 L500,-27 L452,-28Z" fill="{d}"/><path d="M2,-112 L62,-118 L62,-108 L14,-100 L14,-64 L4,-60Z M48,-112 L58,-112 L66,-70 L56,-66Z" fill="{d}"/>'
              '<path d="M186,-84 C200,-112 232,-104 250,-76" fill="none" stroke="#20242e" stroke-width="5"/>'),
}


def wheel(x, radius, rim):
    """A wheel that stands on y = 0."""
    y, r = -radius, radius
    out = [f'<circle cx="{x}" cy="{y}" r="{r}" fill="#171a22"/>',
           f'<circle cx="{x}" cy="{y}" r="{r * .93:.1f}" fill="none" stroke="#2b303c" stroke-width="{r * .06:.1f}"/>']

    def spokes(n, inner, outer, width, colour):
        for k in range(n):
            a = math.tau * k / n - math.pi / 2
            c, s = math.cos(a), math.sin(a)
            out.append(f'<line x1="{x + c * r * inner:.1f}" y1="{y + s * r * inner:.1f}" x2="{x + c * r * outer:.1f}" '
                       f'y2="{y + s * r * outer:.1f}" stroke="{colour}" stroke-width="{r * width:.1f}"/>')

    def disc(size, colour):
        out.append(f'<circle cx="{x}" cy="{y}" r="{r * size:.1f}" fill="{colour}"/>')

    if rim == "alloy":
        disc(.70, "#3a404d"), disc(.46, "#6b7280")
        spokes(5, .1, .68, .17, "#d5dae2"), spokes(10, .3, .68, .05, "#aeb5c1")
        out.append(f'<circle cx="{x}" cy="{y}" r="{r * .68:.1f}" fill="none" stroke="#c3c9d3" stroke-width="{r * .07:.1f}"/>')
        disc(.14, "#8b92a0")
    elif rim == "steel":
        disc(.66, "#c9ced6"), disc(.56, "#aab1bd")
        for k in range(8):
            a = math.tau * k / 8
            out.append(f'<circle cx="{x + math.cos(a) * r * .42:.1f}" cy="{y + math.sin(a) * r * .42:.1f}" r="{r * .085:.1f}" fill="#4a505c"/>')
        disc(.22, "#e6e9ee"), disc(.1, "#7c8391")
    elif rim == "wire":
        disc(.70, "#394050"), spokes(24, .1, .68, .03, "#e8ebf0")
        out.append(f'<circle cx="{x}" cy="{y}" r="{r * .69:.1f}" fill="none" stroke="#dfe3ea" stroke-width="{r * .08:.1f}"/>')
        disc(.2, "#e8ebf0"), disc(.08, "#8b92a0")
    else:
        disc(.70, "#e9e4d6"), disc(.54, "#b7bdc7"), disc(.46, "#dfe3ea"), disc(.2, "#f5f6f8")
    return "".join(out)


def car(kind, colour, x, y, scale=1.0, flip=False, lit=False, rim=None, roof=None, shadow=.38, stripe=None, extra="", wheels=True):
    """One vehicle whose wheels touch the ground at `y`; `x` is its middle. `flip` turns it to face left."""
    s = SHAPES[kind]
    defs, c = [], colour
    rear, front, radius = s.wheels

    def paint(stops, **where):
        text, name = gradient(stops, **where)
        defs.append(text)
        return f"url(#{name})"

    clip, glass_clip = new_id(), new_id()
    defs.append(f'<clipPath id="{clip}"><path d="{s.body}"/></clipPath><clipPath id="{glass_clip}"><path d="{s.glass}"/></clipPath>')
    coat = paint([(0, lighter(c, .38)), (.34, lighter(c, .10)), (.52, c), (1, darker(c, .42))])
    pane = paint([(0, "#9fb9cb"), (.45, "#4a6378"), (1, "#1d2a3a")])
    dark = darker(c, .55)
    out = [s.back, f'<path d="{s.body}" fill="{coat}"/><g clip-path="url(#{clip})">']
    if roof:
        out.append(f'<path d="M0,-{s.belt + 2} L{s.length},-{s.belt - 4} L{s.length},-220 L0,-220Z" fill="{roof}"/>')
    out.append(f'<path d="M0,-{s.belt * .62:.0f} C{s.length * .3:.0f},-{s.belt * .5:.0f} {s.length * .7:.0f},-{s.belt * .5:.0f} {s.length},-{s.belt * .58:.0f} '
               f'L{s.length},0 L0,0Z" fill="#0b1020" opacity=".16"/>')
    if stripe:
        out.append(f'<path d="M0,-{s.belt * .80:.0f} L{s.length},-{s.belt * .72:.0f} L{s.length},-{s.belt * .60:.0f} L0,-{s.belt * .66:.0f}Z" fill="{stripe}"/>')
    if s.sill:
        out.append(f'<path d="{s.sill}" fill="#242935"/>')
    if s.shoulder:
        out.append(f'<path d="{s.shoulder}" fill="none" stroke="#ffffff" stroke-opacity=".5" stroke-width="3"/>')
    if kind != "single_seater":
        out += [f'<circle cx="{wx}" cy="-{radius}" r="{radius + 6}" fill="#12151d"/>' for wx in (rear, front)]
    out.append("</g>")
    out += [f'<path d="{d}" fill="none" stroke="{dark}" stroke-opacity=".75" stroke-width="1.8"/>' for d in s.seams]
    out += [f'<rect x="{hx - 11}" y="{hy}" width="20" height="4.5" rx="2" fill="{dark}"/>' for hx, hy in s.handles]
    out.append(f'<path d="{s.glass}" fill="{pane}" stroke="#1b212c" stroke-width="2.5"/><g clip-path="url(#{glass_clip})">')
    for gx in (s.length * .28, s.length * .52):
        out.append(f'<path d="M{gx:.0f},0 L{gx + 90:.0f},-200 L{gx + 122:.0f},-200 L{gx + 32:.0f},0Z" fill="#ffffff" opacity=".16"/>')
    out.append("</g>")
    pillar = roof or c if s.painted_pillars else "#161b25"
    out += [f'<line x1="{a}" y1="{b}" x2="{d}" y2="{e}" stroke="{pillar}" stroke-width="{s.pillar_width}"/>' for a, b, d, e in s.pillars]
    out += [f'<path d="{s.lamp}" fill="{"#fff6cf" if lit else "#eef4f8"}" stroke="#2a303c" stroke-width="1.2"/>',
            f'<path d="{s.tail}" fill="{"#ff4b3e" if lit else "#c22f35"}"/>']
    out += [f'<rect x="{bx}" y="{by}" width="{bw}" height="{bh}" rx="3" fill="#dfe3ea" stroke="#9aa1ad"/>' for bx, by, bw, bh in s.bumpers]
    if s.mirror:
        mx, my = s.mirror
        out.append(f'<path d="M{mx - 20},{my - 13} L{mx - 4},{my - 13} C{mx},{my - 13} {mx},{my - 1} {mx - 4},{my} L{mx - 18},{my}Z" fill="{darker(c, .25)}"/>')
    out.append(s.extra.replace("{d}", dark).replace("{c}", c))
    if wheels:
        out += [wheel(rear, radius, rim or s.rim), wheel(front, radius, rim or s.rim)]
    out.append(extra)
    ground = ""
    if shadow:
        name = new_id()
        defs.append(f'<radialGradient id="{name}"><stop offset="0" stop-color="#05070d" stop-opacity="{shadow * 1.6:.2f}"/>'
                    f'<stop offset=".7" stop-color="#05070d" stop-opacity="{shadow:.2f}"/><stop offset="1" stop-color="#05070d" stop-opacity="0"/></radialGradient>')
        ground = f'<ellipse cx="{s.length / 2}" cy="-2" rx="{s.length * .54:.0f}" ry="15" fill="url(#{name})"/>'
    beam = ""
    if lit:
        light = paint([(0, "#fff3c0", .55), (1, "#fff3c0", 0)], x1=s.length - 10, x2=s.length + 330, y1=0, y2=0, units="userSpaceOnUse")
        by = s.belt * .72
        beam = f'<path d="M{s.length - 12},-{by + 6:.0f} L{s.length + 330},-{by + 30:.0f} L{s.length + 330},6 L{s.length - 12},-{by - 10:.0f}Z" fill="{light}"/>'
    sx = -scale if flip else scale
    return (f'<g transform="translate({x},{y}) scale({sx:.3f},{scale:.3f}) translate({-s.length / 2},0)"><defs>{"".join(defs)}</defs>'
            f'{ground}{"".join(out)}{beam}</g>')


def transporter(x, y, scale, colour, cars, flip=False):
    """A car transporter: a cab and two decks; `cars` are (kind, colour) pairs, the lower deck first."""
    rail = "#3b4252"
    out = ['<ellipse cx="560" cy="-2" rx="640" ry="20" fill="#05070d" opacity=".35"/>']
    out += [f'<rect x="20" y="-{h}" width="830" height="14" rx="3" fill="{rail}"/>' for h in (88, 262)]
    out += [f'<path d="M{px},-250 L{px + dx},-88" stroke="{rail}" stroke-width="11"/>' for px, dx in ((40, 0), (200, 40), (440, 0), (620, 30), (838, 0))]
    for k, (kind, tint) in enumerate(cars):
        row, place = divmod(k, 2)
        out.append(car(kind, tint, 236 + place * 410, -88 - row * 174, .80, shadow=0))
    out += [wheel(wx, 44, "steel") for wx in (150, 250, 640)]
    out += [f'<rect x="840" y="-104" width="330" height="40" fill="{rail}"/>',
            f'<path d="M884,-92 L884,-286 C884,-306 896,-316 916,-316 L1080,-316 C1112,-316 1126,-300 1136,-270 L1160,-190 L1168,-60 L884,-60Z" fill="{colour}"/>',
            f'<path d="M884,-120 L1164,-120 L1168,-60 L884,-60Z" fill="{darker(colour, .35)}"/>',
            '<path d="M1010,-284 L1082,-284 C1098,-284 1104,-276 1110,-258 L1130,-196 L1010,-196Z" fill="#35495c"/>',
            '<path d="M1030,-284 L1060,-284 L1030,-196 L1010,-196 L1010,-230Z" fill="#ffffff" opacity=".18"/>',
            f'<path d="M1000,-296 L1000,-110" stroke="{darker(colour, .5)}" stroke-width="2"/>',
            '<rect x="1146" y="-112" width="22" height="26" rx="4" fill="#fff3cf"/><rect x="1128" y="-250" width="16" height="46" rx="5" fill="#222834"/>']
    out += [wheel(wx, 48, "steel") for wx in (900, 1084)]
    sx = -scale if flip else scale
    return f'<g transform="translate({x},{y}) scale({sx:.3f},{scale:.3f}) translate(-585,0)">{"".join(out)}</g>'
