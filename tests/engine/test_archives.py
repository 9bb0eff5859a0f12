"""Data sets from a server: whole or not at all, and by one at a time."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile

import numpy as np
import pytest

from engine.core.errors import BadDataset, DatasetUnavailable, DownloadFailed
from engine.storage import archives, datasets
from tests.engine.test_datasets import photo


def pets_archives() -> dict[str, bytes]:
    rows = {
        "trainval": ["Abyssinian_1 1 1 1", "beagle_1 2 2 1"],
        "test": ["Abyssinian_2 1 1 1", "beagle_2 2 2 1"],
    }
    files = {
        "annotations.tar.gz": {
            f"annotations/{s}.txt": "\n".join(r).encode() for s, r in rows.items()
        },
        "images.tar.gz": {
            f"images/{line.split()[0]}.jpg": photo(k)
            for k, line in enumerate([*rows["trainval"], *rows["test"]])
        },
    }
    packed = {}
    for name, members in files.items():
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, content in members.items():
                info = tarfile.TarInfo(path)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        packed[name] = buffer.getvalue()
    return packed


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    packed = pets_archives()
    for name, content in packed.items():
        (folder / name).write_bytes(content)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        listed = [
            archives.Archive(name=n, size=len(c), md5=hashlib.md5(c).hexdigest())
            for n, c in packed.items()
        ]
        yield f"http://127.0.0.1:{running.server_port}", listed, folder
        running.shutdown()


def test_pets_are_fetched_whole_and_read(server, tmp_path):
    url, listed, _ = server
    root = tmp_path / "pets"
    messages = [p.message for p in archives.download_pets(root, url=url, archives=listed)]
    assert messages[-1] == "ready"
    data = datasets.pets(root)
    assert data.class_names == ("Abyssinian", "beagle")
    assert data.groups == ("cat", "dog")
    assert data.train.tolist() == [True, True, False, False]
    assert datasets.by_group(data).class_names == ("cat", "dog")
    assert not list(tmp_path.glob("*.download"))


def test_who_downloads_the_same_photos_at_the_same_time_is_told(server, tmp_path):
    url, listed, _ = server
    first = archives.download_pets(tmp_path / "pets", url=url, archives=listed)
    while not next(first).message.startswith("unpacking"):
        pass
    with pytest.raises(DownloadFailed, match="already being downloaded"):
        list(archives.download_pets(tmp_path / "pets", url=url, archives=listed))
    list(first)
    assert len(datasets.pets(tmp_path / "pets").paths) == 4


def test_half_an_archive_is_never_used(server, tmp_path):
    url, listed, folder = server
    images_file = folder / "images.tar.gz"
    whole = images_file.read_bytes()
    images_file.write_bytes(whole[: len(whole) // 2])
    root = tmp_path / "pets"
    with pytest.raises(DownloadFailed):
        list(archives.download_pets(root, url=url, archives=listed))
    assert not root.exists()
    with pytest.raises(DatasetUnavailable):
        datasets.pets(root)
    images_file.write_bytes(whole)
    list(archives.download_pets(root, url=url, archives=listed))
    assert len(datasets.pets(root).paths) == 4


def test_folders_that_some_file_systems_take_for_one_are_refused(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("Cat", "cat"):
            archive.writestr(f"{name}/1.jpg", b"a photo")
    with pytest.raises(BadDataset, match="“Cat” and “cat”"):
        archives.unpack(buffer.getvalue(), tmp_path / "photos")


def test_what_stands_in_the_place_of_the_photos_is_kept_aside(server, tmp_path):
    url, listed, _ = server
    root = tmp_path / "pets"
    root.mkdir()
    (root / "mine.txt").write_text("no photo")
    list(archives.download_pets(root, url=url, archives=listed))
    assert len(datasets.pets(root).paths) == 4
    (aside,) = tmp_path.glob("pets.[0-9]*")
    assert [file.name for file in aside.iterdir()] == ["mine.txt"]


def test_a_photo_that_is_missing_is_named(server, tmp_path):
    url, listed, _ = server
    root = tmp_path / "pets"
    list(archives.download_pets(root, url=url, archives=listed))
    (root / "images" / "beagle_1.jpg").unlink()
    data = datasets.pets(root)
    assert [r.name for r in data.rejected] == ["beagle_1.jpg"]
    assert len(data.paths) == 3


def cats_and_dogs_archive() -> bytes:
    """Ten photos of each, one of them empty, and a file that is none."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("Cat", "Dog"):
            for k in range(10):
                archive.writestr(f"PetImages/{name}/{k}.jpg", b"" if k == 6 else b"a photo")
            archive.writestr(f"PetImages/{name}/Thumbs.db", b"no photo")
        archive.writestr("readme[1].txt", b"words")
    return buffer.getvalue()


def test_cats_and_dogs_are_fetched_from_a_zip_and_divided(server, tmp_path):
    url, _, folder = server
    content = cats_and_dogs_archive()
    (folder / "cats.zip").write_bytes(content)
    listed = [archives.Archive(name="cats.zip", size=len(content))]
    root = tmp_path / "cats-vs-dogs"
    assert not datasets.has_cats_and_dogs(root)
    list(archives.download_cats_and_dogs(root, url=url, archives=listed))
    assert datasets.has_cats_and_dogs(root)
    data = datasets.cats_and_dogs(root)
    assert (data.name, data.class_names) == ("Cats vs Dogs", ("Cat", "Dog"))
    assert np.bincount(data.labels[data.train]).tolist() == [8, 8]
    assert [one.name for one in data.rejected] == ["Cat/Thumbs.db", "Dog/Thumbs.db"]
    assert not list(tmp_path.glob("*.download"))


def test_a_zip_that_has_arrived_damaged_is_fetched_again(server, tmp_path):
    url, _, folder = server
    whole = cats_and_dogs_archive()
    damaged = whole[:40] + bytes(200) + whole[240:]
    (folder / "cats.zip").write_bytes(damaged)
    listed = [archives.Archive(name="cats.zip", size=len(whole))]
    root = tmp_path / "cats"
    with pytest.raises(DownloadFailed, match="arrived damaged"):
        list(archives.download_cats_and_dogs(root, url=url, archives=listed))
    (folder / "cats.zip").write_bytes(whole)
    list(archives.download_cats_and_dogs(root, url=url, archives=listed))
    assert len(datasets.cats_and_dogs(root).paths) == 20


def test_a_zip_that_is_cut_off_is_never_used(server, tmp_path):
    url, _, folder = server
    content = cats_and_dogs_archive()
    (folder / "cats.zip").write_bytes(content[: len(content) // 2])
    listed = [archives.Archive(name="cats.zip", size=len(content))]
    with pytest.raises(DownloadFailed):
        list(archives.download_cats_and_dogs(tmp_path / "cats", url=url, archives=listed))
    assert not (tmp_path / "cats").exists()
