"""Pictures: float32, `(H, W, 3)`, 0 to 1, within the engine; other formats are converted here."""

import hashlib
import io
import threading
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.core.errors import BadImage

MAX_PIXELS = 50_000_000  # of the file; decoded, a few hundred MB for a moment
MAX_SIDE = 1024  # of the decoded picture; no backbone reads more than 299 px
MAX_BYTES = 20_000_000
_decoding = threading.BoundedSemaphore(2)  # many large pictures at once would fill the memory
FAINT = 0.5  # a picture of less contrast is stretched before it is compressed
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def load(source: str | Path | bytes) -> np.ndarray:
    """Decodes a picture upright and in RGB, as a viewer would show it.

    EXIF rotation is applied, transparency laid on white, an animation gives its first frame,
    16-bit and CMYK files become RGB, and a picture larger than 1024 px is scaled down to that.

    Args:
        source: path or content of a JPEG, PNG, WebP, GIF, BMP or TIFF file.

    Returns:
        float32 `(H, W, 3)` in 0..1, at most 1024 px a side.

    Raises:
        BadImage: not a picture, a truncated one, or one of more than 20 MB or 50 megapixels.
    """
    data = source if isinstance(source, bytes) else _read(Path(source))
    if len(data) > MAX_BYTES:
        raise BadImage(
            f"Expected a picture file of at most {MAX_BYTES // 1_000_000} MB; received: "
            f"{len(data) / 1e6:.0f} MB. Save it at a smaller size and try again."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # bounded just below
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise BadImage(
                f"The picture is {width} x {height} px; at most {MAX_PIXELS // 1_000_000} "
                "megapixels are decoded. Scale it down and try again."
            )
        with _decoding:
            image = _to_rgb(ImageOps.exif_transpose(_decoded(image)))
    except BadImage:
        raise
    except Image.DecompressionBombError:
        raise BadImage(
            "The picture would decode to more than 178 megapixels; at most "
            f"{MAX_PIXELS // 1_000_000} megapixels are decoded. Scale it down and try again."
        ) from None
    except UnidentifiedImageError:
        raise BadImage(
            "This file is not a picture that can be read. Expected a JPEG, PNG, WebP, GIF, BMP or "
            "TIFF file; its name does not matter, its content does."
        ) from None
    except Exception as error:  # Pillow's decoders raise OSError, ValueError, SyntaxError and more
        raise BadImage(f"The picture is damaged or cut off ({error}). Try another copy.") from error
    return np.asarray(image, dtype="float32") / 255.0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadImage(f"The picture {path.name} cannot be read: {error.strerror}.") from error


def _decoded(image: Image.Image) -> Image.Image:
    """Decodes the pixels and scales them down before anything makes a larger copy of them."""
    image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a large JPEG decodes at a fraction of its size
    image.load()
    if max(image.size) > MAX_SIDE:
        if image.mode in ("1", "P", "PA"):  # a palette cannot be averaged
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # deep greys; Pillow would clip them at 255
        grey = np.nan_to_num(np.asarray(image, dtype="float64"), posinf=0.0, neginf=0.0)
        low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else (grey.min(), grey.max())
        share = (grey - low) / max(high - low, 1e-9)
        return Image.fromarray((255 * share).clip(0, 255).astype("uint8")).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def fit(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crops the centre to the target's aspect ratio and resizes it.

    Args:
        picture: `(H, W, 3)` in 0..1.
        size: `(height, width)` in px.

    Returns:
        float32 `(height, width, 3)` in 0..1; the same array when it already has that size.
    """
    height, width = size
    if picture.shape[:2] == (height, width):
        return picture
    image = Image.fromarray(to_uint8(picture))
    image = ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)
    return from_uint8(np.asarray(image))


def resize_map(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes one map `(h, w)` to `(height, width)`, bicubic; float32."""
    image = Image.fromarray(np.ascontiguousarray(values, "float32"))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BICUBIC), "float32")


def to_uint8(picture: np.ndarray) -> np.ndarray:
    """Rounds 0..1 to 0..255, the picture that would be saved."""
    return np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype("uint8")


def from_uint8(picture: np.ndarray) -> np.ndarray:
    """Turns 0..255 into float32 0..1; undoes `to_uint8` exactly for 8-bit pictures."""
    return picture.astype("float32") / 255.0


def digest(picture: np.ndarray) -> str:
    """Sixteen hexadecimal figures that name the picture's content and shape."""
    content = np.ascontiguousarray(picture)
    head = f"{content.dtype}{content.shape}".encode()
    return hashlib.sha256(head + content.tobytes()).hexdigest()[:16]


def png(picture: np.ndarray) -> bytes:
    """Encodes `(H, W, 3)` 0..1 or uint8, or uint8 `(H, W)`, as PNG without loss of its 8 bits."""
    buffer = io.BytesIO()
    # Runs of equal bytes only: smaller and faster than Pillow's default for pictures like ours.
    _image(picture).save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def webp(picture: np.ndarray) -> bytes:
    """The same as WebP, also without loss: a quarter smaller than `png`, in the same time."""
    buffer = io.BytesIO()
    _image(picture).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    return buffer.getvalue()


def _image(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(picture if picture.dtype == np.uint8 else to_uint8(picture))


def animation(pictures: Sequence[np.ndarray], milliseconds: int = 90) -> bytes:
    """Pictures `(H, W, 3)` uint8 as an animated WebP that ends on the last one for two seconds."""
    frames = [Image.fromarray(picture) for picture in pictures]
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=[*[milliseconds] * (len(frames) - 1), 2000],
        loop=0,
        quality=85,
    )
    return buffer.getvalue()


def jpeg(picture: np.ndarray, quality: int = 90) -> bytes:
    """Encodes `(H, W, 3)` in 0..1 as JPEG of the given quality, 1 to 95."""
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(picture)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


class Still(NamedTuple):
    """A compressed picture for the screen: JPEG, and what its black and its white stand for."""

    data: bytes
    low: float = 0.0
    high: float = 1.0


def still(picture: np.ndarray) -> Still:
    """Compresses `(H, W, 3)` in 0..1 for the screen, a few kB.

    WebP of the same similarity is an eighth to a third smaller, but takes 1 to 4 ms instead of 0.5,
    and what a step of an attack shows nearly 8 ms: a third of the step. Compression would wipe out
    a faint picture, so its contrast is stretched before; `low` and `high` undo that.
    """
    low, high = float(picture.min()), float(picture.max())
    if high - low >= FAINT:
        low, high = 0.0, 1.0
    high = max(high, low + 1 / 255)
    return Still(jpeg((picture - low) / (high - low), quality=80), low, high)
