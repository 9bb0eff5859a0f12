"""A disk that is really full: each writer says so in a sentence, and leaves no half file."""

import io
import subprocess
import zipfile

import numpy as np
import pytest

from engine import images
from engine.core.errors import BadDataset, KitDamaged
from engine.storage import archives, datasets, offline
from engine.transfer import extraction


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, 200 kB large."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a file system of its own needs the right to mount one")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def left(place) -> int:
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())


def test_photos_of_a_zip(disk):
    noise = np.random.default_rng(0).random((200, 200, 3)).astype("float32")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for k in range(4):
            file.writestr(f"class/{k}.png", images.png(noise))
    with pytest.raises(BadDataset, match="No space left"):
        archives.unpack(buffer.getvalue(), disk / "photos")


def test_photos_of_class_boxes(disk):
    photos = {"cat": [bytes(200_000)], "dog": [bytes(200_000)]}
    with pytest.raises(BadDataset, match="could not be written: No space left"):
        archives.store(photos, disk / "photos")


def test_features(net, crops, disk):
    data = datasets.folder(crops)
    (disk / "ballast").write_bytes(b"\0" * 180_000)
    with pytest.raises(BadDataset, match="could not be written: No space left"):
        list(extraction.extract(net, data, disk))
    assert left(disk) == 180_000


def test_a_kit(disk, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("IDEAL_CAT_PETS", str(tmp_path / "pets"))
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "large.jpg").write_bytes(b"\0" * 400_000)
    with pytest.raises(KitDamaged, match="No space left"):
        list(offline.pack(disk))
    assert left(disk) == 0
