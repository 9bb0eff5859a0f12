"""Photos to begin with: they come with packages that are installed anyway."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A photo in the `data` folder of an installed package.

    `label` is what ImageNet calls it, where it is one of ImageNet's; that may be wrong.
    """

    package: str
    filename: str
    label: str = ""


def _imagenet(filename: str, label: str) -> Sample:
    return Sample(package="foolbox", filename=f"imagenet_{filename}.jpg", label=label)


SAMPLES = {
    "Cat": Sample(package="skimage", filename="chelsea.png"),
    "Bull mastiff": _imagenet("00_243", "bull mastiff"),
    "Dalmatian": _imagenet("16_251", "dalmatian"),
    "Geese": _imagenet("15_99", "goose"),
    "Bald eagle": _imagenet("17_22", "bald eagle"),
    "Spoonbills": _imagenet("14_129", "spoonbill"),
    "Leafhopper": _imagenet("18_317", "leafhopper"),
    "Dung beetle": _imagenet("19_305", "dung beetle"),
    "Strawberries": _imagenet("04_949", "strawberry"),
    "Chestnuts": _imagenet("03_990", "buckeye"),
    "Coffee": Sample(package="skimage", filename="coffee.png"),
    "Bottle cap": _imagenet("09_455", "bottlecap"),
    "Jeep": _imagenet("06_609", "jeep"),
    "Blue jeep": _imagenet("07_609", "jeep"),
    "Cannon": _imagenet("13_471", "cannon"),
    "Drum": _imagenet("10_541", "drum"),
    "Shoe": _imagenet("11_630", "Loafer"),
    "Beaker": _imagenet("02_438", "beaker"),
    "Folding chair": _imagenet("01_559", "folding chair"),
    "Yurt": _imagenet("08_915", "yurt"),
    "Thatched roof": _imagenet("05_853", "thatch"),
    "Windows": _imagenet("12_741", "prayer rug"),
    "Astronaut": Sample(package="skimage", filename="astronaut.png"),
    "Rocket": Sample(package="skimage", filename="rocket.jpg"),
}


@cache
def path(name: str) -> Path:
    """Where a sample's file is; its package is not imported."""
    sample = SAMPLES[name]
    return _folder(sample.package) / "data" / sample.filename


@cache
def _folder(package: str) -> Path:
    found = find_spec(package)
    return Path(found.origin if found and found.origin else package).parent
