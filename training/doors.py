"""Draw the pictures of the home page: what each screen does, as our own networks do it.

    python -m training.doors [oxford-iiit-pet]

Writes into `static/`. The photo is scikit-image's cat, which is in the public domain. With
MobileNetV2 on this machine the maps, the attack and the curve are its own, else Pocket's; the
curve needs Oxford-IIIT Pets and stays as it is without.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine import attacks, backbones, features, images, synthesis, transfer
from engine.attacks import robustness
from engine.storage import datasets, samples, weights

STATIC = Path(__file__).parent.parent / "static"
WIDTH, HEIGHT = 480, 360
EPOCHS = 9  # of the curve, with what is there before the first
TOP = 50  # px of the ideal cat that are cut off
GROUND, INK, BLUE, ORANGE = "#1A1824", "#ECEAF6", "#A9A2FF", "#F0955A"


def main(pets: Path | None) -> None:
    """Draws all four."""
    STATIC.mkdir(exist_ok=True)
    net = backbones.load("MobileNetV2" if "MobileNetV2" in weights.available() else "Pocket")
    cat = images.fit(images.load(samples.path("Cat")), net.input_size)
    save("feature-maps", maps(net, cat), 700)
    save("ideal-images", ideal_cat(), 90, hold=16)
    save("adversarial-attacks", attack(net, cat), 1600)
    if pets is not None:
        (STATIC / "transfer-learning.svg").write_text(curve(net.name, *accuracies(net, pets)))


def save(name: str, frames: list[Image.Image], milliseconds: int, hold: int = 1) -> None:
    """Writes a film as WebP, and its last picture for those who want nothing to move."""
    frames[-1].save(STATIC / f"{name}-still.webp", quality=80, method=6)
    durations = [milliseconds] * (len(frames) - 1) + [milliseconds * hold]
    frames[0].save(
        STATIC / f"{name}.webp",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=70,
        method=6,
    )


def canvas() -> Image.Image:
    """An empty picture of the right size."""
    return Image.new("RGB", (WIDTH, HEIGHT), GROUND)


def square(picture: np.ndarray, side: int) -> Image.Image:
    """A picture `(H, W, 3)` in 0..1, enlarged smoothly."""
    image = Image.fromarray(images.to_uint8(picture))
    return image.resize((side, side), Image.Resampling.LANCZOS)


def label(image: Image.Image, at: tuple[int, int], words: str, colour: str, size: int = 22) -> None:
    """Writes a line, centred at a place."""
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text(at, words, fill=colour, font=font, anchor="mm")


def maps(net: backbones.Backbone, cat: np.ndarray) -> list[Image.Image]:
    """The photo, and the strongest maps of four layers, one layer after the other."""
    layers = [info for info in net.layers if info.has_maps and "relu" in info.name]
    chosen = [layers[int(share * (len(layers) - 1))] for share in (0.03, 0.25, 0.55, 0.85)]
    frames = []
    for info in chosen:
        found = features.activations(net, cat, info.name)
        image = canvas()
        side, gap = 112, 6
        left = (WIDTH - 4 * side - 3 * gap) // 2
        top = (HEIGHT - 3 * side - 2 * gap) // 2
        image.paste(square(cat, 2 * side + gap), (left, top))
        free = [(c, r) for r in range(3) for c in range(4) if c > 1 or r > 1]
        for (column, row), channel in zip(free, found.ranking, strict=False):
            values = np.abs(found.values[..., channel])
            tile = heat(values / max(float(np.percentile(values, 99.5)), 1e-9))
            tile = tile.resize((side, side), Image.Resampling.BICUBIC)
            image.paste(tile, (left + column * (side + gap), top + row * (side + gap)))
        frames.append(image)
    return frames


def heat(values: np.ndarray) -> Image.Image:
    """Values in 0..1 from the ground's colour over violet and orange to white."""
    anchors = np.array([[26, 24, 36], [94, 76, 200], [240, 149, 90], [255, 250, 235]], "float64")
    at = np.linspace(0, 1, len(anchors))
    values = np.clip(values, 0, 1)
    return Image.fromarray(
        np.stack([np.interp(values, at, anchors[:, k]) for k in range(3)], axis=-1).astype("uint8")
    )


def ideal_cat() -> list[Image.Image]:
    """Noise becomes Pocket Robust's ideal cat."""
    net = backbones.load("Pocket Robust")
    settings = replace(synthesis.preset("clear", net), seed=1)
    target = net.class_names.index("Egyptian cat")
    frames = []
    for frame in synthesis.ideal_image(net, target, settings):
        if frame.step % 3 == 0 or frame.last:
            image = canvas()
            image.paste(square(frame.picture, WIDTH), (0, -TOP))
            frames.append(image)
    return frames


def attack(net: backbones.Backbone, cat: np.ndarray) -> list[Image.Image]:
    """The photo and what it is taken for, the change magnified, the photo and its new name."""
    goal = attacks.Targeted(net.class_names.index("golden retriever"))
    *_, last = attacks.run(net, cat, goal, attacks.PGD(epsilon=2, steps=20), seed=0)
    change, times = robustness.magnified(cat, last.picture)
    frames = []
    for picture, words, colour in (
        (cat, said(net, cat), BLUE),
        (change, f"plus this, shown {times} times as strong", INK),
        (last.picture, said(net, last.picture), ORANGE),
    ):
        image, side = canvas(), HEIGHT - 48
        image.paste(square(picture, side), ((WIDTH - side) // 2, 0))
        label(image, (WIDTH // 2, HEIGHT - 23), words, colour)
        frames.append(image)
    return frames


def said(net: backbones.Backbone, picture: np.ndarray) -> str:
    """What a network predicts."""
    top = net.predict(picture, top=1)[0]
    return f"{top.label}, {100 * top.probability:.0f} %"


def accuracies(net: backbones.Backbone, root: Path) -> tuple[list[float], int]:
    """Accuracy on photos never trained on, from chance on, and how many photos it learns from."""
    data = datasets.pets(root)
    with tempfile.TemporaryDirectory() as folder:
        *_, found = transfer.extract(net, data, Path(folder))
    epochs = transfer.train_head(found.features, transfer.Recipe())
    shares = [1 / len(data.class_names), *(epoch.val_accuracy for epoch in epochs)]
    return shares[:EPOCHS], int(data.train.sum())


def curve(name: str, shares: list[float], photos: int) -> str:
    """A curve that draws itself, as SVG."""
    x = np.linspace(40, WIDTH - 40, len(shares))
    y = HEIGHT - 70 - (HEIGHT - 130) * np.array(shares)
    line = " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"
 font-family="system-ui, sans-serif" font-size="20">
<style>
polyline {{ stroke-dasharray: 900; animation: draw 4s ease-out infinite; }}
@keyframes draw {{ from {{ stroke-dashoffset: 900; }} 70%, to {{ stroke-dashoffset: 0; }} }}
@media (prefers-reduced-motion: reduce) {{ polyline {{ animation: none; }} }}
</style>
<rect width="{WIDTH}" height="{HEIGHT}" fill="{GROUND}"/>
<path d="M40 {HEIGHT - 70}H{WIDTH - 40}" stroke="#3A3750" stroke-width="2"/>
<polyline points="{line}" fill="none" stroke="{ORANGE}" stroke-width="5"
 stroke-linejoin="round" stroke-linecap="round"/>
<text x="{WIDTH - 40}" y="{y[-1] - 18:.0f}" fill="{ORANGE}" text-anchor="end"
 font-size="30" font-weight="700">{100 * shares[-1]:.0f} %</text>
<text x="40" y="{HEIGHT - 30}" fill="{INK}">37 breeds, {photos} photos, {name}</text>
</svg>
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the pictures of the home page.")
    parser.add_argument("pets", type=Path, nargs="?", help="Oxford-IIIT Pets")
    main(parser.parse_args().pets)
