"""Photos in folders and archives: what is not right is told, and nothing gets out."""

import io
import zipfile

import numpy as np
import pytest

from engine import images, transfer
from engine.core.errors import BadDataset
from engine.storage import archives, datasets, patterns


def photo(seed: int = 0) -> bytes:
    return images.png(np.random.default_rng(seed).random((8, 8, 3)).astype("float32"))


def filled(root, **classes):
    for name, count in classes.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for k in range(count):
            (root / name / f"{k}.png").write_bytes(photo(k))
    return root


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_folder_is_split_by_class_and_seed(tmp_path):
    data = datasets.folder(filled(tmp_path, cats=8, dogs=4))
    assert data.class_names == ("cats", "dogs")
    assert [int((~data.train)[data.labels == k].sum()) for k in (0, 1)] == [2, 1]
    same, other = datasets.folder(tmp_path), datasets.folder(tmp_path, seed=1)
    np.testing.assert_array_equal(data.train, same.train)
    assert (data.train != other.train).any()


def test_a_class_with_one_photo_is_learnt_and_not_tested(tmp_path):
    data = datasets.folder(filled(tmp_path, cats=4, dogs=1))
    assert data.train[data.labels == 1].all()
    assert ("dogs", "one photo only: used to train, not to test") in {
        (r.name, r.reason) for r in data.rejected
    }


def test_classes_that_differ_by_case_are_told(tmp_path):
    filled(tmp_path, Cats=2, dogs=2)
    filled(tmp_path, cats=2)
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system does not tell upper from lower case")
    with pytest.raises(BadDataset, match="upper and lower case"):
        datasets.folder(tmp_path)


def test_one_class_is_too_few(tmp_path):
    with pytest.raises(BadDataset, match="at least two folders"):
        datasets.folder(filled(tmp_path, cats=3))


def test_the_digest_follows_the_files(tmp_path):
    before = datasets.folder(filled(tmp_path, cats=2, dogs=2)).digest
    assert datasets.folder(tmp_path).digest == before
    (tmp_path / "cats" / "0.png").write_bytes(photo(9) + b"more")
    assert datasets.folder(tmp_path).digest != before


def test_an_archive_is_unpacked_by_class(tmp_path):
    content = zipped(
        {
            "top/cats/a.png": photo(),
            "top/cats/b.PNG": photo(),
            "dogs/a.jpg": b"x",
            "readme.txt": b"hello",
            "__MACOSX/cats/._a.png": b"x",
        }
    )
    root, left_out = archives.unpack(content, tmp_path / "in")
    assert [one.name for one in left_out] == ["readme.txt"]
    assert sorted(p.relative_to(root).as_posix() for p in root.rglob("*.*")) == [
        "cats/00000.png",
        "cats/00001.png",
        "dogs/00000.jpg",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.png",
        "/etc/evil.png",
        "a/../../../b/evil.png",
        "..\\..\\evil\\e.png",
        "cats/../../x/\x00evil.png",
    ],
)
def test_no_name_in_an_archive_leads_out(tmp_path, name):
    content = zipped({name: photo(), "cats/a.png": photo()})
    archives.unpack(content, tmp_path / "deep" / "in")
    outside = [p for p in tmp_path.rglob("*.png") if (tmp_path / "deep" / "in") not in p.parents]
    assert not outside


def test_bombs_and_nonsense_are_refused(tmp_path, monkeypatch):
    bomb = zipped({"cats/a.png": b"\0" * 30_000_000})
    with pytest.raises(BadDataset, match="compressed more than"):
        archives.unpack(bomb, tmp_path)
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    with pytest.raises(BadDataset, match="received more"):
        archives.unpack(zipped({f"cats/{k}.png": photo(k) for k in range(9)}), tmp_path)
    monkeypatch.setattr(archives, "MOST_FILES", 5)
    with pytest.raises(BadDataset, match="at most 5 files"):
        archives.unpack(zipped({f"cats/{k}.png": b"" for k in range(9)}), tmp_path)
    for content in (b"", b"PK nonsense", zipped({"a.txt": b"x"}), zipped({"a.png": photo()})):
        with pytest.raises(BadDataset):
            archives.unpack(content, tmp_path)


def test_ten_thousand_tiny_files_are_no_trouble(tmp_path):
    content = zipped({f"{'cats' if k % 2 else 'dogs'}/{k}.png": b"x" for k in range(10_000)})
    data = datasets.folder(archives.unpack(content, tmp_path / "in")[0])
    assert len(data.paths) == 10_000


def test_names_of_camera_classes_stay_names(tmp_path):
    root = archives.store({"../../left": [photo()], "right": [photo()]}, tmp_path / "in")
    assert sorted(p.name for p in root.iterdir()) == ["left", "right"]
    assert not list(tmp_path.glob("*.png"))


def test_few_photos_are_of_the_training_ones(tmp_path):
    data = datasets.folder(filled(tmp_path, cats=8, dogs=4))
    chosen = datasets.few(data, 2)
    assert (chosen & ~data.train).sum() == 0
    assert [int(chosen[data.labels == k].sum()) for k in (0, 1)] == [2, 2]


def test_patterns_are_drawn_once_and_the_same_everywhere(tmp_path):
    first, second = patterns.draw(tmp_path / "one"), patterns.draw(tmp_path / "two")
    data = datasets.folder(first)
    assert data.class_names == tuple(sorted(patterns.KINDS))
    assert len(data.paths) == patterns.EACH * len(patterns.KINDS)
    same = [f.read_bytes() == (second / f.relative_to(first)).read_bytes() for f in data.paths]
    assert all(same)
    assert len({f.read_bytes() for f in data.paths}) == len(data.paths)
    before = data.paths[0].stat().st_mtime_ns
    assert patterns.draw(tmp_path / "one") == first
    assert data.paths[0].stat().st_mtime_ns == before
    assert {f.name for f in (tmp_path / "one").iterdir()} == {first.name}


def test_features_of_photos_carry_to_patterns_but_not_wholly(net, tmp_path):
    """Far above chance (an eighth), and below what the network does with photos of pets."""
    data = datasets.folder(patterns.draw(tmp_path))
    source = transfer.PhotoSource(data=data, folder=tmp_path / "features")
    plan = transfer.TrainingPlan(backbone="Pocket", source=source)
    *_, step = transfer.train(net, plan)
    assert 0.5 < step.trained.report().accuracy < 0.99
