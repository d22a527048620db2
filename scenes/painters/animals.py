"""Animals: one four-legged body with proportions and poses, one body for water fowl and birds."""

import numpy as np

from scenes.painters.primitives import Pen, chain, ellipse, mix, smooth

COATS = {
    "brown": (164, 98, 48),
    "black": (48, 46, 52),
    "white": (246, 243, 236),
    "gray": (124, 128, 138),
    "orange": (240, 140, 44),
    "yellow": (252, 212, 50),
    "red": (214, 46, 44),
    "blue": (58, 116, 214),
}
INK = (38, 30, 32)
BEAK = (246, 170, 30)

# Shares of the shoulder height: length of the trunk, depth of chest and rump, leg length and
# thickness, neck (angle from level, length), head length and thickness.
BREEDS = {
    "dog": {
        "length": 0.86, "chest": 0.24, "rump": 0.185, "leg": 0.5, "thick": 0.072,
        "neck": (52, 0.3), "head": 0.27, "skull": 0.165, "muzzle": 0.1,
    },
    "cat": {
        "length": 0.92, "chest": 0.2, "rump": 0.205, "leg": 0.44, "thick": 0.066,
        "neck": (50, 0.24), "head": 0.1, "skull": 0.25, "muzzle": 0.105,
    },
    "horse": {
        "length": 0.78, "chest": 0.2, "rump": 0.195, "leg": 0.58, "thick": 0.056,
        "neck": (55, 0.52), "head": 0.34, "skull": 0.11, "muzzle": 0.078,
    },
    "cow": {
        "length": 1.02, "chest": 0.285, "rump": 0.275, "leg": 0.42, "thick": 0.072,
        "neck": (26, 0.32), "head": 0.28, "skull": 0.15, "muzzle": 0.125,
    },
    "sheep": {
        "length": 0.82, "chest": 0.32, "rump": 0.32, "leg": 0.36, "thick": 0.058,
        "neck": (34, 0.32), "head": 0.2, "skull": 0.14, "muzzle": 0.1,
    },
}  # fmt: skip

# Legs near-front, far-front, near-hind, far-hind as (upper, lower) angles; turn of the body and
# how much the head is lowered.
GAITS = {
    "standing": (((4, 0), (10, 2), (-10, 6), (-2, 10)), 0, 0),
    "walking": (((24, 4), (-20, -34), (-26, -8), (18, 6)), 0, 6),
    "running": (((64, 30), (50, 80), (-58, -70), (-40, -84)), 4, 4),
    "jumping": (((72, -26), (84, -10), (-52, -78), (-64, -86)), 20, 6),
    "grazing": (((8, 2), (16, 4), (-10, 6), (-2, 10)), 0, 88),
}


def draw_quadruped(pen, kind, color, pose, swing=0.0):
    """Draw a dog, cat, horse, cow or sheep that faces forward.

    Args:
        pen: Pen of size = the shoulder height; origin under the middle of the trunk.
        kind: A name in BREEDS.
        color: Name of the coat in COATS, or "black and white".
        pose: standing, walking, running, jumping, grazing, lying or sitting.
        swing: -1..1, small variation of the legs, neck and build.
    """
    breed = dict(BREEDS[kind])
    breed["length"] *= 1 + 0.06 * swing
    coat = COATS["white" if " " in color else color]
    if pose == "lying":
        _lying(pen, kind, breed, coat, color, swing)
    elif pose == "sitting":
        _sitting(pen, kind, breed, coat, color, swing)
    else:
        _on_legs(pen, kind, breed, coat, color, pose, swing)


def _on_legs(pen, kind, breed, coat, color, pose, swing):
    """Draw the animal on its four legs or in the air."""
    legs, turn, nod = GAITS[pose]
    lift = {"running": 0.12, "jumping": 0.42}.get(pose, 0.0)
    body = Pen(pen.canvas, pen.x, pen.y - lift * pen.size, pen.size, pen.flip, pen.angle + turn)
    half, h = breed["length"] / 2, breed["leg"]
    front, hind = np.array([half * 0.82, h + 0.06]), np.array([-half * 0.82, h + 0.06])
    dark = mix(coat, (40, 24, 20), 0.22)
    for root, angles, shade in ((front, legs[1], dark), (hind, legs[3], dark)):
        _leg(body, kind, root + (0.05, 0), angles, breed, shade, swing)
    _tail(body, kind, hind + (-0.12, 0.16), coat, pose)
    shoulder = np.array([half * 0.78, h + 0.2])
    if kind == "sheep":
        _fleece(body, breed, coat)
    else:
        _trunk(body, breed, coat, shoulder, hind + (0.02, 0.13))
        if " " in color or (kind == "cow" and color != "black"):
            _patches(body, breed, h, INK if " " in color else COATS["white"], swing)
        if kind == "cat":
            _stripes(body, coat, half * 0.6, h + 0.3, 0.16)
        if kind == "cow":
            body.ellipse(-half * 0.35, h - 0.06, 0.1, 0.075, (246, 178, 172), shade=0.6)
    for root, angles in ((front, legs[0]), (hind, legs[2])):
        _leg(body, kind, root, angles, breed, coat, swing)
    _neck_and_head(body, kind, breed, coat, color, shoulder, nod, swing)


def _leg(pen, kind, root, angles, breed, color, swing):
    """Draw a leg of two bones, with a hoof or a paw."""
    r = breed["thick"]
    if kind == "sheep":
        color = mix(COATS["black"], color, 0.25)
    bones = (breed["leg"] * 0.54, breed["leg"] * 0.5)
    joints = chain(root, (angles[0] + 4 * swing, angles[1] + 4 * swing), bones)
    pen.limb(joints, [r * 1.5, r * 0.92, r * 0.72], color, 0.8)
    foot = joints[-1]
    if kind in ("horse", "cow", "sheep"):
        pen.limb(
            [foot + (-0.005, 0.012), foot + (0.028, -0.018)],
            [r * 0.82, r * 0.86],
            (60, 48, 46),
            0.6,
        )
    else:
        pen.limb([foot, foot + (0.05, -0.006)], [r * 0.84, r * 0.74], color, 0.8)


def _trunk(pen, breed, coat, shoulder, rump):
    """Draw chest, belly and rump as one smooth body."""
    c, r = breed["chest"], breed["rump"]
    (sx, sy), (rx, ry) = shoulder, rump
    middle = (sx + rx) / 2
    pen.blob(
        [
            (sx + c * 0.86, sy + c * 0.1), (sx + c * 0.3, sy + c * 0.86), (middle, sy + c * 0.62),
            (rx + r * 0.1, ry + r * 1.0), (rx - r * 0.86, ry + r * 0.42),
            (rx - r * 0.7, ry - r * 0.6),
            (rx + r * 0.5, ry - r * 0.82), (middle, sy - c * 0.86), (sx + c * 0.1, sy - c * 1.0),
            (sx + c * 0.72, sy - c * 0.62),
        ],
        coat,
    )  # fmt: skip


def _patches(pen, breed, h, color, swing):
    """Draw the large patches of a cow's coat."""
    half, c = breed["length"] / 2, breed["chest"]
    spots = ((-0.72, 0.3, 0.62), (-0.08, 0.42, 0.6), (0.62, 0.1, 0.5))
    for x, y, size in spots:
        cx, cy, s = x * half + 0.04 * swing, h + 0.17 + y * c * 0.62, size * c
        pen.blob(
            [(cx + s, cy), (cx + 0.5 * s, cy + 0.66 * s), (cx - 0.5 * s, cy + 0.5 * s),
             (cx - 0.9 * s, cy - 0.2 * s), (cx - 0.1 * s, cy - 0.72 * s),
             (cx + 0.7 * s, cy - 0.6 * s)],
            color, 0.5,
        )  # fmt: skip


def _stripes(pen, coat, reach, back, length):
    """Draw short dark stripes down from the back, which runs at height `back`."""
    if coat == COATS["white"]:
        return
    dark = (80, 78, 86) if coat == COATS["black"] else mix(coat, (30, 16, 10), 0.34)
    for x in np.linspace(-reach, reach * 0.8, 5):
        pen.limb([(x, back), (x - 0.03, back - length)], [0.026, 0.01], dark, 0)


def _fleece(pen, breed, coat, y=None):
    """Draw a sheep's woolly body as a cloud."""
    half, c = breed["length"] / 2, breed["chest"]
    y = breed["leg"] + 0.24 if y is None else y
    t = np.linspace(0, 2 * np.pi, 13, endpoint=False)
    puffs = [ellipse(half * 0.9 * np.cos(a), y + c * 0.74 * np.sin(a), 0.135, count=18) for a in t]
    core = ellipse(0, y, half * 0.98, c * 0.82)
    pen.fill([core, *puffs], coat)
    curl = mix(coat, (90, 80, 90), 0.22)
    for px, py in ((-0.2, 0.1), (0.1, 0.14), (-0.05, -0.07), (-0.28, -0.08), (0.2, -0.06)):
        arc = ellipse(px, y + py, 0.055, 0.05)[12:26]
        pen.stroke(arc, 0.014, curl)


def _neck_and_head(pen, kind, breed, coat, color, shoulder, nod, swing):
    """Draw neck, mane and head; `nod` lowers them (degrees)."""
    angle, length = breed["neck"]
    turn = np.deg2rad(angle - nod + 4 * swing)
    start = shoulder + (0.04, 0.04)
    poll = start + length * np.array([np.cos(turn), np.sin(turn)])
    thick = {"horse": 1.25, "cow": 1.25, "sheep": 1.0}.get(kind, 0.95)
    if kind == "horse":
        normal = np.array([-np.sin(turn), np.cos(turn)])
        mane = [poll + normal * 0.1 + (0.04, 0.05),
                (poll + start) / 2 + normal * 0.19, start + normal * 0.2,
                start + normal * 0.04, poll]  # fmt: skip
        hair = INK if color == "brown" else (226, 206, 160) if color == "white" else (96, 70, 60)
        pen.blob(mane, hair)
    pen.limb([start, poll], [breed["chest"] * 0.62 * thick, breed["skull"] * 0.86], coat, 0.7)
    if kind == "dog":
        across = 0.15 * np.array([-np.sin(turn), np.cos(turn)])
        middle = start * 0.45 + poll * 0.55
        pen.stroke([middle - across, middle + across], 0.055, (206, 50, 46))
    tilt = {"horse": -38, "cow": -28, "sheep": -30, "dog": -8, "cat": -4}[kind] - nod * 0.35
    head = Pen(pen.canvas, *pen.to_picture([poll])[0], pen.size, pen.flip, pen.angle + tilt)
    HEADS[kind](head, breed, coat, color)


def _dog_head(pen, breed, coat, color):
    """Draw a dog's head at the pen's origin, muzzle forward."""
    s, m = breed["skull"], breed["muzzle"]
    ear = mix(coat, (40, 20, 10), 0.45)
    pen.limb([(0.03, -0.01), (breed["head"], -0.055)], [s * 0.9, m], coat, 0.8)
    pen.ellipse(0.03, 0.03, s, s * 0.95, coat, shade=0.7)
    pen.ellipse(breed["head"] + 0.075, -0.02, 0.042, 0.036, INK, shade=0.6)
    pen.stroke([(0.2, -0.12), (0.26, -0.125), (0.31, -0.1)], 0.016, INK)
    pen.ellipse(0.105, 0.055, 0.026, 0.032, INK, shade=0)
    pen.blob(
        [(-0.06, 0.16), (0.03, 0.1), (0.0, -0.1), (-0.07, -0.2), (-0.16, -0.1), (-0.15, 0.08)], ear
    )


def _cat_head(pen, breed, coat, color):
    """Draw a cat's round head with pointed ears and whiskers."""
    s = breed["skull"]
    for x in (-0.13, 0.13):
        pen.polygon(
            [(x - 0.085, 0.1), (x + (0.02 if x > 0 else -0.02), 0.33), (x + 0.085, 0.12)], coat, 0.7
        )
        pen.polygon([(x - 0.04, 0.13), (x + (0.015 if x > 0 else -0.015), 0.26), (x + 0.04, 0.14)],
                    (240, 166, 160), 0)  # fmt: skip
    pen.ellipse(0.0, 0.02, s * 1.06, s * 0.92, coat)
    light = mix(coat, (255, 255, 255), 0.55)
    pen.fill([ellipse(0.05, -0.075, 0.065, 0.052), ellipse(0.13, -0.07, 0.06, 0.05)], light, 0.5)
    for x in (-0.02, 0.145):
        pen.ellipse(x, 0.045, 0.038, 0.045, (150, 200, 70), shade=0)
        pen.ellipse(x + 0.004, 0.045, 0.016, 0.038, INK, shade=0)
    pen.ellipse(0.092, -0.035, 0.024, 0.018, (226, 120, 120), shade=0)
    for dy in (-0.1, -0.065):
        for x0, x1 in ((0.15, 0.3), (0.02, -0.13)):
            pen.stroke([(x0, -0.075), (x1, dy)], 0.008, mix(coat, (128, 128, 128), 0.65))


def _horse_head(pen, breed, coat, color):
    """Draw a horse's long head."""
    length, s, m = breed["head"], breed["skull"], breed["muzzle"]
    pen.polygon([(-0.07, 0.06), (-0.045, 0.21), (0.03, 0.08)], coat, 0.6)
    pen.limb([(0, 0), (length * 0.55, -0.02), (length, -0.03)], [s, s * 0.78, m], coat, 0.85)
    nose = mix(coat, (40, 30, 30), 0.45) if color != "black" else (90, 84, 86)
    pen.ellipse(length + 0.02, -0.035, m * 0.8, m * 0.84, nose, shade=0.6)
    pen.ellipse(0.075, 0.03, 0.022, 0.026, INK if color != "black" else (240, 236, 230), shade=0)
    hair = INK if color == "brown" else (226, 206, 160) if color == "white" else (96, 70, 60)
    pen.blob([(-0.08, 0.1), (0.02, 0.125), (0.1, 0.07), (0.0, 0.03)], hair, 0.6)


def _cow_head(pen, breed, coat, color):
    """Draw a cow's head with horns and a pink muzzle."""
    length, s, m = breed["head"], breed["skull"], breed["muzzle"]
    horn = (244, 230, 190)
    for x in (-0.06, 0.05):
        pen.limb(
            [(x, s * 0.7), (x + 0.01, s * 1.3), (x + 0.06, s * 1.75)],
            [0.034, 0.028, 0.012],
            horn,
            0.7,
        )
    face = INK if " " in color else coat
    pen.blob([(-0.06, 0.04), (-0.14, 0.12), (-0.26, 0.1), (-0.2, 0.01)], mix(face, (0, 0, 0), 0.15))
    pen.limb([(0, 0), (length * 0.75, -0.02)], [s, s * 0.82], face, 0.9)
    pen.ellipse(length * 0.9, -0.03, m * 0.92, m, (246, 188, 178))
    for x in (0.98, 1.15):
        pen.ellipse(length * x, 0.0, 0.016, 0.022, (150, 80, 84), shade=0)
    pen.ellipse(0.09, 0.05, 0.034, 0.038, (252, 252, 250), shade=0)
    pen.ellipse(0.1, 0.05, 0.02, 0.026, INK, shade=0)


def _sheep_head(pen, breed, coat, color):
    """Draw a sheep's dark head with a woolly cap."""
    length, s, m = breed["head"], breed["skull"], breed["muzzle"]
    face = (74, 66, 70) if color != "black" else (214, 200, 186)
    pen.limb([(-0.03, 0.02), (-0.2, -0.03)], [0.05, 0.035], face, 0.7)
    pen.limb([(0, 0), (length, -0.03)], [s * 0.95, m], face, 0.9)
    puffs = [
        ellipse(x, y, 0.075, count=16)
        for x, y in ((-0.09, 0.09), (0.0, 0.13), (0.08, 0.1), (0, 0.06))
    ]
    pen.fill(puffs, coat, 0.8)
    pen.ellipse(0.09, 0.03, 0.03, 0.034, (250, 250, 246), shade=0)
    pen.ellipse(0.1, 0.03, 0.017, 0.02, INK, shade=0)


HEADS = {
    "dog": _dog_head,
    "cat": _cat_head,
    "horse": _horse_head,
    "cow": _cow_head,
    "sheep": _sheep_head,
}


def _tail(pen, kind, root, coat, pose):
    """Draw the tail."""
    x, y = root
    lively = pose in ("running", "jumping")
    if kind == "dog":
        tip = (x - 0.22, y + (0.12 if lively else 0.26))
        pen.limb([(x, y), (x - 0.14, y + 0.08), tip], [0.06, 0.05, 0.028], coat, 0.7)
    elif kind == "cat":
        curve = smooth(
            [(x, y), (x - 0.18, y + 0.06), (x - 0.24, y + 0.3), (x - 0.16, y + 0.46)],
            4,
            closed=False,
        )
        pen.limb(curve, np.linspace(0.05, 0.036, len(curve)), coat, 0.6)
    elif kind == "horse":
        hair = (
            INK
            if coat == COATS["brown"]
            else (226, 206, 160)
            if coat == COATS["white"]
            else (96, 70, 60)
        )
        out = 0.34 if lively else 0.14
        pen.blob(
            [(x + 0.03, y + 0.06), (x - out * 0.6, y + 0.04), (x - out, y - 0.2),
            (x - out * 0.9, y - 0.42),
             (x - out * 0.5, y - 0.24), (x - 0.01, y - 0.08)],
            hair,
        )  # fmt: skip
    elif kind == "cow":
        pen.limb(
            [(x - 0.06, y + 0.06), (x - 0.14, y - 0.1), (x - 0.12, y - 0.3)],
            [0.03, 0.02, 0.018],
            coat,
            0.5,
        )
        pen.ellipse(x - 0.12, y - 0.34, 0.04, 0.065, INK, shade=0.5)


def _lying(pen, kind, breed, coat, color, swing):
    """Draw the animal lying on its belly, legs folded, head up."""
    half, c = breed["length"] / 2, breed["chest"]
    floor = 0.07
    dark = mix(coat, (40, 24, 20), 0.2)
    leg = mix(COATS["black"], coat, 0.25) if kind == "sheep" else coat
    r = breed["thick"]
    base = Pen(pen.canvas, pen.x, pen.y, pen.size, pen.flip, pen.angle)
    _tail(base, kind, np.array([-half * 0.82 - 0.12, floor + 0.2]), coat, "lying")
    shoulder, rump = (
        np.array([half * 0.72, floor + c * 0.86]),
        np.array([-half * 0.8, floor + breed["rump"] * 0.86]),
    )
    pen.limb(
        [(half * 0.7, floor + 0.05), (half + 0.26, floor + 0.02)],
        [r, r * 0.8],
        mix(leg, dark, 0.5),
        0.7,
    )
    if kind == "sheep":
        _fleece(pen, breed, coat, floor + c * 0.8)
    else:
        _trunk(pen, breed, coat, shoulder, rump)
        if " " in color or (kind == "cow" and color != "black"):
            _patches(pen, breed, floor + 0.06, INK if " " in color else COATS["white"], swing)
        if kind == "cat":
            _stripes(pen, coat, half * 0.6, floor + 0.27, 0.14)
        ham = breed["rump"]
        pen.ellipse(-half * 0.66, floor + ham * 0.6, ham * 0.86, ham * 0.66, coat)
    pen.limb([(-half * 0.6, floor), (-half * 0.1, floor - 0.01)], [r * 1.1, r * 0.85], leg, 0.8)
    pen.limb([(half * 0.5, floor), (half + 0.16, floor - 0.015)], [r * 1.1, r * 0.85], leg, 0.8)
    _neck_and_head(pen, kind, breed, coat, color, shoulder, 4, swing)


def _sitting(pen, kind, breed, coat, color, swing):
    """Draw a dog or cat sitting upright on its haunches."""
    r = breed["thick"]
    dark = mix(coat, (40, 24, 20), 0.2)
    curve = smooth([(-0.28, 0.1), (-0.5, 0.06), (-0.62, 0.18), (-0.56, 0.32)], 4, closed=False)
    pen.limb(curve, np.linspace(0.055, 0.035, len(curve)), coat, 0.6)
    pen.limb([(0.2, 0.5), (0.24, 0.06), (0.3, 0.05)], [r * 1.3, r * 0.8, r * 0.8], dark, 0.7)
    back, chest = [(0.02, 0.76), (-0.2, 0.48), (-0.34, 0.2)], [(0.26, 0.36), (0.24, 0.74)]
    pen.blob([*back, (-0.22, 0.03), (0.1, 0.04), *chest], coat)
    pen.limb([(0.15, 0.52), (0.16, 0.06), (0.22, 0.05)], [r * 1.4, r * 0.85, r * 0.85], coat, 0.8)
    pen.ellipse(-0.12, 0.19, 0.19, 0.17, coat)
    pen.limb([(-0.04, 0.05), (0.1, 0.045)], [r * 0.9, r * 0.8], coat, 0.8)
    _neck_and_head(pen, kind, breed, coat, color, np.array([0.1, 0.62]), -18, swing)


def draw_duck(pen, color, pose, swing=0.0):
    """Draw a duck, standing, or swimming with its water line at the pen's origin.

    Args:
        pen: Pen of size = the height of the duck.
        color: Name of the plumage.
        pose: standing, walking or swimming.
        swing: -1..1, small variation.
    """
    coat = COATS[color]
    lift = -0.12 if pose == "swimming" else 0.14
    beak = (244, 140, 24) if color != "orange" else (250, 200, 40)
    if pose != "swimming":
        step = 0.1 if pose == "walking" else 0.05
        for x, dx, shade in ((0.06, step, 0.2), (-0.06, -step * 0.6, 0.0)):
            foot = np.array([x + dx, 0.02])
            pen.limb([(x, 0.24), foot], [0.032, 0.026], mix(beak, (0, 0, 0), shade), 0.6)
            pen.blob(
                [foot + (-0.03, 0.03), foot + (0.14, 0.0), foot + (0.02, -0.02)],
                mix(beak, (0, 0, 0), shade),
            )
    pen.blob(
        [(-0.62, lift + 0.5), (-0.42, lift + 0.36), (-0.1, lift + 0.42), (0.2, lift + 0.46),
        (0.44, lift + 0.32),
         (0.4, lift + 0.1), (0.1, lift - 0.02), (-0.25, lift + 0.02), (-0.48, lift + 0.22)],
        coat,
    )  # fmt: skip
    pen.limb([(0.27, lift + 0.3), (0.31, lift + 0.66)], [0.16, 0.115], coat, 0.8)
    pen.ellipse(0.33, lift + 0.7, 0.165, 0.155, coat)
    pen.blob(
        [
            (0.46, lift + 0.75),
            (0.58, lift + 0.69),
            (0.7, lift + 0.66),
            (0.58, lift + 0.62),
            (0.45, lift + 0.63),
        ],
        beak,
    )
    pen.ellipse(
        0.39, lift + 0.75, 0.027, 0.033, INK if color != "black" else (250, 250, 250), shade=0
    )
    wing = mix(coat, (70, 50, 30), 0.2)
    pen.blob(
        [(0.16, lift + 0.34), (-0.1, lift + 0.36), (-0.46, lift + 0.33), (-0.28, lift + 0.14),
        (0.02, lift + 0.12)],
        wing,
    )  # fmt: skip


def draw_bird(pen, color, pose, swing=0.0):
    """Draw a small bird, sitting (feet at the origin) or flying (body at the origin).

    Args:
        pen: Pen of size = the height of the sitting bird, or about half the flying one's span.
        color: Name of the plumage.
        pose: sitting or flying.
        swing: -1..1, where the wings are in their beat.
    """
    coat = COATS[color]
    belly, wing = mix(coat, (255, 255, 255), 0.55), mix(coat, (10, 10, 40), 0.22)
    if pose == "flying":
        _flying_bird(pen, coat, belly, wing, 0.15 * swing)
    else:
        _sitting_bird(pen, coat, belly, wing)


def _flying_bird(pen, coat, belly, wing, rise):
    """Draw a bird with raised wings."""
    far = [(-0.1, 0.1), (-0.32, 0.7 + rise), (-0.75, 1.02 + rise), (-0.86, 0.7 + rise)]
    pen.blob([*far, (-0.5, 0.22), (-0.28, 0.0)], mix(wing, (0, 0, 0), 0.12))
    pen.blob([(-0.42, 0.06), (-1.05, 0.2), (-1.12, -0.02), (-1.0, -0.14), (-0.42, -0.12)], wing)
    body = [(0.52, 0.04), (0.2, 0.24), (-0.2, 0.2), (-0.56, 0.02), (-0.2, -0.2), (0.26, -0.18)]
    pen.blob(body, coat)
    pen.blob([(0.42, -0.06), (0.1, -0.03), (-0.3, -0.08), (0.1, -0.19)], belly, 0.5)
    pen.ellipse(0.48, 0.14, 0.23, 0.21, coat)
    pen.blob([(0.66, 0.18), (0.9, 0.1), (0.67, 0.06)], BEAK)
    pen.ellipse(0.56, 0.19, 0.034, 0.04, INK, shade=0)
    near = [(0.18, 0.12), (0.16, 0.78 + rise), (-0.12, 1.16 + rise), (-0.3, 0.92 + rise)]
    pen.blob([*near, (-0.3, 0.3), (-0.26, 0.06)], wing)


def _sitting_bird(pen, coat, belly, wing):
    """Draw a bird on its feet."""
    for x in (-0.02, 0.1):
        feet = [(x, 0.2), (x + 0.02, 0.02), (x + 0.09, 0.015)]
        pen.limb(feet, [0.022, 0.018, 0.018], (120, 84, 50), 0)
    pen.blob([(-0.2, 0.34), (-0.62, 0.12), (-0.68, 0.24), (-0.3, 0.5)], wing)
    front = [(0.3, 0.66), (0.36, 0.4), (0.16, 0.16), (-0.14, 0.16)]
    pen.blob([*front, (-0.34, 0.36), (-0.12, 0.66), (0.1, 0.78)], coat)
    pen.blob([(0.34, 0.5), (0.28, 0.28), (0.1, 0.19), (0.12, 0.36), (0.2, 0.5)], belly, 0.5)
    pen.ellipse(0.2, 0.76, 0.225, 0.21, coat)
    pen.blob([(0.38, 0.82), (0.6, 0.74), (0.38, 0.7)], BEAK)
    pen.ellipse(0.28, 0.81, 0.033, 0.04, INK, shade=0)
    pen.blob([(0.1, 0.56), (-0.14, 0.6), (-0.42, 0.26), (-0.1, 0.26), (0.08, 0.38)], wing)
