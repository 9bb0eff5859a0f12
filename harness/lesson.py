"""What a pupil does in a lesson: all four screens, and whether it sees its own."""

import asyncio
import hashlib
import io
import random
import re
import time
from collections import Counter, defaultdict

import numpy as np
from PIL import Image

from harness.pupil import Pupil

BACKBONES = ("MobileNetV2", "Pocket")
CLASSES = {"MobileNetV2": ("zebra", "goldfish", "daisy", "tiger"), "Pocket": ("goldfish", "lemon")}
THINK = (1.0, 4.0)  # seconds, at least and at most, between two things a pupil does
SETTINGS = ""  # further parameters of an ideal image's link, like "&views=1"


class Marks:
    """What was measured, by name, and what went wrong."""

    def __init__(self) -> None:
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.late: Counter[str] = Counter()  # what had not come after five minutes
        self.same: defaultdict[str, set[str]] = defaultdict(set)


async def the_class(
    address: str, pupils: int, marks: Marks, until: float, within: float = 30.0, least: int = 1
) -> list[tuple[str, float]]:
    """All pupils at once, who come in within some seconds; the times of their widgets' answers.

    Each visits `least` screens also if the time is over before.
    """
    chance = random.Random(0)

    async def one(number: int) -> list[tuple[str, float]]:
        await asyncio.sleep(chance.uniform(0, within))
        try:
            return await lesson(address, number, marks, until, least)
        except Exception as error:  # the others go on
            marks.errors[f"{type(error).__name__}: {shortened(error)}"] += 1
        return []

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(pupils)]
    return [answer for task in tasks for answer in task.result()]


async def lesson(
    address: str, number: int, marks: Marks, until: float, least: int
) -> list[tuple[str, float]]:
    """One pupil's lesson: the four screens again and again, each round in a session of its own."""
    chance, answers = random.Random(number), []
    name = BACKBONES[number % 2]

    async def think() -> None:
        await asyncio.sleep(chance.uniform(*THINK))

    while time.monotonic() < until:
        started = time.monotonic()
        async with Pupil(address) as pupil:
            await pupil.open()
            await pupil.until(lambda p=pupil: "A pretrained image" in p.words(), "the first words")
            marks.times["first content"].append(time.monotonic() - started)
            for visited, screen in enumerate((feature_maps, ideal_image, attack, training), 1):
                await think()
                try:
                    await screen(pupil, number, name, marks, think)
                    marks.counts[f"rounds of {screen.__name__}"] += 1
                except TimeoutError as error:
                    marks.late[f"{screen.__name__}: {shortened(error)}"] += 1
                except (AssertionError, LookupError) as error:
                    marks.errors[f"{screen.__name__}: {shortened(error)}"] += 1
                if time.monotonic() > until and visited >= least:
                    break
            answers += pupil.answers
    return answers


async def feature_maps(pupil: Pupil, number: int, name: str, marks: Marks, think) -> None:
    """Sends a picture of one colour, which must come back; looks at layers and channels."""
    colour = tuple((number * step) % 200 + 20 for step in (37, 71, 113))
    await pupil.open("feature_maps", f"backbone={name}")
    await ready(pupil, "number_input", "Channel")
    await pupil.put("button_group", "Picture", "string_array_value", ["Upload"])
    await pupil.until(lambda: pupil.has("file_uploader", "at most 10 MB"), "the uploader")
    buffer = io.BytesIO()
    Image.new("RGB", (300, 300), colour).save(buffer, "PNG")
    await pupil.upload("at most 10 MB", f"pupil-{number}.png", buffer.getvalue())
    got = await pupil.until(
        lambda: [u for a, u in pupil.images() if a.startswith(f"pupil-{number}.png, cut")],
        "my own picture",
    )
    pixels = np.asarray(Image.open(io.BytesIO(pupil.content(got[0]))).convert("RGB"))
    assert tuple(pixels[50, 50]) == colour, "another's picture came back"
    for channel in range(1, 4):
        await think()
        await pupil.put("number_input", "Channel", "double_value", float(channel))
        await pupil.timed(
            lambda c=channel: f"Channel {c}" in pupil.words(), "another channel in Feature maps"
        )


async def ideal_image(pupil: Pupil, number: int, name: str, marks: Marks, think) -> None:
    """Half of the class asks for the same picture, half for one of its own; some steer."""
    wanted = CLASSES[name][number // 2 % len(CLASSES[name])]
    marks.counts["asked"] += 1
    seed = 7 if number % 4 < 2 else 1000 + marks.counts["asked"]
    await pupil.open("ideal_images", f"backbone={name}&class={wanted}&seed={seed}{SETTINGS}")
    await ready(pupil, "button", "Start")
    started = time.monotonic()
    await pupil.click("Start")
    await pupil.until(lambda: step_of(pupil, wanted) is not None, "the first frame")
    marks.times["first frame"].append(time.monotonic() - started)
    if seed != 7:
        marks.times["first frame of a picture of its own"].append(time.monotonic() - started)
    first, before = time.monotonic(), pupil.live.frames
    for _ in range(3):
        await think()
        await toggle_answer(pupil, "Ideal images, while it runs")
    steers = number % 8 > 5
    if steers:
        await pupil.put("slider", "Variation loss", "string_array_value", [other(pupil)])
    end = await pupil.until(lambda: re.search(r"of (\d+), done", pupil.words()), "the end")
    steps = int(end[1])
    marks.counts["frames"] += pupil.live.frames - before
    marks.times["frames watched for"].append(time.monotonic() - first)
    found = await pupil.until(
        lambda: [u for a, u in pupil.images() if a == f"{wanted}, step {steps}"], "the last picture"
    )
    missing = steps + 1 - max(len(film.frames) for film in pupil.live.of("ideal"))
    assert not missing, f"{missing} of {steps + 1} frames were never sent"
    content = hashlib.sha256(pupil.content(found[0])).hexdigest()
    if not steers:
        marks.same[f"{name} {wanted} {seed}"].add(content)


async def attack(pupil: Pupil, number: int, name: str, marks: Marks, think) -> None:
    """Attacks a sample; the verdict names the class that was wanted."""
    await pupil.open("adversarial_attacks", f"backbone={name}&sample=Coffee")
    await ready(pupil, "button", "Attack")
    started = time.monotonic()
    await pupil.click("Attack")
    await pupil.until(lambda: re.search("( became |Not fooled)", pupil.words()), "the verdict")
    marks.times["attack, to the verdict"].append(time.monotonic() - started)
    await think()
    await toggle_answer(pupil, "Adversarial attacks")


async def training(pupil: Pupil, number: int, name: str, marks: Marks, think) -> None:
    """Trains 37 breeds."""
    await pupil.open("transfer_learning", f"backbone={name}")
    await ready(pupil, "button", "Train")
    started = time.monotonic()
    await pupil.click("Train")
    await pupil.until(lambda: "% of" in pupil.words(), "the result")
    marks.times["training, to the result"].append(time.monotonic() - started)
    await think()
    await toggle_answer(pupil, "Transfer learning")


def shortened(error: Exception) -> str:
    """What was waited for, and the end of what went wrong: where it was raised."""
    words = str(error)
    return words if len(words) < 2_100 else f"{words[:60]} … {words[-2_000:]}"


def other(pupil: Pupil) -> str:
    """Another value of the slider than the one it has."""
    slider, _ = pupil.widget("slider", "Variation loss")
    return slider.options[int(slider.default[0]) + 1]


async def ready(pupil: Pupil, kind: str, label: str) -> None:
    """Waits until a widget is there."""
    await pupil.until(lambda: pupil.has(kind, label), f"{kind} {label}")


def step_of(pupil: Pupil, wanted: str) -> int | None:
    """The step of the picture on screen."""
    for alt, _ in pupil.images():
        if found := re.fullmatch(rf"{wanted}, step (\d+)", alt):
            return int(found[1])
    return None


async def toggle_answer(pupil: Pupil, where: str) -> None:
    """Switches the lesson card's answer: a widget of the page that has nothing to do with jobs."""

    def shown() -> int:
        return sum(e.icon == ":material/lightbulb:" for e, _ in pupil.elements("alert"))

    before = shown()
    await pupil.put("checkbox", "Show the answer", "bool_value", not before)
    await pupil.timed(lambda: shown() != before, f"a switch in {where}")
