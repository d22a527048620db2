"""A fish that leaps out of the water, and the splash it leaves."""

import numpy as np

from scenes.painters.primitives import ellipse, mix, smooth

SCALES = {"orange": (250, 126, 26), "blue": (34, 84, 206), "gray": (138, 144, 156)}
INK = (34, 28, 36)
WHITE = (252, 252, 248)
FOAM = (236, 248, 253)
LEFT = -0.27  # where the fish left the water

# Half the depth of the body along its length, from the root of the tail to the mouth.
DEPTH = ((0.0, 0.036), (0.16, 0.062), (0.38, 0.142), (0.6, 0.188), (0.8, 0.158), (0.93, 0.096),
         (1.0, 0.04))  # fmt: skip


def draw_fish(pen, color, form, swing=0.0):
    """Draw a fish in the air above the pen's origin, its head forward and up.

    Args:
        pen: Pen of size = how high the fish leaps; origin at the surface of the water.
        color: Name of the scales.
        form: Dict: plump (-1..1), pattern (plain, stripes or spots).
        swing: -1..1, from an arched leap to a steep one.
    """
    coat = SCALES[color]
    body = _Body(form["plump"], swing)
    fin = mix(coat, (60, 10, 30), 0.22)
    _tail(pen, body, fin)
    for outline in body.fins():
        pen.blob(outline, fin)
    pen.fill(body.outline(), coat)
    belly = [*body.along(np.linspace(0.08, 0.93, 12), -0.9), *body.along([0.9, 0.6, 0.3], -0.38)]
    pen.blob(belly, mix(coat, WHITE, 0.66), 0.5)
    _pattern(pen, body, form["pattern"], mix(coat, (30, 10, 40), 0.4))
    _scales(pen, body, mix(coat, (30, 10, 40), 0.24))
    _head(pen, body, coat)
    root = body.along([0.6], -0.3)[0]
    ahead, up = body.frame(0.6)
    points = [(0.02, 0.05), (-0.12, 0.02), (-0.24, -0.09), (-0.15, -0.13), (0.0, -0.06)]
    pen.blob([root + x * ahead + y * up for x, y in points], mix(fin, coat, 0.3))


class _Body:
    """A fish's body: depths along a bent spine, in the pen's coordinates."""

    def __init__(self, plump, swing):
        steep = 0.5 + 0.5 * swing
        self.tail = np.array([-0.3 + 0.06 * steep, 0.31 - 0.02 * steep])
        self.bend = np.array([-0.07 - 0.03 * steep, 0.82 + 0.04 * steep])
        self.nose = np.array([0.57 - 0.16 * steep, 0.7 + 0.26 * steep])
        self.depths = np.array(DEPTH) * (1, 1 + 0.16 * plump)

    def frame(self, t):
        """Return the directions ahead and up (toward the back) at a share of the spine."""
        ahead = (1 - t) * (self.bend - self.tail) + t * (self.nose - self.bend)
        ahead = ahead / np.hypot(*ahead)
        return ahead, np.array([-ahead[1], ahead[0]])

    def along(self, shares, height):
        """Return points on lines along the body: height 1 is the back, -1 the belly."""
        points = []
        for t in shares:
            spine = (1 - t) ** 2 * self.tail + 2 * t * (1 - t) * self.bend + t**2 * self.nose
            half = np.interp(t, *self.depths.T)
            points.append(spine + height * half * self.frame(t)[1])
        return np.array(points)

    def outline(self):
        """Return the outline of the body."""
        shares = self.depths[:, 0]
        return smooth(np.concatenate([self.along(shares, 1), self.along(shares[::-1], -1)]))

    def fins(self):
        """Return rough outlines of the fins on the back and under the belly."""
        fins = []
        for start, end, height in ((0.3, 0.72, 1), (0.2, 0.36, -1), (0.52, 0.64, -1)):
            low, high = self.along([end, (start + end) / 2, start], 0.7 * height), []
            for t, rise in ((start - 0.05, 0.5), ((start + end) / 2, 0.85), (end - 0.05, 0.6)):
                tip = self.along([t], height)[0]
                high.append(tip + 0.16 * rise * height * self.frame(t)[1])
            fins.append([*low, *high])
        return fins


def _tail(pen, body, color):
    """Draw the forked tail."""
    root = body.along([0.02], 0)[0]
    ahead, up = body.frame(0.0)
    points = [(0.05, 0.035), (-0.1, 0.11), (-0.27, 0.21), (-0.21, 0.07), (-0.15, 0.0),
              (-0.2, -0.07), (-0.25, -0.19), (-0.1, -0.11), (0.05, -0.035)]  # fmt: skip
    pen.blob([root + x * ahead + y * up for x, y in points], color)
    for y in (0.13, 0.065, -0.06, -0.12):
        tip = root - 0.19 * ahead + y * up
        pen.stroke([root - 0.02 * ahead + 0.15 * y * up, tip], 0.008, mix(color, INK, 0.25))


def _pattern(pen, body, pattern, color):
    """Draw stripes or spots over the back."""
    if pattern == "stripes":
        for t in (0.26, 0.4, 0.54, 0.68):
            line = [body.along([t - 0.015 * k], 0.9 - 0.32 * k)[0] for k in range(4)]
            pen.limb(line, [0.018, 0.024, 0.018, 0.006], color, 0.3)
    elif pattern == "spots":
        for t, height in ((0.24, 0.4), (0.34, 0.66), (0.42, 0.2), (0.5, 0.62), (0.6, 0.3),
                          (0.68, 0.68)):  # fmt: skip
            pen.ellipse(*body.along([t], height)[0], 0.026, color=color, shade=0.3)


def _scales(pen, body, color):
    """Draw a few rows of scales as small arcs, open toward the head."""
    for row, height in enumerate((0.42, 0.08, -0.22)):
        for t in np.arange(0.24 + 0.04 * (row % 2), 0.72, 0.085):
            centre, (ahead, up) = body.along([t], height)[0], body.frame(t)
            turns = np.deg2rad([110, 150, 180, 210, 250])
            arc = [centre + 0.026 * (np.cos(a) * ahead + np.sin(a) * up) for a in turns]
            pen.stroke(np.array(arc), 0.008, color)


def _head(pen, body, coat):
    """Draw gill, cheek, eye and mouth."""
    gill = [
        body.along([t], h)[0] for t, h in ((0.8, 0.7), (0.755, 0.25), (0.76, -0.3), (0.8, -0.7))
    ]
    pen.stroke(smooth(gill, 5, closed=False), 0.013, mix(coat, INK, 0.42))
    eye = body.along([0.885], 0.34)[0]
    pen.ellipse(*eye, 0.046, color=WHITE, shade=0.4)
    pen.ellipse(*(eye + (0.008, 0.002)), 0.028, color=INK, shade=0)
    pen.ellipse(*(eye + (0.0, 0.014)), 0.01, color=WHITE, shade=0)
    mouth = [body.along([t], h)[0] for t, h in ((0.995, -0.5), (0.95, -0.42), (0.925, -0.18))]
    pen.stroke(smooth(mouth, 5, closed=False), 0.013, mix(coat, INK, 0.6))


def draw_rings(pen):
    """Draw the rings that spread on the water where the fish left it."""
    thing, pen.canvas.thing = pen.canvas.thing, 0  # they are part of the lake
    for half, width in ((0.42, 0.012), (0.28, 0.016)):
        ring = ellipse(LEFT, 0.0, half, half * 0.2, count=40)[np.r_[0:40, 0]]
        pen.stroke(ring, width, FOAM)
    pen.canvas.thing = thing


def draw_splash(pen, rng):
    """Draw the crown of water and the drops around the tail."""
    # The light of the night dims things less than the water, so the splash is dimmed here.
    foam = mix(FOAM, (104, 130, 210), 0.55) if pen.canvas.dark else FOAM
    for lean in np.linspace(-1, 1, 9) + rng.uniform(-0.08, 0.08, 9):
        foot = np.array([LEFT + 0.16 * lean, 0.02 - 0.015 * abs(lean)])
        tip = foot + (0.1 * lean, (0.19 - 0.07 * abs(lean)) * rng.uniform(0.7, 1.2))
        middle = (foot + tip) / 2 + (-0.02 * lean, 0.02)
        jet = smooth([foot, middle, tip], 4, closed=False)
        pen.limb(jet, np.linspace(0.036, 0.01, len(jet)), foam, 0.5)
        drop = tip + (0.04 * lean, rng.uniform(0.04, 0.09))
        pen.ellipse(*drop, rng.uniform(0.011, 0.02), color=foam, shade=0.5)
    base = [ellipse(LEFT + dx, 0.0, 0.07, 0.03) for dx in np.linspace(-0.19, 0.19, 6)]
    pen.fill(base, foam, 0.5)
