"""Places: sky, weather and ground behind the things."""

import cv2
import numpy as np

from scenes.painters.primitives import (
    SCALE,
    SIZE,
    Pen,
    band,
    ellipse,
    gradient_fill,
    mix,
    paint,
    rectangle,
    smooth,
    stroke,
    tint,
)

SKIES = {
    "day": ((96, 178, 238), (214, 238, 250)),
    "sunset": ((120, 92, 170), (255, 176, 92)),
    "night": ((40, 56, 122), (112, 128, 186)),
    "gray": ((150, 166, 182), (208, 216, 222)),
}


def draw_place(canvas, scene, rng):
    """Draw the background of a scene.

    Args:
        canvas: An empty canvas.
        scene: What `sample_scene` returned; place, light, weather and layout are read.
        rng: NumPy generator for the details that no caption speaks of.
    """
    canvas.thing = 0
    _sky(canvas, scene, rng)
    GROUNDS[scene["place"]](canvas, scene, rng)
    if scene["road"]:
        _road(canvas, scene, rng)


def _sky(canvas, scene, rng):
    """Draw the sky with sun, moon, stars and clouds."""
    light, weather = scene["light"], scene["weather"]
    gray = weather in ("rainy", "snowy", "cloudy") and light == "day"
    top, bottom = SKIES["gray" if gray else light]
    frame = [(0, 0), (SIZE, 0), (SIZE, 150), (0, 150)]
    gradient_fill(canvas, frame, top, bottom, (0, 130))
    x = float(rng.uniform(22, 66))
    hidden = scene["place"] == "forest" or (scene["place"] == "street" and light == "sunset")
    if light == "night":
        _stars(canvas, rng)
    if not hidden:
        _sun_or_moon(canvas, scene, x, rng)
    _clouds(canvas, light, weather, x, rng)


def _stars(canvas, rng):
    """Draw small stars."""
    for x, y, r in zip(
        rng.uniform(0, SIZE, 34), rng.uniform(0, 90, 34), rng.uniform(0.4, 1.1, 34), strict=True
    ):
        paint(canvas, [ellipse(x, y, r, count=8)], (255, 255, 240), 0)


def _sun_or_moon(canvas, scene, x, rng):
    """Draw what shines from the upper left: the sun, high or low, or the moon."""
    light, weather = scene["light"], scene["weather"]
    high = (17, 22) if scene["place"] == "street" else (22, 42)  # clear of the roofs
    if light == "sunset":
        y = scene["horizon"] - float(rng.uniform(16, 26))
        canvas.glow(x, y, 70, (255, 214, 130), 0.5, behind=True)
        paint(canvas, [ellipse(x, y, 19, count=40)], (255, 214, 96), 0)
        canvas.glow(x, y, 19, (255, 240, 170), 0.8, behind=True)
    elif light == "night" and weather != "rainy":
        y = float(rng.uniform(*high))
        paint(canvas, [ellipse(x, y, 13, count=36)], (255, 250, 214), 0)
        canvas.glow(x, y, 20, (255, 252, 226), 1.0, behind=True)
        canvas.glow(x, y, 46, (190, 204, 255), 0.35, behind=True)
    elif light == "day" and weather == "sunny":
        y = float(rng.uniform(*high))
        canvas.glow(x, y, 52, (255, 250, 214), 0.5, behind=True)
        paint(canvas, [ellipse(x, y, 15, count=40)], (255, 224, 74), 0.3)


def _clouds(canvas, light, weather, free, rng):
    """Draw a few clouds, gray ones when it rains; around x = `free` the sky stays open."""
    count = {"sunny": 2, "clear": 2, "cloudy": 6, "rainy": 6, "snowy": 4}[weather]
    color = (255, 255, 255)
    if weather in ("rainy", "cloudy"):
        color = (172, 182, 194) if weather == "rainy" else (236, 240, 244)
    elif light == "sunset":
        color = (255, 186, 160)
    elif light == "night":
        color = (96, 112, 166)
    for _ in range(count):
        x, y, size = rng.uniform(0, SIZE), rng.uniform(14, 66), rng.uniform(11, 20)
        if weather in ("sunny", "clear", "snowy") and abs(x - free) < 48:
            x = free + rng.uniform(60, SIZE - free)
        puffs = [ellipse(x + dx * size, y - dy * size, r * size, r * size * 0.8, count=20)
                 for dx, dy, r in ((-1.2, 0, 0.55), (-0.4, 0.3, 0.75), (0.5, 0.22, 0.7),
                     (1.25, 0, 0.5), (0, 0, 0.6))]  # fmt: skip
        flat = ellipse(x, y + 0.12 * size, 1.55 * size, 0.36 * size)
        paint(canvas, [*puffs, flat], color, 0.45)


def _hill(canvas, rng, y, rise, top, bottom, waves=2):
    """Draw a rolling line of hills."""
    xs = np.linspace(-6, SIZE + 6, 5 + waves)
    ys = y - rise * rng.random(len(xs))
    line = smooth(np.stack([xs, ys], 1), 10, closed=False)
    gradient_fill(canvas, band(line), top, bottom, (y - rise, SIZE))


def _specks(canvas, rng, y0, color, count):
    """Draw small grass blades or pebbles, larger toward the viewer."""
    for _ in range(count):
        y = y0 + (SIZE - y0) * rng.random() ** 0.8
        x, near = rng.uniform(0, SIZE), 0.4 + 0.9 * (y - y0) / (SIZE - y0)
        size = 1.2 * near
        points = np.array([(x, y), (x + rng.uniform(-0.5, 0.5) * size, y - size)])
        stroke(canvas, points, 0.6 + 0.5 * near, color)


def _tufts(canvas, rng, y0, color, count):
    """Draw tufts of grass."""
    for _ in range(count):
        y = rng.uniform(y0 + 6, SIZE)
        x, near = rng.uniform(0, SIZE), 0.5 + (y - y0) / (SIZE - y0)
        for lean in (-2.2, 0, 2.2):
            stroke(canvas, np.array([(x, y), (x + lean * near, y - 4.5 * near)]), 0.9, color)


def _far_trees(canvas, rng, y, color, count=16, size=9):
    """Draw a far line of round tree tops."""
    xs = np.sort(rng.uniform(-5, SIZE + 5, count))
    tops = [
        ellipse(
            x,
            y - rng.uniform(0, size * 0.4),
            rng.uniform(0.7, 1.2) * size,
            rng.uniform(0.7, 1) * size,
            count=16,
        )
        for x in xs
    ]
    paint(canvas, tops, color, 0.35)


def _park(canvas, scene, rng):
    h = scene["horizon"]
    _hill(canvas, rng, h, 26, (150, 198, 140), (120, 180, 110))
    _far_trees(canvas, rng, h + 1, (98, 158, 92))
    _hill(canvas, rng, h + 8, 7, (152, 208, 96), (96, 170, 66))
    x = rng.uniform(60, 170)
    left = smooth([(x, h + 5), (x - 24, h + 30), (x + 6, h + 62), (x - 52, SIZE + 2)], closed=False)
    right = smooth(
        [(x + 7, h + 5), (x - 8, h + 30), (x + 44, h + 62), (x + 26, SIZE + 2)], closed=False
    )
    gradient_fill(canvas, np.concatenate([left, right[::-1]]), (236, 218, 172), (224, 200, 148))
    _tufts(canvas, rng, h + 12, (82, 150, 58), 16)
    for _ in range(10):
        px, py = rng.uniform(0, SIZE), rng.uniform(h + 22, SIZE)
        paint(
            canvas,
            [ellipse(px, py, 1.3, count=8)],
            (255, 250, 240) if rng.random() < 0.5 else (255, 226, 120),
            0,
        )


def _waves(canvas, rng, y0, y1, color, count):
    """Draw short light wave lines on water."""
    for _ in range(count):
        y = rng.uniform(y0, y1)
        x, half = rng.uniform(0, SIZE), 3 + 9 * (y - y0) / max(y1 - y0, 1)
        line = smooth(
            [(x - half, y), (x - half / 3, y - 1.1), (x + half / 3, y + 0.5), (x + half, y - 0.4)],
            5,
            closed=False,
        )
        stroke(canvas, line, 0.9, color)


def _beach(canvas, scene, rng):
    h, shore = scene["horizon"], scene["shore"]
    sea = [(-2, h), (SIZE + 2, h), (SIZE + 2, shore + 14), (-2, shore + 14)]
    gradient_fill(canvas, sea, (40, 130, 198), (98, 206, 222))
    _waves(canvas, rng, h + 4, shore - 4, (190, 236, 244), 26)
    xs = np.linspace(-6, SIZE + 6, 9)
    line = smooth(np.stack([xs, shore + rng.uniform(-3, 3, 9)], 1), closed=False)
    gradient_fill(canvas, band(line - (0, 3)), (250, 254, 255), (250, 254, 255))
    gradient_fill(canvas, band(line + (0, 1)), (214, 178, 122), (214, 178, 122))
    gradient_fill(canvas, band(line + (0, 7)), (246, 222, 162), (238, 202, 134), (shore, SIZE))
    _specks(canvas, rng, shore + 12, (222, 186, 122), 60)
    for _ in range(4):
        x, y = rng.uniform(0, SIZE), rng.uniform(shore + 22, SIZE - 4)
        paint(
            canvas,
            [ellipse(x, y, 2.4, 1.7, count=12)],
            (255, 238, 226) if rng.random() < 0.5 else (240, 170, 150),
            0.6,
        )


FRONTS = [
    (206, 132, 108), (228, 200, 150), (160, 178, 190), (214, 170, 130), (186, 150, 160),
    (232, 216, 188),
]  # fmt: skip


def _front(canvas, rng, x, width, ground):
    """Draw the front of a town house from x to x + width, with windows, door and roof edge."""
    top, color = rng.uniform(26, 62), FRONTS[rng.integers(len(FRONTS))]
    dark, roof = tint(color, -0.5), tint(color, -0.3)
    gradient_fill(canvas, rectangle(x, top, x + width, ground + 2), tint(color, 0.12), color)
    gradient_fill(canvas, rectangle(x - 1, top - 4, x + width + 1, top + 1), roof, roof)
    glass = (255, 222, 120) if canvas.dark else (158, 196, 220)
    columns = int(width // 15)
    for wx in x + (np.arange(columns) + 0.5) * width / columns:
        for wy in np.arange(top + 9, ground - 28, 19):
            lit = not canvas.dark or rng.random() < 0.6
            frame = rectangle(wx - 5.2, wy - 1.2, wx + 5.2, wy + 12.2)
            paint(canvas, [frame], (246, 242, 232), 0)
            pane = rectangle(wx - 4, wy, wx + 4, wy + 11)
            paint(canvas, [pane], glass if lit else (84, 98, 128), 0)
            if canvas.dark and lit:
                canvas.glow(wx, wy + 5, 11, (255, 214, 110), 0.55, behind=True)
    door = x + width / 2
    paint(canvas, [rectangle(door - 6, ground - 21, door + 6, ground + 2)], dark, 0.3)


def _street(canvas, scene, rng):
    h = scene["horizon"]
    x = rng.uniform(-20, 0)
    while x < SIZE:
        width = rng.uniform(44, 66)
        _front(canvas, rng, x, width, h)
        x += width
    strips = (
        (h, h + 12, (206, 202, 196), (190, 186, 182)),
        (h + 12, h + 15, (150, 148, 148), (140, 138, 140)),
        (h + 15, 194, (112, 114, 122), (92, 94, 102)),
        (194, 197, (160, 158, 158), (150, 148, 148)),
        (197, SIZE + 1, (210, 206, 200), (190, 186, 180)),
    )
    for y0, y1, top, bottom in strips:
        gradient_fill(canvas, rectangle(0, y0, SIZE, y1), top, bottom)
    y = (h + 15 + 194) / 2
    for x in np.arange(rng.uniform(-30, 0), SIZE, 42):
        dash = np.array([(x, y), (x + 22, y), (x + 20, y + 3), (x - 2, y + 3)])
        paint(canvas, [dash], (244, 240, 226), 0)
    for x in np.arange(rng.uniform(-20, 10), SIZE + 20, 32):
        stroke(canvas, np.array([(x, 198.0), (x - 8, 224.0)]), 0.7, (168, 164, 160))


def _snow(canvas, scene, rng):
    h = scene["horizon"]
    peaks = np.array(
        [(-10, h), (20, h - 34), (52, h - 6), (92, h - 54), (132, h - 12), (176, h - 42), (236, h)]
    )
    peaks = peaks + np.stack([np.zeros(7), rng.uniform(-9, 9, 7)], 1)
    gradient_fill(canvas, band(peaks, h + 20), (196, 212, 234), (226, 236, 246))
    for b, c in ((1, 2), (3, 4), (5, 6)):
        ridge = [
            peaks[b],
            peaks[b] + (7, 20),
            peaks[b] + (2, 30),
            (peaks[b] + peaks[c]) / 2 + (0, 8),
            peaks[c],
        ]
        gradient_fill(canvas, np.array(ridge), (158, 180, 214), (198, 212, 234))
    for x in np.sort(rng.uniform(-5, SIZE + 5, 14)):
        s = rng.uniform(10, 17)
        y = h + rng.uniform(2, 6)
        paint(
            canvas,
            [np.array([(x - s * 0.34, y), (x + s * 0.34, y), (x, y - s)])],
            (122, 158, 160),
            0.3,
        )
    _hill(canvas, rng, h + 14, 14, (250, 252, 255), (224, 234, 246))
    _hill(canvas, rng, h + 40, 16, (255, 255, 255), (226, 234, 246))
    for _ in range(7):
        x, y = rng.uniform(0, SIZE), rng.uniform(h + 40, SIZE - 4)
        line = smooth([(x - 12, y), (x, y - 2), (x + 13, y + 1)], 6, closed=False)
        stroke(canvas, line, 1.2, (206, 220, 238))


def _lake(canvas, scene, rng):
    h, shore = scene["horizon"], scene["shore"]
    _hill(canvas, rng, h, 40, (132, 172, 176), (120, 170, 150))
    _hill(canvas, rng, h + 2, 16, (104, 160, 104), (90, 150, 90), 4)
    _far_trees(canvas, rng, h + 1, (72, 132, 88), 18, 7)
    water = [(-2, h + 3), (SIZE + 2, h + 3), (SIZE + 2, SIZE + 2), (-2, SIZE + 2)]
    gradient_fill(canvas, water, (92, 166, 208), (52, 126, 184), (h, shore + 20))
    _waves(canvas, rng, h + 8, shore, (168, 214, 236), 24)
    xs = np.linspace(-6, SIZE + 6, 8)
    line = smooth(np.stack([xs, shore + rng.uniform(-4, 4, 8)], 1), closed=False)
    gradient_fill(canvas, band(line - (0, 2)), (196, 190, 140), (186, 180, 130))
    gradient_fill(canvas, band(line + (0, 2)), (134, 190, 84), (92, 160, 62))
    _tufts(canvas, rng, shore + 4, (70, 136, 54), 12)
    for x in np.concatenate([rng.uniform(0, 26, 4), rng.uniform(SIZE - 26, SIZE, 4)]):
        top = shore - rng.uniform(12, 24)
        stroke(canvas, np.array([(x, shore + 6), (x + 1.5, top)]), 1.1, (88, 136, 60))
        paint(canvas, [ellipse(x + 1.5, top, 1.4, 4.2, count=12)], (126, 84, 50), 0.5)


def _trunks(canvas, rng, y, count, wide, color):
    """Draw a row of tree trunks that reach out of the picture."""
    for x in (np.arange(count) + rng.uniform(0.1, 0.9, count)) * SIZE / count:
        top, middle, foot = 0.34 * wide, 0.4 * wide, 0.62 * wide
        lean = x + rng.uniform(-3, 3)
        left = [(x - foot, y + 3), (x - middle, y - 50), (lean - top, -4)]
        right = [(lean + top, -4), (x + middle, y - 50), (x + foot, y + 3)]
        paint(canvas, [np.array([*left, *right])], color, 0.6)


def _forest(canvas, scene, rng):
    h, whole = scene["horizon"], rectangle(0, 0, SIZE, SIZE)
    top, bottom = (170, 206, 150), (198, 222, 160)
    if scene["light"] != "day":
        sky = SKIES[scene["light"]][1]
        top, bottom = mix((120, 160, 120), sky, 0.4), mix((150, 180, 130), sky, 0.4)
    gradient_fill(canvas, whole, top, bottom, (30, h))
    rows = ((15, 5, (142, 176, 128)), (11, 7.5, (112, 138, 92)), (7, 11, (106, 84, 62)))
    for depth, (count, wide, color) in enumerate(rows):
        y = h + 4 + depth * 9
        _trunks(canvas, rng, y, count, wide, color)
        moss = mix((150, 186, 104), (92, 130, 62), depth / 2)
        gradient_fill(canvas, rectangle(0, y, SIZE, SIZE), moss, (84, 118, 58))
    for layer, color in enumerate(((112, 160, 88), (78, 130, 66))):
        xs = np.linspace(-8, SIZE + 8, 13) + rng.uniform(-6, 6, 13)
        ys, radii = rng.uniform(0, 16, 13) - 8 * layer, rng.uniform(14, 20, 13)
        leaves = [ellipse(x, y, r, count=18) for x, y, r in zip(xs, ys, radii, strict=True)]
        paint(canvas, leaves, color, 0.35)
    _tufts(canvas, rng, h + 24, (66, 104, 44), 14)
    for _ in range(5):
        x, y = rng.uniform(6, SIZE - 6), rng.uniform(h + 34, SIZE - 4)
        mushroom = Pen(canvas, x, y, rng.uniform(5, 8))
        mushroom.limb([(0, 0), (0, 0.6)], [0.2, 0.16], (246, 236, 216), 0.5)
        mushroom.blob([(-0.6, 0.55), (0, 1.15), (0.6, 0.55), (0, 0.48)], (196, 84, 62), 0.7)


def _desert(canvas, scene, rng):
    h = scene["horizon"]
    x = rng.uniform(100, 150)
    for dx, half, top in ((0, 34, 40), (62, 20, 26)):
        mesa = [
            (x + dx - half - 12, h + 14),
            (x + dx - half, h - top),
            (x + dx + half, h - top),
            (x + dx + half + 12, h + 14),
        ]
        gradient_fill(canvas, mesa, (214, 128, 84), (228, 160, 104))
        for share in (0.3, 0.6):
            y = h - top * (1 - share)
            stroke(
                canvas,
                np.array([(x + dx - half - 4 * share, y), (x + dx + half + 4 * share, y)]),
                1.6,
                (196, 112, 74),
            )
    _hill(canvas, rng, h + 6, 9, (246, 196, 124), (236, 178, 104))
    for y, rise, top, bottom in (
        (h + 22, 12, (250, 206, 130), (240, 184, 106)),
        (h + 52, 18, (252, 204, 126), (232, 168, 92)),
    ):
        _hill(canvas, rng, y, rise, top, bottom, 1)
        for k in range(3):
            line = smooth(
                [
                    (rng.uniform(0, 40), y + 12 + 8 * k),
                    (rng.uniform(80, 140), y + 7 + 8 * k),
                    (rng.uniform(170, 220), y + 12 + 8 * k),
                ],
                closed=False,
            )
            stroke(canvas, line, 1.0, tint(bottom, -0.06))
    _specks(canvas, rng, h + 30, (208, 146, 84), 30)


def _farm(canvas, scene, rng):
    h = scene["horizon"]
    _hill(canvas, rng, h, 22, (168, 204, 120), (150, 190, 100))
    x = rng.uniform(20, 200)
    fields = ((224, 198, 92), (146, 190, 82), (200, 176, 96))
    gradient_fill(
        canvas,
        [(0, h - 2), (SIZE, h - 2), (SIZE, SIZE), (0, SIZE)],
        (196, 204, 104),
        (136, 178, 74),
    )
    for k in range(11):
        a, b = x + (k - 5.5) * 12, x + (k - 4.5) * 12
        wide = 6.2
        strip = [(a, h), (b, h), (x + (b - x) * wide, SIZE), (x + (a - x) * wide, SIZE)]
        color = fields[k % 3]
        gradient_fill(canvas, strip, tint(color, 0.16), color)
    barn = Pen(canvas, rng.uniform(140, 192), h + 6, 46)
    barn.polygon([(-0.5, 0), (0.5, 0), (0.5, 0.5), (-0.5, 0.5)], (188, 62, 52), 0.4)
    barn.polygon(
        [(-0.58, 0.48), (-0.4, 0.8), (0, 1.0), (0.4, 0.8), (0.58, 0.48)], (112, 72, 62), 0.5
    )
    barn.polygon([(-0.2, 0), (0.2, 0), (0.2, 0.36), (-0.2, 0.36)], (246, 238, 224), 0)
    barn.polygon([(-0.17, 0), (0.17, 0), (0.17, 0.33), (-0.17, 0.33)], (150, 46, 40), 0)
    barn.stroke([(-0.17, 0), (0.17, 0.33)], 0.03, (246, 238, 224))
    barn.stroke([(0.17, 0), (-0.17, 0.33)], 0.03, (246, 238, 224))
    y = h + 44
    xs = np.linspace(-6, SIZE + 6, 7)
    line = smooth(np.stack([xs, y + rng.uniform(-4, 4, 7)], 1), closed=False)
    gradient_fill(canvas, band(line), (150, 200, 88), (110, 172, 66))
    _tufts(canvas, rng, y + 4, (86, 150, 56), 14)


GROUNDS = {
    "park": _park,
    "beach": _beach,
    "street": _street,
    "snow": _snow,
    "lake": _lake,
    "forest": _forest,
    "desert": _desert,
    "farm": _farm,
}


def _road(canvas, scene, rng):
    """Draw a track across the picture for things on wheels."""
    color = {"snow": (206, 212, 224), "desert": (222, 170, 112)}.get(
        scene["place"], (206, 176, 132)
    )
    xs = np.linspace(-6, SIZE + 6, 7)
    upper = smooth(np.stack([xs, 166 + rng.uniform(-2, 2, 7)], 1), closed=False)
    lower = smooth(np.stack([xs, 206 + rng.uniform(-2, 2, 7)], 1), closed=False)
    gradient_fill(
        canvas, np.concatenate([upper, lower[::-1]]), tint(color, 0.06), tint(color, -0.1)
    )
    for y in (176, 196):
        stroke(canvas, np.array([(-4.0, y), (SIZE + 4.0, y + 1)]), 2.6, tint(color, -0.13))


def draw_weather(canvas, weather, rng):
    """Draw falling rain or snow over everything."""
    canvas.thing = 0
    side = SIZE * SCALE
    if weather == "rainy":
        layer = canvas.image.copy()
        for x, y, length in zip(
            rng.uniform(0, SIZE, 120),
            rng.uniform(0, SIZE, 120),
            rng.uniform(6, 12, 120),
            strict=True,
        ):
            stroke(canvas, np.array([(x, y), (x - length * 0.3, y + length)]), 0.7, (226, 236, 246))
        cv2.addWeighted(canvas.image, 0.6, layer, 0.4, 0, canvas.image)
    elif weather == "snowy":
        for x, y, r in zip(
            rng.uniform(0, side, 130),
            rng.uniform(0, side, 130),
            rng.uniform(1.5, 5, 130),
            strict=True,
        ):
            cv2.circle(canvas.image, (int(x), int(y)), int(r), (255, 255, 255), -1, cv2.LINE_AA)
