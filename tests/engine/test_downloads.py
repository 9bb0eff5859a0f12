"""A file arrives whole or not at all, from servers that are slow, break off, or lie."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.core.errors import DownloadFailed
from engine.storage import downloads, registry, weights
from tests.local_server import CONTENT, MD5

ROOT = Path(__file__).parents[2]


def run(url, target, **options):
    return list(downloads.fetch(url, target, **options))


def test_a_whole_file_arrives_with_progress(server, tmp_path):
    target = tmp_path / "models" / "weights.h5"
    steps = run(server.url, target, digest=MD5, magic=weights.HDF5)
    assert target.read_bytes() == CONTENT
    assert steps[-1].fraction == 1.0
    assert "0.9 MB" in steps[-1].message
    assert set(os.listdir(target.parent)) == {"weights.h5", "weights.h5.lock"}


def test_a_file_that_has_moved_is_found(server, tmp_path):
    server.moved = True
    run(server.url, tmp_path / "weights.h5", digest=MD5)
    assert (tmp_path / "weights.h5").read_bytes() == CONTENT


def test_a_download_tells_how_long_the_next_will_take(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_last", downloads._Speed())
    assert downloads.seconds(1e6) is None
    started = time.monotonic()
    run(server.url, tmp_path / "weights.h5")
    passed = time.monotonic() - started
    assert 0 < downloads.seconds(len(CONTENT)) <= passed
    assert downloads.seconds(2e6) == pytest.approx(2 * downloads.seconds(1e6))


def test_a_broken_download_is_resumed(server, tmp_path):
    target = tmp_path / "weights.h5"
    server.cut_after = 400_000
    with pytest.raises(DownloadFailed, match="broke off after"):
        run(server.url, target, digest=MD5)
    assert not target.exists()
    server.cut_after = None
    run(server.url, target, digest=MD5)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-"]


@pytest.mark.parametrize("change", [{"etag": '"two"'}, {"ranges": False}])
def test_a_changed_file_or_a_server_without_ranges_starts_again(server, tmp_path, change):
    target = tmp_path / "weights.h5"
    server.cut_after = 400_000
    with pytest.raises(DownloadFailed):
        run(server.url, target)
    server.cut_after = None
    for name, value in change.items():
        setattr(server, name, value)
    run(server.url, target, digest=MD5)
    assert target.read_bytes() == CONTENT


def test_a_stalled_server_is_given_up(server, tmp_path):
    server.stall_after = 100_000
    with pytest.raises(DownloadFailed, match="timed out"):
        run(server.url, tmp_path / "weights.h5", timeout=0.3)
    assert not (tmp_path / "weights.h5").exists()


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ({"body": b"<html>please log in</html>"}, "did not send the expected file"),
        ({"body": CONTENT[:-1] + b"x"}, "did not send the expected file"),
        ({"announce": 5_000_000, "cut_after": 900_000}, "broke off"),
        ({"announce": 1 << 40, "cut_after": 1000}, "more than expected"),
        ({"status": 404}, "answered 404"),
        ({"status": 503}, "answered 503"),
    ],
)
def test_a_lie_is_not_taken_for_the_file(server, tmp_path, lie, sentence):
    for name, value in lie.items():
        setattr(server, name, value)
    with pytest.raises(DownloadFailed, match=sentence):
        run(server.url, tmp_path / "w.h5", digest=MD5, magic=weights.HDF5, limit=8_000_000)
    assert not (tmp_path / "w.h5").exists()


def test_an_endless_answer_is_cut_off(server, tmp_path):
    with pytest.raises(DownloadFailed, match="more than expected"):
        run(server.url, tmp_path / "weights.h5", limit=100_000)


def test_a_full_disk_is_one_sentence(server, tmp_path, monkeypatch):
    monkeypatch.setattr(
        downloads.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10_000})
    )
    with pytest.raises(DownloadFailed, match="disk is full"):
        run(server.url, tmp_path / "weights.h5")


def test_a_folder_that_cannot_be_made_is_one_sentence(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadFailed, match="could not be written"):
        run(server.url, tmp_path / "file" / "weights.h5")


def test_no_server_is_one_sentence(tmp_path):
    with pytest.raises(DownloadFailed, match="could not be downloaded"):
        run("http://127.0.0.1:9/w.h5", tmp_path / "w.h5", timeout=1)


def test_a_part_that_lacks_nothing_does_not_block_the_next_try(server, tmp_path):
    """A process killed between the last byte and the renaming leaves one."""
    target = tmp_path / "weights.h5"
    target.with_name("weights.h5.part").write_bytes(CONTENT)
    target.with_name("weights.h5.etag").write_text('"one"')
    run(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-", None]


def test_another_process_does_not_write_the_same_part(server, tmp_path):
    target = tmp_path / "weights.h5"
    first = downloads.fetch(server.url, target)
    next(first)
    other = (
        "from pathlib import Path; from engine.storage import downloads\n"
        f"list(downloads.fetch({server.url!r}, Path({str(target)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", other], cwd=ROOT, capture_output=True, text=True)
    assert "already being downloaded" in done.stderr
    list(first)
    assert target.read_bytes() == CONTENT


def test_the_same_file_is_not_downloaded_twice_at_once(server, tmp_path):
    target = tmp_path / "weights.h5"
    first = downloads.fetch(server.url, target)
    next(first)
    with pytest.raises(DownloadFailed, match="already being downloaded"):
        run(server.url, target)
    first.close()
    run(server.url, target)
    assert target.read_bytes() == CONTENT


def test_a_download_left_by_a_killed_process_is_not_a_whole_file(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    spec = registry.spec("MobileNetV2")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / weights.INDEX_NAME).write_text("{}")
    (folder / f"{spec.filename}.part").write_bytes(CONTENT)
    assert "MobileNetV2" not in weights.available()


def test_without_a_connection_the_sentence_says_so(tmp_path):
    target = tmp_path / "weights.h5"
    with pytest.raises(DownloadFailed, match="there is no internet connection"):
        run("http://nobody.invalid/weights.h5", target)
    assert not target.exists()


def test_a_mirror_is_asked_and_its_files_are_checked_all_the_same(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("IDEAL_CAT_MIRROR", server.url.rsplit("/", 1)[0] + "/")
    with pytest.raises(DownloadFailed):
        list(weights.download(registry.spec("MobileNetV2")))
    assert server.asked
    assert not weights.index_path().exists()
