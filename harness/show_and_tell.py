"""A class with a wall: pupils show results, a projector watches, and it is timed how soon."""

import asyncio
import random
import time

from harness.lesson import CLASSES, Marks, ready, shortened, toggle_answer
from harness.pupil import Pupil

EVERY = 30.0  # seconds between two results of a pupil


async def show_and_tell(address: str, code: str, pupils: int, marks: Marks, until: float) -> None:
    """All pupils of a class, and a projector that notes when what was shown has arrived."""
    shown: dict[str, float] = {}  # words of each result, and when it was sent
    async with asyncio.TaskGroup() as group:
        group.create_task(_projector(address, code, shown, marks, until + EVERY))
        for number in range(pupils):
            group.create_task(_pupil(address, code, number, shown, marks, until))
    for words in shown:
        marks.errors[f"never on the projector: {words}"] += 1


async def _projector(
    address: str, code: str, shown: dict[str, float], marks: Marks, until: float
) -> None:
    async with Pupil(address) as projector:
        await projector.open("wall", f"watch={code}")
        while time.monotonic() < until:
            await asyncio.sleep(0.1)
            components = [e for e, _ in projector.elements("bidi_component")]
            written = "\n".join(e.json for e in components if e.component_name == "wall_cards")
            for words in [words for words in shown if words in written]:
                marks.times["from the click to the projector"].append(
                    time.monotonic() - shown.pop(words)
                )


async def _pupil(
    address: str, code: str, number: int, shown: dict[str, float], marks: Marks, until: float
) -> None:
    chance = random.Random(number)
    wanted = CLASSES["Pocket"][number % 2]
    await asyncio.sleep(chance.uniform(0, EVERY))
    async with Pupil(address) as pupil:
        try:
            await pupil.open("wall", f"join={code}")
            await ready(pupil, "text_input", "Nickname")
            pupil.fill("text_input", "Nickname", "string_value", f"pupil {number}")
            await ready(pupil, "button", "Join")  # the page has taken in the nickname
            await pupil.click("Join")
            await ready(pupil, "button", "Leave the class")
            round_ = 0
            while time.monotonic() < until:
                round_ += 1
                began = time.monotonic()
                seed = 100 * number + round_
                await pupil.open(
                    "ideal_images", f"backbone=Pocket&class={wanted}&seed={seed}&steps=20"
                )
                await ready(pupil, "button", "Start")
                await toggle_answer(pupil, "a class that shows")
                await pupil.click("Start")
                await ready(pupil, "button", "Show it")
                await pupil.until(lambda p=pupil: not _on_the_wall(p), "the offer to show it")
                words = f"result {number}.{round_}."
                pupil.fill("text_input", "Your words (optional)", "string_value", words)
                shown[words] = time.monotonic()
                await pupil.click("Show it")
                await pupil.until(lambda p=pupil: _on_the_wall(p), "the result on the wall")
                marks.counts["results shown"] += 1
                marks.times["widget answers"] += [t for _, t in pupil.answers]
                pupil.answers.clear()
                await pupil.open("wall")  # looks at what others have made
                await ready(pupil, "button", "Leave the class")
                await asyncio.sleep(max(0.0, EVERY - (time.monotonic() - began)))
        except (AssertionError, LookupError, TimeoutError) as error:
            marks.errors[f"show and tell: {shortened(error)}"] += 1


def _on_the_wall(pupil: Pupil) -> bool:
    return any(button.label == "On the wall" for button, _ in pupil.elements("button"))
