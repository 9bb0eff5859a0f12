"""Addresses that pupils and projectors open, as this server is reached from other machines."""

import ipaddress
import socket
from urllib.parse import urlencode, urlsplit, urlunsplit

import segno
import streamlit as st

from engine import config


def of_wall(*, elsewhere: bool = True, **parameters: str) -> str:
    """The wall's address with these parameters; with `elsewhere`, as other machines reach it."""
    parts = urlsplit((st.context.url or "http://localhost/wall").split("?")[0])
    scheme, place = parts.scheme, parts.netloc
    if elsewhere and (public := urlsplit(config.public_address())).netloc:
        scheme, place = public.scheme, public.netloc
    elif elsewhere and is_here(parts.hostname or "localhost") and (name := _in_network()):
        place = name if parts.port is None else f"{name}:{parts.port}"
    return urlunsplit((scheme, place, parts.path, urlencode(parameters), ""))


def qr(address: str) -> str:
    """A QR code as an SVG, in a data address."""
    return segno.make(address, error="m").svg_data_uri(scale=8, border=2, light="white")


def is_here(host: str) -> bool:
    """Whether a host is this machine, which no other can reach by that name."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_network() -> str:
    """This machine's address in its network; "" without one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address kept for documentation
        except OSError:
            return ""
        found = probe.getsockname()[0]
    return "" if found.startswith(("127.", "0.")) else found
