"""Vehicles: on wheels, on the water and in the air."""

import numpy as np

from scenes.painters.people import CLOTHES
from scenes.painters.primitives import ellipse, limb, mix, smooth, tint

GLASS = (176, 216, 236)
RUBBER = (44, 44, 50)
STEEL = (206, 210, 216)
BACK, FRONT = np.array([-0.37, 0.235]), np.array([0.37, 0.235])  # hubs of a bicycle


def draw_car(pen, color, swing=0.0):
    """Draw a car one unit long, facing forward."""
    paint, h = CLOTHES[color], 0.03 * swing
    pen.blob(
        [(-0.5, 0.2), (-0.49, 0.1), (-0.3, 0.07), (0.3, 0.07), (0.49, 0.09), (0.505, 0.17),
        (0.45, 0.235),
         (0.27, 0.265), (0.14, 0.39 + h), (-0.02, 0.425 + h), (-0.24, 0.415 + h), (-0.37, 0.285),
         (-0.47, 0.27)],
        paint,
    )  # fmt: skip
    glass = _glass(pen)
    pen.blob([(0.02, 0.27), (0.205, 0.27), (0.11, 0.37 + h), (0.02, 0.385 + h)], glass, 0.4)
    pen.blob([(-0.02, 0.27), (-0.02, 0.388 + h), (-0.21, 0.378 + h), (-0.3, 0.275)], glass, 0.4)
    pen.stroke([(0.0, 0.26), (-0.01, 0.11)], 0.008, tint(paint, -0.35))
    pen.stroke([(-0.08, 0.235), (-0.13, 0.235)], 0.012, tint(paint, -0.45))
    pen.limb([(-0.46, 0.105), (0.47, 0.105)], [0.018, 0.018], (90, 94, 100), 0.4)
    _lamp(pen, 0.465, 0.195, 0.026)
    pen.ellipse(-0.485, 0.22, 0.018, 0.03, (190, 30, 30), shade=0.4)
    _wheels(pen, (-0.29, 0.29), 0.095)


def draw_bus(pen, color, swing=0.0):
    """Draw a bus one unit long, facing forward."""
    paint = CLOTHES[color]
    top = 0.53 + 0.02 * swing
    pen.fill(_box(-0.5, 0.09, 0.5, top, 0.07), paint, 0.8)
    pen.fill(_box(-0.44, top - 0.035, 0.44, top + 0.015, 0.02), tint(paint, 0.35), 0.5)
    glass = _glass(pen)
    pen.fill(
        [_box(x, 0.3, x + 0.135, top - 0.07, 0.02) for x in (-0.46, -0.295, -0.13, 0.035)],
        glass,
        0.4,
    )
    pen.fill(_box(0.215, 0.13, 0.33, top - 0.07, 0.02), mix(glass, (120, 150, 170), 0.25), 0.4)
    pen.stroke([(0.272, 0.135), (0.272, top - 0.075)], 0.008, tint(paint, -0.3))
    pen.fill(_box(0.38, 0.28, 0.505, top - 0.06, 0.03), glass, 0.4)
    stripe = (250, 246, 232) if color != "white" else (60, 120, 200)
    pen.fill(_box(-0.495, 0.215, 0.19, 0.25, 0.008), stripe, 0)
    _lamp(pen, 0.475, 0.18, 0.024)
    pen.limb([(-0.47, 0.105), (0.48, 0.105)], [0.016, 0.016], (84, 88, 94), 0.4)
    _wheels(pen, (-0.3, 0.12), 0.085)


def draw_truck(pen, color, swing=0.0):
    """Draw a truck one unit long: a colored cab and cargo box of the same color."""
    paint = CLOTHES[color]
    top = 0.56 + 0.03 * swing
    pen.fill(_box(-0.5, 0.1, 0.5, 0.16, 0.02), (70, 72, 80), 0.6)
    pen.fill(_box(-0.5, 0.15, 0.17, top, 0.025), paint, 0.7)
    for x in (-0.39, -0.28, -0.17, -0.06, 0.05):
        pen.stroke([(x, 0.18), (x, top - 0.03)], 0.01, tint(paint, -0.28))
    pen.blob(
        [(0.2, 0.13), (0.2, 0.43), (0.23, 0.45), (0.38, 0.445), (0.46, 0.3), (0.505, 0.26),
        (0.505, 0.13),
         (0.4, 0.12)],
        tint(paint, 0.12),
    )  # fmt: skip
    pen.blob([(0.25, 0.29), (0.25, 0.41), (0.36, 0.405), (0.425, 0.29)], _glass(pen), 0.4)
    pen.stroke([(0.27, 0.25), (0.32, 0.25)], 0.012, tint(paint, -0.45))
    _lamp(pen, 0.48, 0.2, 0.026)
    _wheels(pen, (-0.34, -0.13, 0.33), 0.09)


def _box(x0, y0, x1, y1, r):
    """Return the outline of a rectangle with round corners."""
    corners = (
        (x1 - r, y1 - r, 0),
        (x0 + r, y1 - r, 90),
        (x0 + r, y0 + r, 180),
        (x1 - r, y0 + r, 270),
    )
    parts = []
    for cx, cy, start in corners:
        t = np.deg2rad(np.linspace(start, start + 90, 6))
        parts.append(np.stack([cx + r * np.cos(t), cy + r * np.sin(t)], 1))
    return np.concatenate(parts)


def _glass(pen):
    """Return the color of windows: lit at night."""
    return (255, 226, 130) if pen.canvas.dark else GLASS


def _lamp(pen, x, y, r):
    """Draw a headlight, which shines in the dark."""
    pen.ellipse(x, y, r, r * 1.2, (255, 246, 190), shade=0.4)
    if pen.canvas.dark:
        px, py = pen.to_picture([(x, y)])[0]
        pen.canvas.glow(px, py, 0.16 * pen.size, (255, 240, 180), 0.95)


def _wheels(pen, centres, r):
    """Draw wheels with hub caps."""
    for x in centres:
        pen.ellipse(x, r, r, color=RUBBER)
        pen.ellipse(x, r, r * 0.56, color=STEEL)
        pen.ellipse(x, r, r * 0.18, color=(110, 114, 120), shade=0.4)


def draw_boat(pen, color, swing=0.0):
    """Draw a sailing boat of height one, its water line at the pen's origin."""
    paint = CLOTHES[color]
    sail = (252, 250, 242)
    pen.limb([(-0.02, 0.12), (-0.02, 0.98)], [0.016, 0.012], (132, 92, 56), 0.5)
    full = 0.05 * swing
    pen.blob(
        [
            (0.015, 0.93),
            (0.12, 0.72),
            (0.3 + full, 0.42),
            (0.36, 0.27),
            (0.18, 0.255),
            (0.015, 0.26),
            (0.01, 0.6),
        ],
        sail,
    )
    pen.blob(
        [(-0.055, 0.84), (-0.16, 0.6), (-0.31, 0.3), (-0.17, 0.275), (-0.055, 0.28)],
        tint(paint, 0.08) if color != "white" else tint(sail, -0.07),
    )
    pen.polygon([(-0.015, 0.99), (-0.015, 0.93), (-0.13, 0.955)], paint, 0.6)
    pen.fill(
        np.concatenate([
            smooth([(-0.42, 0.215), (-0.34, 0.06), (-0.26, -0.015), (0.26, -0.015), (0.4, 0.08),
                    (0.5, 0.23)], closed=False),
            [(0.42, 0.21), (0.0, 0.185), (-0.3, 0.2)],
        ]),
        paint,
    )  # fmt: skip
    trim = (252, 248, 236) if color != "white" else (60, 110, 190)
    pen.stroke([(-0.385, 0.15), (0.0, 0.135), (0.45, 0.165)], 0.022, trim)


def draw_balloon(pen, color, swing=0.0):
    """Draw a hot-air balloon of height one, its basket at the pen's origin."""
    paint = CLOTHES[color]
    cx, cy, r = 0.0, 0.66, 0.335
    for x in (-0.07, 0.07):
        pen.stroke([(x * 2.2, 0.36), (x, 0.14)], 0.01, (110, 84, 60))
    outline = smooth([
        (cx, cy + r), (cx + 0.72 * r, cy + 0.72 * r), (cx + r, cy),
        (cx + 0.68 * r, cy - 0.7 * r), (cx + 0.11, cy - r * 1.14),
        (cx - 0.11, cy - r * 1.14), (cx - 0.68 * r, cy - 0.7 * r), (cx - r, cy),
        (cx - 0.72 * r, cy + 0.72 * r),
    ])  # fmt: skip
    pen.fill(outline, paint)
    light = tint(paint, 0.2) if color != "white" else (226, 230, 240)
    for half in (0.58, 0.2):
        y = np.linspace(1, -1.08, 16)
        bulge = np.sqrt(np.clip(1 - y**2, 0, 1)) * (1 - 0.1 * (y < -0.3)) + 0.08 * (y < -0.7)
        for side in (-1, 1):
            line = np.stack([cx + side * half * r * bulge, cy + r * y], 1)
            pen.stroke(line, 0.013, mix(paint, light, 0.8) if half > 0.5 else tint(paint, -0.2))
    pen.limb([(-0.1, 0.285), (0.1, 0.285)], [0.02, 0.02], tint(paint, -0.3), 0.4)
    pen.fill(_box(-0.085, 0.0, 0.085, 0.15, 0.03), (168, 116, 62))
    pen.stroke([(-0.085, 0.14), (0.085, 0.14)], 0.025, (120, 78, 40))
    if pen.canvas.dark:
        px, py = pen.to_picture([(0, 0.34)])[0]
        pen.canvas.glow(px, py, 0.3 * pen.size, (255, 200, 110), 0.55)


def draw_plane(pen, color, swing=0.0):
    """Draw an airplane one unit long, facing forward, its middle at the pen's origin."""
    paint = CLOTHES[color]
    far = mix(paint, (30, 40, 70), 0.32)
    pen.polygon([(0.08, 0.05), (-0.12, 0.27), (-0.21, 0.27), (-0.1, 0.03)], far)
    pen.polygon([(-0.36, 0.05), (-0.43, 0.16), (-0.48, 0.16), (-0.45, 0.04)], far, 0.6)
    pen.blob([(-0.3, 0.06), (-0.43, 0.285), (-0.51, 0.29), (-0.48, 0.05)], tint(paint, -0.12))
    pen.blob(
        [(0.5, -0.01), (0.43, 0.07), (0.26, 0.1), (-0.1, 0.1), (-0.44, 0.085), (-0.52, 0.06),
        (-0.38, -0.02),
         (-0.1, -0.085), (0.26, -0.085), (0.43, -0.065)],
        paint,
    )  # fmt: skip
    glass = _glass(pen)
    pen.blob([(0.34, 0.03), (0.345, 0.075), (0.4, 0.068), (0.45, 0.03)], glass, 0.4)
    pen.fill(
        [ellipse(x, 0.035, 0.022, 0.026, count=14) for x in np.arange(-0.24, 0.29, 0.085)],
        glass,
        0.3,
    )
    pen.blob([(-0.36, 0.03), (-0.52, -0.05), (-0.58, -0.05), (-0.46, 0.035)], tint(paint, -0.15))
    pen.polygon([(0.12, -0.03), (-0.1, -0.31), (-0.21, -0.31), (-0.1, -0.025)], tint(paint, -0.1))
    pen.limb([(0.0, -0.155), (0.09, -0.155)], [0.034, 0.034], STEEL, 0.8)


def draw_bicycle(pen, color, low=False):
    """Draw a bicycle with wheels of radius 0.24, facing forward; `color` is RGB.

    Args:
        pen: Pen of size = the unit in which the wheels have their radius.
        color: RGB of the frame.
        low: Whether the upper tube swings low, for stepping through, or is level.

    Returns:
        Local points of seat, handlebar and the two pedals.
    """
    crank, seat, head = np.array([-0.05, 0.22]), np.array([-0.15, 0.56]), np.array([0.26, 0.56])
    for centre in (BACK, FRONT):
        _spoked_wheel(pen, centre)
    post = seat + (0.03, -0.1)
    tubes = [[BACK, crank], [crank, post, seat], [crank, head], [BACK, post], [FRONT, head]]
    if low:
        swung = [head + (-0.02, -0.06), (0.12, 0.35), (0.01, 0.285), (-0.09, 0.31)]
        tubes.append(smooth(swung, 5, closed=False))
    else:
        tubes.append([post, head + (-0.02, -0.02)])
    pen.fill([part for tube in tubes for part in limb(tube, [0.023] * len(tube))], color, 0.7)
    handle = head + (0.02, 0.11)
    pen.limb([head, handle, handle + (-0.06, 0.0)], [0.018, 0.016, 0.02], (70, 70, 78), 0.4)
    pen.limb([seat + (-0.06, 0.01), seat + (0.07, 0.005)], [0.034, 0.02], (64, 48, 44), 0.6)
    pedals = crank + np.array([[0.08, -0.07], [-0.06, 0.09]])
    pen.ellipse(*crank, 0.055, color=(90, 92, 98), shade=0.5)
    pen.limb([pedals[0], crank, pedals[1]], [0.014, 0.02, 0.014], STEEL, 0.4)
    for pedal in pedals:
        pen.limb([pedal + (-0.035, 0), pedal + (0.035, 0)], [0.016, 0.016], RUBBER, 0.3)
    return seat, handle + (-0.05, 0.0), pedals


def _spoked_wheel(pen, centre):
    """Draw a bicycle's wheel with its tire, rim, spokes and hub."""
    r = 0.235
    for turn in np.deg2rad(np.arange(15, 180, 30)):
        spoke = r * 0.94 * np.array([np.cos(turn), np.sin(turn)])
        pen.stroke([centre - spoke, centre + spoke], 0.006, (176, 180, 188))
    for radius, width, color in ((r * 0.9, 0.018, STEEL), (r, 0.038, RUBBER)):
        pen.stroke(ellipse(*centre, radius, count=40)[np.r_[0:40, 0]], width, color)
    pen.ellipse(*centre, 0.03, color=(120, 124, 130), shade=0.4)


def draw_parked_bicycle(pen, color, form, leaning, swing=0.0):
    """Draw a bicycle that nobody rides.

    Args:
        pen: Pen at the middle between the wheels; see `draw_bicycle` for its size.
        color: Name of the paint.
        form: Dict of bools: low (frame), basket (in front), rack (behind).
        leaning: Whether it leans against something, or stands on a kickstand of its own.
        swing: -1..1, height of the handlebar.
    """
    paint = CLOTHES[color]
    if not leaning:
        pen.limb([(-0.1, 0.2), (-0.19, 0.01), (-0.24, 0.0)], [0.016, 0.013, 0.013], (84, 86, 94))
    if form["rack"]:
        pen.limb([BACK, (-0.5, 0.5)], [0.01, 0.01], (96, 98, 106), 0.4)
        pen.limb([(-0.56, 0.505), (-0.18, 0.505)], [0.016, 0.016], (96, 98, 106), 0.4)
    seat, handle, _ = draw_bicycle(pen, paint, form["low"])
    for centre, start, end in ((BACK, 62, 190), (FRONT, 35, 150)):
        arc = np.deg2rad(np.linspace(start, end, 14))
        guard = centre + 0.272 * np.stack([np.cos(arc), np.sin(arc)], 1)
        pen.limb(guard, [0.018] * len(guard), paint, 0.6)
    pen.blob([(-0.38, 0.265), (-0.05, 0.29), (0.03, 0.225), (-0.05, 0.165), (-0.38, 0.21)], paint)
    pen.ellipse(-0.05, 0.22, 0.03, color=STEEL, shade=0.5)
    grip = handle + (-0.06, 0.035 + 0.02 * swing)
    pen.limb([handle + (0.05, 0), handle, grip], [0.018, 0.018, 0.02], (70, 70, 78), 0.4)
    pen.limb([grip + (0.03, -0.012), grip + (-0.05, 0.012)], [0.024, 0.024], (128, 78, 46), 0.6)
    pen.limb([seat + (-0.08, 0.02), seat + (-0.02, 0.02), seat + (0.09, 0.015)],
             [0.042, 0.034, 0.02], (128, 78, 46), 0.8)  # fmt: skip
    if form["basket"]:
        _basket(pen)
    else:
        pen.ellipse(0.335, 0.56, 0.03, 0.036, (255, 246, 190), shade=0.4)  # nobody lit it


def _basket(pen):
    """Draw a wicker basket before a bicycle's handlebar."""
    straw = (214, 168, 100)
    pen.fill(np.array([(0.31, 0.7), (0.56, 0.7), (0.52, 0.52), (0.34, 0.52)]), straw, 0.8)
    for y in (0.565, 0.61, 0.655):
        inset = 0.045 * (0.7 - y) / 0.18
        pen.stroke([(0.315 + inset, y), (0.555 - inset, y)], 0.008, tint(straw, -0.3))
    for share in (0.2, 0.4, 0.6, 0.8):
        foot, top = 0.34 + 0.18 * share, 0.31 + 0.25 * share
        pen.stroke([(foot, 0.525), (top, 0.695)], 0.008, tint(straw, -0.3))
    pen.limb([(0.305, 0.705), (0.565, 0.705)], [0.017, 0.017], tint(straw, -0.12), 0.6)
