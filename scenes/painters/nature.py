"""Things that stand about: trees, benches, houses, fences, flowers, and what people hold."""

import numpy as np

from scenes.painters.people import CLOTHES
from scenes.painters.primitives import ellipse, mix, smooth, tint

WOOD = (150, 100, 58)
BARK = (122, 82, 52)
LEAVES = [(86, 150, 62), (106, 166, 70), (70, 134, 66), (122, 172, 76)]


def draw_tree(pen, form, tone, snow=False):
    """Draw a tree of height one.

    Args:
        pen: Pen at the foot of the trunk.
        form: round, pine or palm.
        tone: Number of the green.
        snow: Lay snow on a pine.
    """
    green = LEAVES[tone % len(LEAVES)]
    if form == "pine":
        _pine(pen, mix(green, (20, 80, 70), 0.45), snow)
    elif form == "palm":
        _palm(pen, mix(green, (40, 140, 60), 0.4))
    else:
        _round_tree(pen, green)


def _round_tree(pen, green):
    """Draw a tree with a crown of puffs."""
    pen.limb([(0, 0), (0.0, 0.42)], [0.062, 0.045], BARK, 0.9)
    pen.limb([(0.0, 0.32), (0.12, 0.5)], [0.03, 0.02], BARK, 0.6)
    low = ((-0.2, 0.56, 0.17), (0.2, 0.55, 0.175))
    high = ((-0.12, 0.76, 0.17), (0.13, 0.78, 0.165), (0, 0.64, 0.22), (0, 0.87, 0.125))
    pen.fill([ellipse(*puff) for puff in (*low, *high)], green)
    bright = [ellipse(x - 0.03, y + 0.03, r * 0.45, r * 0.36) for x, y, r in high[:3]]
    pen.fill(bright, tint(green, 0.16), 0.5)


def _pine(pen, green, snow):
    """Draw a tree of three skirts of needles."""
    pen.limb([(0, 0), (0, 0.2)], [0.045, 0.04], BARK, 0.8)
    for base, top, half in ((0.12, 0.56, 0.27), (0.34, 0.78, 0.215), (0.58, 1.0, 0.15)):
        x, y = half * 0.42, (base + top) / 2
        pen.blob([(-half, base), (0, base - 0.035), (half, base), (x, y), (0, top), (-x, y)], green)
        if snow:
            x, y = half * 0.36, top - 0.17
            cap = [(-x, y), (-0.1 * half, y + 0.02), (0.1 * half, y - 0.02), (x, y + 0.01)]
            pen.blob([*cap, (half * 0.12, top - 0.05), (0, top + 0.004)], (246, 250, 255), 0.5)


def _palm(pen, green):
    """Draw a leaning palm tree with coconuts."""
    trunk = smooth([(0, 0), (0.03, 0.3), (0.1, 0.58), (0.2, 0.78)], 4, closed=False)
    pen.limb(trunk, np.linspace(0.045, 0.028, len(trunk)), (168, 122, 76), 0.9)
    crown = np.array([0.2, 0.79])
    fronds = ((205, 0.36), (168, 0.4), (128, 0.3), (60, 0.3), (18, 0.38), (-22, 0.33))
    for angle, length in fronds:
        turn = np.deg2rad(angle)
        tip = crown + length * np.array([np.cos(turn), np.sin(turn) * 0.55 - 0.1])
        middle = (tip + crown) / 2 + (0, 0.1)
        pen.blob([crown + (0, 0.02), middle + (0, 0.035), tip, middle - (0, 0.035)], green)
    pen.fill([ellipse(0.17, 0.755, 0.028), ellipse(0.225, 0.75, 0.028)], (128, 84, 44), 0.8)


def draw_bench(pen):
    """Draw a wooden park bench of height one (its back), 1.9 wide."""
    for x in (-0.78, 0.7):
        pen.limb([(x, 0.02), (x + 0.02, 0.5)], [0.055, 0.05], (84, 84, 92), 0.7)
        pen.limb([(x + 0.14, 0.1), (x + 0.14, 0.98)], [0.045, 0.04], (72, 72, 80), 0.7)
    for y in (0.72, 0.92):
        pen.limb([(-0.92, y), (0.92, y)], [0.07, 0.07], WOOD, 0.8)
    pen.polygon([(-0.95, 0.42), (0.95, 0.42), (0.95, 0.55), (-0.95, 0.55)], tint(WOOD, 0.1), 0.6)


def draw_house(pen, color):
    """Draw a small house of height one with a gable and a door."""
    roof = (170, 70, 52)
    wall = mix(CLOTHES[color], (255, 250, 240), 0.12 if color != "white" else 0)
    pen.polygon([(-0.44, 0), (0.44, 0), (0.44, 0.56), (-0.44, 0.56)], wall, 0.35)
    pen.polygon([(0.2, 0.8), (0.32, 0.8), (0.32, 1.0), (0.2, 1.0)], (168, 100, 82), 0.6)
    pen.polygon([(-0.55, 0.53), (0.55, 0.53), (0.3, 0.92), (-0.3, 0.92)], roof, 0.55)
    for y in (0.63, 0.73, 0.83):
        half = 0.55 - (y - 0.53) * 0.64
        pen.stroke([(-half, y), (half, y)], 0.008, tint(roof, -0.22))
    pen.polygon([(-0.09, 0), (0.09, 0), (0.09, 0.33), (-0.09, 0.33)], (116, 74, 48), 0.4)
    pen.ellipse(0.055, 0.16, 0.014, color=(240, 206, 96), shade=0)
    dark = pen.canvas.dark
    glass = (255, 222, 120) if dark else (170, 210, 232)
    for x in (-0.28, 0.28):
        pen.polygon(
            [(x - 0.1, 0.18), (x + 0.1, 0.18), (x + 0.1, 0.4), (x - 0.1, 0.4)], (250, 248, 240), 0
        )
        pen.polygon(
            [(x - 0.08, 0.2), (x + 0.08, 0.2), (x + 0.08, 0.38), (x - 0.08, 0.38)], glass, 0
        )
        pen.stroke([(x, 0.2), (x, 0.38)], 0.014, (250, 248, 240))
        pen.stroke([(x - 0.08, 0.29), (x + 0.08, 0.29)], 0.014, (250, 248, 240))
        if dark:
            px, py = pen.to_picture([(x, 0.29)])[0]
            pen.canvas.glow(px, py, 0.17 * pen.size, (255, 214, 110), 0.9)


def draw_fence(pen, width=4.0):
    """Draw a wooden fence of height one and the given width, centred."""
    wood = (196, 154, 104)
    for y in (0.36, 0.72):
        pen.limb([(-width / 2, y), (width / 2, y)], [0.07, 0.07], tint(wood, -0.1), 0.7)
    for x in np.arange(-width / 2 + 0.15, width / 2, 0.52):
        pen.polygon(
            [(x - 0.09, 0), (x + 0.09, 0), (x + 0.09, 0.9), (x, 1.02), (x - 0.09, 0.9)], wood, 0.8
        )


def draw_flowers(pen, color, rng_offsets):
    """Draw a patch of flowers of height one; offsets [N, 2] spread them."""
    petal = CLOTHES[color]
    for dx, height in rng_offsets:
        top = np.array([dx + 0.05 * height, 0.55 + 0.35 * height])
        pen.stroke([(dx, 0), tuple(top)], 0.075, (58, 124, 50))
        pen.blob([(dx, 0.12), (dx + 0.2, 0.34), (dx + 0.04, 0.3)], (82, 150, 66), 0.6)
        around = np.deg2rad(np.arange(0, 360, 72) + 30 * height)
        pen.fill(
            [
                ellipse(top[0] + 0.13 * np.cos(a), top[1] + 0.13 * np.sin(a), 0.105, count=12)
                for a in around
            ],
            petal,
            0.6,
        )
        heart = (250, 206, 60) if color != "yellow" else (180, 104, 40)
        pen.ellipse(*top, 0.08, color=heart, shade=0.4)


def draw_rock(pen, swing=0.0):
    """Draw a gray rock of height one."""
    gray = (150, 148, 148)
    pen.blob(
        [
            (-0.85, 0),
            (-0.8, 0.5),
            (-0.35, 0.92 + 0.1 * swing),
            (0.2, 1.0),
            (0.72, 0.62),
            (0.9, 0.05),
            (0, -0.06),
        ],
        gray,
    )
    pen.blob([(-0.3, 0.62), (0.05, 0.82), (0.3, 0.66), (0.05, 0.56)], tint(gray, 0.22), 0)


def draw_cactus(pen, swing=0.0):
    """Draw a cactus of height one."""
    green = (78, 148, 84)
    pen.limb([(-0.02, 0.4), (-0.24, 0.42), (-0.25, 0.7 + 0.06 * swing)], [0.06, 0.07, 0.065], green)
    pen.limb([(0.02, 0.3), (0.24, 0.33), (0.25, 0.56 - 0.06 * swing)], [0.06, 0.07, 0.065], green)
    pen.limb([(0, 0.02), (0, 0.9)], [0.1, 0.095], green)
    for x in (-0.04, 0.035):
        pen.stroke([(x, 0.08), (x, 0.88)], 0.012, tint(green, -0.22))
    pen.ellipse(0, 0.99, 0.045, color=(240, 110, 150), shade=0.5)


def draw_snowman(pen):
    """Draw a snowman of height one with hat and scarf."""
    snow = (250, 252, 255)
    for x, turn in ((-0.2, -1), (0.2, 1)):
        pen.stroke([(x, 0.52), (x + turn * 0.22, 0.66)], 0.022, (104, 72, 46))
    for y, r in ((0.23, 0.25), (0.53, 0.185), (0.76, 0.135)):
        pen.ellipse(0, y, r, r * 0.96, snow)
    for y in (0.48, 0.58):
        pen.ellipse(0.03, y, 0.018, color=(50, 46, 52), shade=0)
    for x in (0.0, 0.085):
        pen.ellipse(x, 0.79, 0.017, color=(40, 36, 40), shade=0)
    pen.polygon([(0.05, 0.77), (0.2, 0.745), (0.05, 0.735)], (240, 130, 40), 0.5)
    pen.limb([(-0.12, 0.655), (0.13, 0.65)], [0.035, 0.035], (206, 60, 60), 0.8)
    pen.limb([(-0.08, 0.65), (-0.12, 0.5)], [0.03, 0.03], (206, 60, 60), 0.6)
    pen.limb([(-0.15, 0.875), (0.15, 0.875)], [0.018, 0.018], (52, 48, 58), 0.5)
    pen.polygon([(-0.095, 0.88), (0.095, 0.88), (0.085, 1.02), (-0.085, 1.02)], (52, 48, 58), 0.8)


def draw_lamp(pen):
    """Draw a street lamp of height one, which shines in the dark."""
    pen.limb([(0, 0), (0, 0.86)], [0.022, 0.014], (70, 76, 86), 0.8)
    pen.polygon([(-0.05, 0.86), (0.05, 0.86), (0.065, 0.96), (-0.065, 0.96)], (255, 240, 176), 0.4)
    pen.polygon([(-0.075, 0.96), (0.075, 0.96), (0, 1.01)], (70, 76, 86), 0.6)
    if pen.canvas.dark:
        px, py = pen.to_picture([(0, 0.91)])[0]
        pen.canvas.glow(px, py, 0.42 * pen.size, (255, 226, 140), 0.85)


def draw_bush(pen, tone):
    """Draw a low bush of height one."""
    green = mix(LEAVES[tone % len(LEAVES)], (40, 110, 60), 0.25)
    pen.fill(
        [
            ellipse(x, y, r)
            for x, y, r in (
                (-0.6, 0.36, 0.38),
                (0.55, 0.36, 0.4),
                (0, 0.5, 0.48),
                (-0.2, 0.2, 0.3),
                (0.3, 0.2, 0.3),
            )
        ],
        green,
    )


def draw_hay(pen):
    """Draw a round hay bale of height one."""
    straw = (232, 194, 96)
    pen.limb([(-0.28, 0.5), (0.25, 0.5)], [0.5, 0.5], tint(straw, -0.12))
    pen.ellipse(0.25, 0.5, 0.42, 0.5, straw, shade=0.5)
    for r in (0.32, 0.2, 0.09):
        pen.stroke(
            ellipse(0.25, 0.5, r * 0.84, r, count=24)[np.r_[0:24, 0]], 0.03, tint(straw, -0.24)
        )


def draw_castle(pen):
    """Draw a sandcastle of height one."""
    sand = (226, 186, 118)
    pen.polygon([(-0.62, 0), (0.62, 0), (0.55, 0.42), (-0.55, 0.42)], sand, 0.8)
    for x, top in ((-0.48, 0.62), (0.48, 0.62), (0, 0.82)):
        pen.polygon(
            [(x - 0.17, 0.1), (x + 0.17, 0.1), (x + 0.15, top), (x - 0.15, top)],
            tint(sand, 0.08),
            0.8,
        )
        for dx in (-0.11, 0, 0.11):
            pen.polygon([(x + dx - 0.04, top - 0.02), (x + dx + 0.04, top - 0.02),
                         (x + dx + 0.04, top + 0.08),
                         (x + dx - 0.04, top + 0.08)], sand, 0.4)  # fmt: skip
    pen.polygon([(-0.08, 0), (0.08, 0), (0.08, 0.2), (0, 0.27), (-0.08, 0.2)], tint(sand, -0.4), 0)
    pen.stroke([(0, 0.82), (0, 1.12)], 0.025, (120, 84, 56))
    pen.polygon([(0, 1.12), (0.2, 1.04), (0, 0.96)], (220, 60, 56), 0.5)


def draw_ball(pen, color):
    """Draw a ball of diameter one with a light stripe; origin at its underside."""
    paint = CLOTHES[color]
    pen.ellipse(0, 0.5, 0.5, color=paint)
    stripe = (252, 250, 244) if color != "white" else (60, 60, 70)
    pen.fill(
        smooth([(-0.44, 0.62), (0, 0.5), (0.44, 0.7), (0.46, 0.56), (0, 0.36), (-0.47, 0.47)]),
        stripe,
        0.3,
    )
    pen.ellipse(-0.17, 0.72, 0.1, 0.07, tint(paint, 0.6), shade=0)


def draw_kite(pen, color, hand):
    """Draw a kite of height one at the pen's origin, its string to `hand` (local point)."""
    paint = CLOTHES[color]
    hand = np.asarray(hand, np.float64)
    sag = hand * 0.5 + (0.0, -0.18)
    pen.stroke(smooth([(0, 0), sag, hand], closed=False), 0.016, (250, 248, 240))
    tail = smooth(
        [(-0.02, -0.5), (0.12, -0.68), (-0.08, -0.86), (0.1, -1.04), (-0.04, -1.2)], closed=False
    )
    pen.stroke(tail, 0.03, tint(paint, -0.25))
    for x, y in tail[4::9]:
        pen.polygon(
            [
                (x - 0.09, y + 0.05),
                (x - 0.09, y - 0.05),
                (x + 0.09, y + 0.05),
                (x + 0.09, y - 0.05),
            ],
            tint(paint, 0.25),
            0,
        )
    pen.polygon([(0, 0.5), (0.36, 0.08), (0, -0.5), (-0.36, 0.08)], paint, 0.7)
    pen.polygon([(0, 0.5), (0.36, 0.08), (0, 0.08)], tint(paint, 0.22), 0)
    pen.polygon([(0, -0.5), (-0.36, 0.08), (0, 0.08)], tint(paint, 0.22), 0)


def draw_umbrella(pen, color, stick):
    """Draw an open umbrella whose handle is at the pen's origin.

    Args:
        pen: Pen of size = 0.6 times the width of the umbrella.
        color: Color name.
        stick: Local height of the rim above the hand.
    """
    paint, rim, top = CLOTHES[color], stick, stick + 0.56
    pen.limb([(0, -0.12), (0, top - 0.08)], [0.026, 0.022], (96, 70, 54), 0.5)
    pen.stroke([(0, -0.1), (0.02, -0.18), (0.09, -0.17), (0.1, -0.1)], 0.045, (96, 70, 54))
    scallops = []
    for x0 in (-0.84, -0.28, 0.28):
        t = np.linspace(np.pi, 0, 8)
        scallops.append(np.stack([x0 + 0.28 + 0.28 * np.cos(t), rim + 0.07 * np.sin(t)], 1))
    t = np.linspace(0, np.pi, 24)
    dome = np.stack([0.84 * np.cos(t), rim + 0.56 * np.sin(t)], 1)
    pen.fill(np.concatenate([*scallops, dome]), paint)
    for x in (-0.28, 0.28):
        pen.stroke(
            smooth([(x, rim), (x * 0.8, rim + 0.33), (0, top)], closed=False),
            0.022,
            tint(paint, -0.22),
        )
    pen.limb([(0, top), (0, top + 0.08)], [0.03, 0.012], tint(paint, -0.3), 0.5)
