"""People: one jointed figure with thickness, posed by angles, dressed and given hair."""

import numpy as np

from scenes.painters.primitives import Pen, chain, mix, reach, tint

CLOTHES = {
    "red": (222, 38, 40),
    "blue": (34, 74, 216),
    "green": (70, 178, 44),
    "yellow": (255, 214, 26),
    "orange": (255, 132, 12),
    "purple": (132, 52, 178),
    "pink": (250, 104, 172),
    "white": (250, 250, 248),
    "black": (42, 42, 50),
    "brown": (138, 82, 40),
    "gray": (142, 146, 152),
}
SKINS = [(255, 220, 192), (244, 198, 160), (222, 168, 122), (170, 112, 74), (120, 78, 52)]
HAIRS = {
    "black": (40, 34, 36),
    "brown": (104, 62, 34),
    "blond": (240, 200, 92),
    "red": (160, 74, 36),
}
TROUSERS = [(84, 86, 94), (98, 90, 84), (74, 76, 84), (122, 114, 104)]

# Proportions, as shares of the whole height.
FRAMES = {
    "man": {"hip": 0.46, "neck": 0.775, "head": 0.105, "wide": 0.122, "arm": 0.165, "thick": 1.2},
    "woman": {"hip": 0.47, "neck": 0.77, "head": 0.105, "wide": 0.09, "arm": 0.158, "thick": 0.92},
    "boy": {"hip": 0.37, "neck": 0.66, "head": 0.158, "wide": 0.112, "arm": 0.138, "thick": 1.12},
    "girl": {"hip": 0.37, "neck": 0.66, "head": 0.158, "wide": 0.103, "arm": 0.138, "thick": 1.0},
}

# Angles in degrees from straight down, forward positive: lean of the trunk, near and far leg
# (thigh, shin), near and far arm (upper, fore), and the height of the jump.
POSES = {
    "standing": (0, (7, 3), (-9, -6), (18, 24), (-20, -10), 0),
    "walking": (5, (36, 14), (-26, -50), (-36, -12), (36, 56), 0),
    "running": (16, (72, -18), (-14, -92), (-62, 24), (52, 138), 0.05),
    "jumping": (0, (48, -28), (-46, -82), (-124, -160), (126, 162), 0.28),
    "throwing": (-14, (44, 4), (-34, -48), (-96, -152), (82, 92), 0),
    "kicking": (-14, (74, 58), (-4, -12), (-64, -34), (56, 92), 0),
    "flying": (-6, (16, 4), (-18, -22), (112, 136), (98, 128), 0),
    "holding": (0, (9, 4), (-10, -8), (-14, -6), (-6, 158), 0),
    "sitting": (-3, (88, 4), (80, -4), (34, 78), (28, 70), 0),
    "resting": (-16, (112, 34), (96, 60), (-34, -30), (40, 84), 0),
    "riding": (22, (60, 0), (40, 0), (60, 70), (60, 70), 0),
}


def person_style(rng, kind, color):
    """Return how one person looks: colors of skin, hair and clothes, garment, hat.

    Args:
        rng: NumPy generator.
        kind: man, woman, boy or girl.
        color: Color name of the shirt or dress.
    """
    female = kind in ("woman", "girl")
    return {
        "kind": kind,
        "color": color,
        "garment": "dress" if female else "shirt",
        "skin": int(rng.integers(len(SKINS))),
        "hair": str(rng.choice(list(HAIRS))),
        "trousers": int(rng.integers(len(TROUSERS))),
        "beard": bool(kind == "man" and rng.random() < 0.65),
        "cap": bool(kind == "boy" and rng.random() < 0.75),
        "swing": float(rng.uniform(-1, 1)),
    }


def draw_person(pen, style, pose, holding=None):
    """Draw a person whose feet stand at the pen's origin.

    Args:
        pen: Pen of size = the height of the person.
        style: What `person_style` returned.
        pose: A name in POSES.
        holding: Called with (pen, joints) once the far arm is drawn, for things in the far hand.

    Returns:
        Dict of local points: near and far hand, near and far foot, head, hip.
    """
    joints = skeleton(style, pose)
    draw_figure(pen, style, joints, holding)
    return joints


def skeleton(style, pose):
    """Return the joints of a pose, with the lowest foot (or the seat) on the ground."""
    frame = FRAMES[style["kind"]]
    lean, near_leg, far_leg, near_arm, far_arm, lift = POSES[pose]
    sway = style["swing"] * 5
    trunk = frame["neck"] - frame["hip"]
    turn = np.deg2rad(lean)
    hip = np.array([0.0, 0.0])
    neck = hip + trunk * np.array([np.sin(turn), np.cos(turn)])
    half = frame["hip"] / 2 - 0.012
    legs = [half, half]
    arms = [frame["arm"], frame["arm"] * 0.95]
    shoulder = neck - 0.045 * np.array([np.sin(turn), np.cos(turn)])
    near = np.array([-frame["wide"] * 0.62, 0])
    joints = {
        "hip": hip,
        "neck": neck,
        "near_leg": chain(hip + (-0.018, 0), (near_leg[0] + sway, near_leg[1] + sway), legs),
        "far_leg": chain(hip + (0.022, 0), (far_leg[0] - sway, far_leg[1] - sway), legs),
        "near_arm": chain(shoulder + near, (near_arm[0] - sway, near_arm[1] - sway), arms),
        "far_arm": chain(shoulder - near * 1.1, (far_arm[0] + sway, far_arm[1] + sway), arms),
        "head": neck + (frame["head"] * 0.92) * np.array([np.sin(turn / 2) + 0.06, 1.0]),
    }
    lowest = min(joints["near_leg"][-1][1], joints["far_leg"][-1][1]) - 0.03
    if pose == "resting":
        lowest = -0.055
    return {name: points + (0, lift - lowest) for name, points in joints.items()}


def draw_figure(pen, style, joints, holding=None):
    """Draw the figure over its joints, from the far side to the near side."""
    frame, skin = FRAMES[style["kind"]], SKINS[style["skin"]]
    color = CLOTHES[style["color"]]
    dress = style["garment"] == "dress"
    sleeve = tint(color, -0.08)
    _hair_behind(pen, style, joints)
    far_sleeve, far_skin = mix(sleeve, (0, 0, 0), 0.1), mix(skin, (90, 50, 40), 0.12)
    _arm(pen, joints["far_arm"], frame, far_sleeve, far_skin, long=not dress)
    if holding:
        holding(pen, joints)
    _leg(pen, joints["far_leg"], frame, style, 0.14)
    _leg(pen, joints["near_leg"], frame, style, 0.0)
    (_dress if dress else _shirt)(pen, joints, frame, color)
    pen.limb([joints["neck"], joints["head"]], [0.034, 0.034], mix(skin, (90, 50, 40), 0.18), 0.5)
    _head(pen, style, joints["head"], frame["head"])
    _arm(pen, joints["near_arm"], frame, sleeve, skin, long=not dress)


def _arm(pen, arm, frame, sleeve, skin, long):
    """Draw an arm: skin, and a sleeve over its upper part or most of it."""
    r = 0.031 * frame["thick"]
    pen.limb(arm, [r, r * 0.92, r * 0.8], skin, 0.7)
    pen.ellipse(*arm[-1], r * 1.12, color=skin, shade=0.5)
    if long:
        cuff = arm[1] * 0.2 + arm[2] * 0.8
        pen.limb([arm[0], arm[1], cuff], [r * 1.45, r * 1.3, r * 1.2], sleeve, 0.8)
    else:
        pen.limb([arm[0], arm[0] * 0.4 + arm[1] * 0.6], [r * 1.45, r * 1.4], sleeve, 0.8)


def _leg(pen, leg, frame, style, darker):
    """Draw a leg in trousers, in shorts or below a skirt, with a shoe."""
    skin = mix(SKINS[style["skin"]], (70, 40, 40), darker)
    cloth = mix(TROUSERS[style["trousers"]], (0, 0, 0), darker)
    r = 0.046 * frame["thick"]
    shoe = mix((92, 62, 54), (0, 0, 0), darker)
    ankle = leg[-1]
    along = leg[-1] - leg[-2]
    forward = np.array([-along[1], along[0]]) / max(np.hypot(*along), 1e-6)
    toe = ankle + forward * 0.058 + along * 0.03
    pen.limb([ankle, toe], [0.03, 0.026], shoe, 0.8)
    if style["kind"] == "man":
        pen.limb(leg, [r * 1.15, r, r * 0.72], cloth, 0.8)
        return
    pen.limb(leg, [r, r * 0.86, r * 0.6], skin, 0.7)
    if style["kind"] == "boy":
        pen.limb([leg[0], leg[1] * 0.9 + leg[0] * 0.1], [r * 1.25, r * 1.25], cloth, 0.8)


def _shirt(pen, joints, frame, color):
    """Draw the trunk in a shirt."""
    hip, neck, w = joints["hip"], joints["neck"], frame["wide"]
    up = (neck - hip) / np.hypot(*(neck - hip))
    side = np.array([up[1], -up[0]])
    pen.blob(
        [
            neck + side * 0.03, neck - up * 0.035 + side * w * 0.98, neck - up * 0.13 + side * w,
            hip + up * 0.02 + side * w * 0.84, hip - up * 0.035, hip + up * 0.02 - side * w * 0.84,
            neck - up * 0.13 - side * w, neck - up * 0.035 - side * w * 0.98, neck - side * 0.03,
        ],
        color,
    )  # fmt: skip


def _dress(pen, joints, frame, color):
    """Draw the trunk in a dress whose skirt follows the legs."""
    hip, neck, w = joints["hip"], joints["neck"], frame["wide"]
    up = (neck - hip) / np.hypot(*(neck - hip))
    side = np.array([up[1], -up[0]])
    knees = [joints["near_leg"][1], joints["far_leg"][1]]
    front, back = max(knees, key=lambda k: k[0]), min(knees, key=lambda k: k[0])
    length = 1.34 if frame["hip"] > 0.4 else 1.06
    front, back = hip + (front - hip) * length, hip + (back - hip) * length
    # A seated skirt lies along the thighs; a standing one flares.
    flare = w + 0.04
    hem = [front + (flare, -0.01), (front + back) / 2 + (0, -0.035), back + (-flare, -0.01)]
    waist = hip + up * 0.07
    pen.blob(
        [
            neck + side * 0.03, neck - up * 0.04 + side * w, neck - up * 0.12 + side * w * 0.9,
            waist + side * w * 0.78, (waist + side * w + hem[0]) / 2 + (0.02, 0.01), *hem,
            (waist - side * w + hem[2]) / 2 + (-0.02, 0.01), waist - side * w * 0.78,
            neck - up * 0.12 - side * w * 0.9, neck - up * 0.04 - side * w, neck - side * 0.03,
        ],
        color,
    )  # fmt: skip
    belt = tint(color, -0.3) if sum(color) > 240 else tint(color, 0.35)
    pen.limb([waist - side * w * 0.72, waist + side * w * 0.72], [0.014, 0.014], belt, 0)


def _hair_behind(pen, style, joints):
    """Draw the part of the hair that falls behind the head: long hair or pigtails."""
    r = FRAMES[style["kind"]]["head"]
    x, y = joints["head"]
    hair = HAIRS[style["hair"]]
    wind = -0.12 * abs(style["swing"])
    if style["kind"] == "woman":
        low = 2.6 + 0.4 * style["swing"]
        pen.blob(
            [
                (x - r * 1.0, y + r * 0.5), (x, y + r * 1.14), (x + r * 0.9, y + r * 0.5),
                (x + r * 0.62, y - r * 0.9), (x - r * 0.3, y - r * (low - 0.4)),
                (x - r * (1.25 - wind), y - r * low), (x - r * 1.32, y - r * 0.7),
            ],
            mix(hair, (0, 0, 0), 0.12),
        )  # fmt: skip
    elif style["kind"] == "girl":
        for side in (-1, 1):
            tx, ty = x + side * r * 1.12, y - r * 0.02
            pen.limb(
                [(tx, ty), (tx + side * r * 0.3 + wind * r, ty - r * 0.5),
                 (tx + side * r * 0.16 + wind * r, ty - r * 1.05)],
                [r * 0.28, r * 0.42, r * 0.16], mix(hair, (0, 0, 0), 0.06),
            )  # fmt: skip


def _head(pen, style, head, r):
    """Draw head, hair and a simple face that looks forward."""
    x, y = head
    skin, hair = SKINS[style["skin"]], HAIRS[style["hair"]]
    pen.ellipse(x, y, r * 0.93, r, skin)
    pen.ellipse(x - r * 0.5, y - r * 0.12, r * 0.17, r * 0.22, tint(skin, -0.08), shade=0.4)
    pen.ellipse(x + r * 0.98, y - r * 0.12, r * 0.14, r * 0.12, skin, shade=0.3)
    ink = (48, 34, 36)
    for ex in (0.22, 0.68):
        pen.ellipse(x + r * ex, y + r * 0.08, r * 0.095, r * 0.13, ink, shade=0)
    blush = mix(skin, (240, 96, 96), 0.35)
    pen.ellipse(x + r * 0.1, y - r * 0.26, r * 0.18, r * 0.12, blush, shade=0)
    mouth = [(x + r * 0.26, y - r * 0.4), (x + r * 0.47, y - r * 0.5), (x + r * 0.7, y - r * 0.38)]
    if style["beard"]:
        pen.blob(
            [(x - r * 0.62, y - r * 0.1), (x - r * 0.1, y - r * 0.34), (x + r * 0.5, y - r * 0.26),
             (x + r * 0.94, y - r * 0.24), (x + r * 0.7, y - r * 0.92), (x + r * 0.1, y - r * 1.08),
             (x - r * 0.5, y - r * 0.78)],
            hair,
        )  # fmt: skip
        mouth = [(px, py - r * 0.06) for px, py in mouth]
        ink = (250, 214, 200)
    pen.stroke(mouth, r * 0.085, ink)
    _hair_front(pen, style, x, y, r, hair)


def _hair_front(pen, style, x, y, r, hair):
    """Draw the hair on top of the head, or the cap."""
    fringe = [
        (x - r * 0.98, y - r * 0.1), (x - r * 1.02, y + r * 0.5), (x - r * 0.5, y + r * 1.05),
        (x + r * 0.25, y + r * 1.12), (x + r * 0.85, y + r * 0.72), (x + r * 0.92, y + r * 0.42),
        (x + r * 0.4, y + r * 0.48), (x - r * 0.15, y + r * 0.5), (x - r * 0.52, y + r * 0.18),
        (x - r * 0.72, y - r * 0.3),
    ]  # fmt: skip
    pen.blob(fringe, hair)
    if style["kind"] == "girl":
        for side in (-1, 1):
            pen.ellipse(
                x + side * r * 1.0, y + r * 0.06, r * 0.17, color=CLOTHES[style["color"]], shade=0.6
            )
    if style["cap"]:
        cap = CLOTHES[style["color"]]
        pen.blob(
            [(x - r * 0.98, y + r * 0.34), (x - r * 0.86, y + r * 0.9), (x - r * 0.1, y + r * 1.24),
             (x + r * 0.72, y + r * 0.92), (x + r * 0.9, y + r * 0.44), (x, y + r * 0.36)],
            cap,
        )  # fmt: skip
        pen.limb(
            [(x + r * 0.5, y + r * 0.44), (x + r * 1.42, y + r * 0.36)],
            [r * 0.13, r * 0.09],
            tint(cap, -0.15),
        )


def draw_cyclist(pen, style, bicycle_color, draw_bicycle):
    """Draw a person riding a bicycle; hands and feet reach handlebar and pedals.

    Args:
        pen: Pen of size = the height of the standing person.
        style: What `person_style` returned.
        bicycle_color: RGB of the frame.
        draw_bicycle: Called with (pen, color); returns seat, handle and pedal points.
    """
    frame = FRAMES[style["kind"]]
    wheel = Pen(
        pen.canvas, pen.x, pen.y, pen.size * (0.92 if frame["hip"] > 0.4 else 0.8), pen.flip
    )
    ratio = wheel.size / pen.size
    seat, handle, pedals = draw_bicycle(wheel, bicycle_color)
    hip = np.asarray(seat) * ratio + (0, 0.035)
    trunk, turn = frame["neck"] - frame["hip"], np.deg2rad(20)
    neck = hip + trunk * np.array([np.sin(turn), np.cos(turn)])
    shoulder = neck - (0.0, 0.045)
    half, arm = frame["hip"] / 2 - 0.012, frame["arm"] * 1.02
    hand = np.asarray(handle) * ratio
    joints = {"hip": hip, "neck": neck, "head": neck + (frame["head"] * 0.25, frame["head"] * 0.92)}
    for name, pedal, dx in (("near_leg", pedals[0], -0.01), ("far_leg", pedals[1], 0.015)):
        foot = np.asarray(pedal) * ratio + (0, 0.035)
        start = hip + (dx, 0)
        span = np.hypot(*(foot - start))
        bone = max(half, span / 1.96)
        joints[name] = np.array([start, reach(start, foot, bone, bone, 1), foot])
    for name, dx in (("near_arm", -0.03), ("far_arm", 0.04)):
        start = shoulder + (dx, 0)
        bone = max(arm, np.hypot(*(hand - start)) / 1.97)
        joints[name] = np.array([start, reach(start, hand, bone, bone, -1), hand])
    draw_figure(pen, style, joints)
    return joints
