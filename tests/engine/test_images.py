"""Whatever a person uploads becomes the right picture or one clear sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from engine import images
from engine.core.errors import BadImage

_T = Image.Transpose
UNDO = {
    2: _T.FLIP_LEFT_RIGHT,
    3: _T.ROTATE_180,
    4: _T.FLIP_TOP_BOTTOM,
    5: _T.TRANSPOSE,
    6: _T.ROTATE_90,
    7: _T.TRANSVERSE,
    8: _T.ROTATE_270,
}


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue, 60 x 30."""
    pixels = np.zeros((30, 60, 3), "uint8")
    pixels[:, :30, 0] = 255
    pixels[:, 30:, 2] = 255
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_formats_give_the_same_picture(kind):
    picture = images.load(encoded(halves(), kind))
    assert picture.dtype == np.float32
    assert picture.shape == (30, 60, 3)
    assert np.allclose(picture[15, 5], [1, 0, 0], atol=0.05)
    assert np.allclose(picture[15, 55], [0, 0, 1], atol=0.05)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(orientation):
    upright = Image.fromarray((np.arange(20 * 40 * 3) % 251).astype("uint8").reshape(20, 40, 3))
    stored = upright if orientation == 1 else upright.transpose(UNDO[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = images.load(encoded(stored, "PNG", exif=exif))
    assert np.array_equal(images.to_uint8(picture), np.asarray(upright))


def test_cmyk_becomes_rgb():
    picture = images.load(encoded(halves("CMYK"), "JPEG", quality=95))
    assert picture[15, 5, 0] > 0.7 > 0.3 > picture[15, 5, 2]


def test_sixteen_bits_keep_their_range():
    ramp = np.tile(np.linspace(0, 65535, 64, dtype="uint16"), (8, 1))
    picture = images.load(encoded(Image.fromarray(ramp), "PNG"))
    assert np.allclose(picture[0, :, 1], np.linspace(0, 1, 64), atol=1 / 255)


def test_other_deep_greys_are_stretched_and_holes_are_not_light():
    grey = np.tile(np.linspace(-3, 5, 64, dtype="float32"), (8, 1))
    grey[0, 0] = np.nan
    picture = images.load(encoded(Image.fromarray(grey), "TIFF"))
    assert np.allclose(picture[1, :, 1], np.linspace(0, 1, 64), atol=1 / 255)
    assert np.isfinite(picture).all()


@pytest.mark.parametrize("mode", ["P", "RGBA", "I;16", "L", "1"])
def test_large_pictures_of_any_kind_are_reduced_before_they_are_copied(mode):
    large = Image.new(mode, (4000, 3000))
    assert images.load(encoded(large, "PNG")).shape == (768, 1024, 3)


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert images.load(encoded(clear, "PNG")).min() == 1.0


def test_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "lime")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.allclose(images.load(data)[0, 0], [1, 0, 0], atol=0.02)


def test_one_pixel_fills_the_network_input():
    picture = images.load(encoded(Image.new("RGB", (1, 1), "red"), "PNG"))
    assert images.fit(picture, (224, 224)).shape == (224, 224, 3)


def test_large_pictures_are_scaled_down():
    assert images.load(encoded(Image.new("RGB", (4000, 1000)), "JPEG")).shape == (256, 1024, 3)


def bomb(width: int, height: int) -> bytes:
    """A small PNG file that claims to be huge."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"this is a text file called .jpg", "not a picture"),
        (b"", "not a picture"),
        (encoded(halves(), "JPEG")[:300], "damaged or cut off"),
        (encoded(halves(), "PNG")[:80], "damaged or cut off"),
        (bomb(30_000, 30_000), "at most 50 megapixels"),
        (bomb(9_000, 9_000), "9000 x 9000 px; at most 50 megapixels"),
        (b"x" * 20_000_001, "20 MB"),
    ],
)
def test_bad_files_are_one_sentence(data, sentence):
    with pytest.raises(BadImage, match=sentence):
        images.load(data)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(BadImage, match=r"nowhere\.png"):
        images.load(tmp_path / "nowhere.png")


def test_fit_cuts_the_centre():
    assert np.allclose(
        images.fit(images.load(encoded(halves(), "PNG")), (30, 30))[15, 2], [1, 0, 0]
    )


def test_png_round_trip_is_exact(cat):
    again = images.load(images.png(cat))
    assert np.array_equal(images.to_uint8(again), images.to_uint8(cat))


def test_digest_tells_pictures_apart(cat):
    changed = cat.copy()
    changed[3, 4, 1] += 1 / 255
    assert images.digest(cat) == images.digest(cat.copy()) != images.digest(changed)


def test_an_animation_has_every_picture_and_rests_on_the_last():
    pictures = [np.full((8, 8, 3), level, "uint8") for level in (0, 60, 120, 180)]
    with Image.open(io.BytesIO(images.animation(pictures))) as film:
        assert film.n_frames == 4
        film.seek(3)
        film.load()
        assert film.info["duration"] == 2000
