"""Drawing primitives: one canvas, one light, a handful of shaded shapes.

Everything is drawn in picture units (0..224, y down) on a canvas three times as large, which is
shrunk at the end. The light comes from the upper left for every shape, however it is mirrored.
"""

from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np

SIZE = 224  # side of a finished picture, in pixels
SCALE = 3  # the canvas is drawn this many times larger
SHIFT = 4  # fractional bits of the coordinates that OpenCV takes


@dataclass
class Canvas:
    """A picture in the making, and which thing each of its pixels belongs to.

    `owner` holds the number of the thing last drawn at a pixel (0: background), `boxes` the
    unclipped extent of every numbered thing, `glows` the lights that shine through any dusk.
    """

    image: np.ndarray = field(
        default_factory=lambda: np.full((SIZE * SCALE, SIZE * SCALE, 3), 255, np.uint8)
    )
    owner: np.ndarray = field(
        default_factory=lambda: np.zeros((SIZE * SCALE, SIZE * SCALE), np.uint8)
    )
    thing: int = 0
    boxes: dict = field(default_factory=dict)
    glows: list = field(default_factory=list)
    dark: bool = False

    def glow(self, x, y, radius, color, strength, behind=False):
        """Let a light shine at (x, y), over everything or only behind the things."""
        self.glows.append((x, y, radius, color, strength, behind))


@dataclass
class Pen:
    """Draws in the coordinates of one thing: origin at its feet, x forward, y up, unit = size.

    Args:
        canvas: Where to draw.
        x, y: The origin in picture units.
        size: Picture units per local unit.
        flip: Mirror the thing, so that forward is left.
        angle: Turn of the thing, degrees, nose up is positive.
    """

    canvas: Canvas
    x: float
    y: float
    size: float
    flip: bool = False
    angle: float = 0.0

    def to_picture(self, points):
        """Map local points [N, 2] to picture units [N, 2]."""
        points = np.asarray(points, np.float64)
        if self.angle:
            turn = np.deg2rad(self.angle)
            cosine, sine = np.cos(turn), np.sin(turn)
            points = points @ np.array([(cosine, sine), (-sine, cosine)])
        side = -1 if self.flip else 1
        return points * (side * self.size, -self.size) + (self.x, self.y)

    def fill(self, outlines, color, shade=1.0):
        """Fill the union of local outlines with one shaded color."""
        if isinstance(outlines, np.ndarray) and outlines.ndim == 2:
            outlines = [outlines]
        paint(self.canvas, [self.to_picture(outline) for outline in outlines], color, shade)

    def ellipse(self, x, y, rx, ry=None, color=(0, 0, 0), angle=0.0, shade=1.0):
        """Fill an ellipse."""
        self.fill(ellipse(x, y, rx, ry, angle), color, shade)

    def blob(self, points, color, shade=1.0):
        """Fill a smooth closed curve through the points."""
        self.fill(smooth(points), color, shade)

    def polygon(self, points, color, shade=1.0):
        """Fill a polygon with straight edges."""
        self.fill(np.asarray(points, np.float64), color, shade)

    def limb(self, joints, radii, color, shade=1.0):
        """Fill a limb with thickness along the joints."""
        self.fill(limb(joints, radii), color, shade)

    def stroke(self, points, width, color):
        """Draw a thin flat line of local width along the points."""
        stroke(self.canvas, self.to_picture(points), width * self.size, color)

    def shadow(self, x, half_width, depth=0.22, strength=0.3):
        """Lay a soft shadow on the ground under the thing."""
        side = -1 if self.flip else 1
        ground_shadow(
            self.canvas, self.x + side * x * self.size, self.y, half_width * self.size, depth,
            strength,
        )  # fmt: skip


def ellipse(x, y, rx, ry=None, angle=0.0, count=28):
    """Return the outline [count, 2] of an ellipse."""
    ry = rx if ry is None else ry
    points = _circle(count) * (rx, ry)
    if angle:
        turn = np.deg2rad(angle)
        points = points @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    return points + (x, y)


@cache
def _circle(count):
    """Return `count` points on the unit circle."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(t), np.sin(t)], 1)


def rectangle(x0, y0, x1, y1):
    """Return the outline [4, 2] of an upright rectangle."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)


def smooth(points, steps=8, closed=True):
    """Return a Catmull-Rom curve [N * steps, 2] through the points [N, 2]."""
    p = np.asarray(points, np.float64)
    if closed:
        before, after, after2 = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
        start = p
    else:
        full = np.concatenate([p[:1], p, p[-1:]])
        before, start, after, after2 = full[:-3], full[1:-2], full[2:-1], full[3:]
    t = (np.arange(steps) / steps)[None, :, None]
    b, s, a, a2 = (v[:, None, :] for v in (before, start, after, after2))
    curve = 0.5 * (
        2 * s + (a - b) * t + (2 * b - 5 * s + 4 * a - a2) * t**2 + (3 * s - b - 3 * a + a2) * t**3
    )
    curve = curve.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, p[-1:]])


def limb(joints, radii):
    """Return outlines whose union is a limb: a disc at each joint, a taper between them."""
    joints = np.asarray(joints, np.float64)
    outlines = [ellipse(x, y, r, count=16) for (x, y), r in zip(joints, radii, strict=True)]
    for (a, b), (ra, rb) in zip(
        zip(joints[:-1], joints[1:], strict=True), zip(radii[:-1], radii[1:], strict=True),
        strict=True,
    ):  # fmt: skip
        along = b - a
        normal = np.array([-along[1], along[0]]) / max(np.hypot(*along), 1e-9)
        outlines.append(
            np.stack([a + normal * ra, b + normal * rb, b - normal * rb, a - normal * ra])
        )
    return outlines


def reach(start, target, upper, lower, bend=1):
    """Return the middle joint of a two-bone limb from start to target (bend: +1 or -1)."""
    start, target = np.asarray(start, np.float64), np.asarray(target, np.float64)
    along = target - start
    distance = min(max(np.hypot(*along), 1e-6), (upper + lower) * 0.999)
    cosine = (upper**2 + distance**2 - lower**2) / (2 * upper * distance)
    turn = np.arctan2(along[1], along[0]) + bend * np.arccos(np.clip(cosine, -1, 1))
    return start + upper * np.array([np.cos(turn), np.sin(turn)])


def chain(start, angles, lengths):
    """Return the joints of a limb; angles in degrees from straight down, forward positive."""
    joints = [np.asarray(start, np.float64)]
    for angle, length in zip(angles, lengths, strict=True):
        turn = np.deg2rad(angle)
        joints.append(joints[-1] + length * np.array([np.sin(turn), -np.cos(turn)]))
    return np.array(joints)


def tint(color, amount):
    """Return the color mixed with white (amount > 0) or black (amount < 0)."""
    color = np.asarray(color, np.float64)
    goal = 255.0 if amount > 0 else 0.0
    return tuple(color + (goal - color) * abs(amount))


def mix(first, second, share):
    """Return the color that lies `share` of the way from the first to the second."""
    return tuple(np.asarray(first, float) * (1 - share) + np.asarray(second, float) * share)


def paint(canvas, outlines, color, shade=1.0):
    """Fill the union of outlines (picture units), lit from the upper left.

    The light is the difference of a blurred mask with itself, shifted along the light: bright at
    edges that face it, dark at edges that turn away.
    """
    points = np.concatenate(outlines)
    low, high = points.min(0), points.max(0)
    _grow_box(canvas, low, high)
    side = SIZE * SCALE
    if max(low) >= SIZE or min(high) <= 0:
        return
    fixed = [np.round(outline * (SCALE << SHIFT)).astype(np.int32) for outline in outlines]
    if canvas.thing:
        for outline in fixed:
            cv2.fillPoly(canvas.owner, [outline], canvas.thing, cv2.LINE_8, SHIFT)
    k = int(round(np.clip(0.16 * SCALE * (high - low).min(), 1, 30))) if shade else 0
    if not k:
        color = tuple(float(np.clip(c, 0, 255)) for c in color)
        for outline in fixed:
            cv2.fillPoly(canvas.image, [outline], color, cv2.LINE_8, SHIFT)
        return
    (x0, y0), (x1, y1) = np.int32(low * SCALE) - 3 * k - 2, np.int32(high * SCALE) + 3 * k + 3
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for outline in fixed:
        cv2.fillPoly(mask, [outline - np.int32([x0, y0]) * (1 << SHIFT)], 255, cv2.LINE_8, SHIFT)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, side), min(y1, side)
    inside = (slice(top - y0, bottom - y0), slice(left - x0, right - x0))
    patch, shape = _lit(mask, k, color, shade)[inside], mask[inside]
    cv2.copyTo(patch, shape, canvas.image[top:bottom, left:right])


def _lit(mask, k, color, shade):
    """Return the shaded colors of a mask [H, W] as [H, W, 3]."""
    soft = cv2.blur(mask, (2 * k + 1, 2 * k + 1))
    light = np.full_like(mask, 128)
    light[k:-k, k:-k] = cv2.addWeighted(
        soft[2 * k :, 2 * k :], 0.5, soft[: -2 * k, : -2 * k], -0.5, 128
    )
    ramp = (np.arange(256) - 128) / 128.0 * shade
    base = np.asarray(color, np.float64)
    up, down = (255 - base) * 0.42 + 6, base * np.array([0.46, 0.42, 0.34])
    table = base + np.where(ramp[:, None] > 0, ramp[:, None] * up, ramp[:, None] * down)
    table = np.clip(table, 0, 255).astype(np.uint8).reshape(1, 256, 3)
    return cv2.LUT(cv2.merge([light, light, light]), table)


def _grow_box(canvas, low, high):
    """Widen the box of the thing being drawn to hold the points."""
    if canvas.thing:
        old = canvas.boxes.get(canvas.thing, (*low, *high))
        canvas.boxes[canvas.thing] = (
            min(old[0], low[0]), min(old[1], low[1]), max(old[2], high[0]), max(old[3], high[1]),
        )  # fmt: skip


def stroke(canvas, points, width, color):
    """Draw a flat open line (picture units) of the given width."""
    _grow_box(canvas, points.min(0), points.max(0))
    fixed = np.round(points * SCALE * (1 << SHIFT)).astype(np.int32)
    thick = max(1, int(round(width * SCALE)))
    color = tuple(float(c) for c in np.clip(color, 0, 255))
    cv2.polylines(canvas.image, [fixed], False, color, thick, cv2.LINE_AA, SHIFT)
    if canvas.thing:
        cv2.polylines(canvas.owner, [fixed], False, canvas.thing, thick, cv2.LINE_8, SHIFT)


def ground_shadow(canvas, x, y, half_width, depth=0.22, strength=0.3):
    """Darken a soft ellipse on the ground, a little to the right, away from the light."""
    height = max(half_width * depth, 2.0)
    cx, cy = x + 0.12 * half_width, y
    x0, x1 = int((cx - 1.5 * half_width) * SCALE), int((cx + 1.5 * half_width) * SCALE)
    y0, y1 = int((cy - 2 * height) * SCALE), int((cy + 2 * height) * SCALE)
    side = SIZE * SCALE
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, side), min(y1, side)
    if x1 <= x0 or y1 <= y0:
        return
    gx = (np.arange(x0, x1) / SCALE - cx) / half_width
    gy = (np.arange(y0, y1) / SCALE - cy) / height
    distance = np.sqrt(gx[None, :] ** 2 + gy[:, None] ** 2)
    dark = np.clip(1.25 - distance, 0, 0.75) / 0.75 * strength
    scaled = canvas.image[y0:y1, x0:x1] * (1 - dark[..., None] * np.array([1.0, 0.95, 0.7]))
    canvas.image[y0:y1, x0:x1] = scaled.astype(np.uint8)


def gradient_fill(canvas, outline, top, bottom, span=None):
    """Fill an outline (picture units) with a color that runs from top to bottom.

    Args:
        canvas: Where to draw; the owner map is left alone, for this is background.
        outline: [N, 2] points.
        top, bottom: Colors at the two ends of `span`.
        span: (y_top, y_bottom) in picture units, the outline's own extent by default.
    """
    outline = np.asarray(outline, np.float64)
    low, high = span or (outline[:, 1].min(), outline[:, 1].max())
    x0, y0 = np.clip(np.floor(outline.min(0) * SCALE), 0, SIZE * SCALE).astype(int)
    x1, y1 = np.clip(np.ceil(outline.max(0) * SCALE) + 1, 0, SIZE * SCALE).astype(int)
    if y1 <= y0 or x1 <= x0:
        return
    share = np.clip((np.arange(y0, y1) / SCALE - low) / max(high - low, 1e-6), 0, 1)[:, None]
    rows = np.asarray(top) * (1 - share) + np.asarray(bottom) * share
    patch = cv2.resize(
        rows.astype(np.uint8)[:, None, :],
        (int(x1 - x0), int(y1 - y0)),
        interpolation=cv2.INTER_NEAREST,
    )
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    fixed = np.round((outline * SCALE - (x0, y0)) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_8, SHIFT)
    cv2.copyTo(patch, mask, canvas.image[y0:y1, x0:x1])


def band(points, bottom=SIZE + 2):
    """Close an open line across the picture downwards: a hill, a shore, the ground."""
    points = np.asarray(points, np.float64)
    return np.concatenate([points, [[points[-1, 0], bottom], [points[0, 0], bottom]]])


def finish(canvas, light, rng):
    """Shrink the canvas, color it for the light of the day, add the lamps and a paper grain.

    Returns:
        The picture, uint8 [224, 224, 3], RGB.
    """
    picture = cv2.resize(canvas.image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    picture = picture.astype(np.float32)
    # Things keep more of their own color than the ground: a red car stays red by moonlight.
    things = np.where(canvas.owner > 0, 255, 0).astype(np.uint8)
    things = cv2.resize(things, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[..., None] / np.float32(
        255
    )
    if light == "sunset":
        toned = picture * np.float32([1.0, 0.83, 0.77]) + np.float32([14, 2, 2])
        picture = toned + (0.85 * things) * (picture - toned)
    elif light == "night":
        toned = picture * np.float32([0.48, 0.54, 0.78]) + np.float32([2, 6, 24])
        lit = picture * np.float32([0.94, 0.92, 0.95]) + np.float32([0, 1, 8])
        picture = toned + things * (lit - toned)
    _add_glows(picture, canvas.glows, 1 - things)
    picture += rng.normal(0, 1.6, (SIZE, SIZE, 1)).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _add_glows(picture, glows, sky):
    """Brighten `picture` in place around lamps and, behind the things, around the sun."""
    for x, y, radius, color, strength, behind in glows:
        x0, x1 = int(max(x - radius, 0)), int(min(x + radius + 1, SIZE))
        y0, y1 = int(max(y - radius, 0)), int(min(y + radius + 1, SIZE))
        if x1 <= x0 or y1 <= y0:
            continue
        dx, dy = np.arange(x0, x1) - x, np.arange(y0, y1) - y
        near = 1 - np.sqrt(dx[None, :] ** 2 + dy[:, None] ** 2) / radius
        weight = (np.clip(near, 0, 1) ** 2 * strength)[..., None].astype(np.float32)
        if behind:
            weight = weight * sky[y0:y1, x0:x1]
        part = picture[y0:y1, x0:x1]
        part += weight * (np.float32(color) - part)
