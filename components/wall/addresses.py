"""Addresses of the wall that pupils and projectors open."""

from urllib.parse import urlencode

import segno

from components.shell import addresses


def of_wall(*, elsewhere: bool = True, **parameters: str) -> str:
    """The wall's address with these parameters; with `elsewhere`, as other machines reach it."""
    page = addresses.page() or "http://localhost/wall"
    return f"{addresses.reached(page) if elsewhere else page}?{urlencode(parameters)}".rstrip("?")


def qr(address: str) -> str:
    """A QR code as an SVG, in a data address."""
    return segno.make(address, error="m").svg_data_uri(scale=8, border=2, light="white")
