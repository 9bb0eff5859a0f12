"""Tiny ImageNet as arrays: 200 classes of 64 x 64 px photos, decoded once."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

CACHE = Path(__file__).parent / ".cache"


def photos(archive: Path) -> dict[str, np.ndarray]:
    """Decodes the archive once: photos `(N, 64, 64, 3)` uint8 and labels of both splits.

    Accepts `train/WNID/*.JPEG` and the original `train/WNID/images/*.JPEG`; validation photos in
    class folders or named in `val_annotations.txt`.
    """
    cached = CACHE / "photos.npz"
    if cached.exists():
        return dict(np.load(cached))
    found: dict[str, list[tuple[str, np.ndarray]]] = {"train": [], "val": []}
    wnid_of: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts, file = Path(member.name).parts, tar.extractfile(member)
            if file is None:
                continue
            if parts[-1] == "val_annotations.txt":
                lines = file.read().decode().splitlines()
                wnid_of |= dict(line.split("\t")[:2] for line in lines)
            split = next((s for s in found if s in parts), None)
            if split and parts[-1].endswith(".JPEG"):
                picture = np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB"))
                folder = parts[parts.index(split) + 1]
                found[split].append((parts[-1] if folder == "images" else folder, picture))
    classes = sorted({folder for folder, _ in found["train"]})
    number = {wnid: k for k, wnid in enumerate(classes)}
    arrays: dict[str, np.ndarray] = {"wnids": np.array(classes)}
    for split, rows in found.items():
        arrays[f"{split}_x"] = np.stack([picture for _, picture in rows])
        labels = [number[wnid_of.get(folder, folder)] for folder, _ in rows]
        arrays[f"{split}_y"] = np.array(labels, "int32")
    CACHE.mkdir(exist_ok=True)
    np.savez(cached, **arrays)
    return arrays
