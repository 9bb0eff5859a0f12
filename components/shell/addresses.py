"""Which page this is: its title, its address as this browser has it and as others reach it."""

import socket
from urllib.parse import urlsplit, urlunsplit

import streamlit as st

from engine import config

SCREEN = "screen"  # in the session state, where the page puts its title


def screen() -> str:
    """Which page is drawn; its address is still that of the page before while it is opened."""
    return st.session_state.get(SCREEN, "")


def page() -> str:
    """The address of this page, without parameters; "" where there is no browser."""
    return (st.context.url or "").split("?")[0]


def reached(address: str) -> str:
    """An address of this server as other machines reach it, where that is known."""
    parts = urlsplit(address)
    scheme, place = parts.scheme, parts.netloc
    if (public := urlsplit(config.public_address())).netloc:
        scheme, place = public.scheme, public.netloc
    elif config.is_here(parts.hostname or "localhost") and (name := _in_network()) and _heard():
        place = name if parts.port is None else f"{name}:{parts.port}"
    return urlunsplit((scheme, place, parts.path, parts.query, ""))


def _heard() -> bool:
    """Whether the server listens to other machines."""
    return not config.is_here(st.get_option("server.address") or "")


def _in_network() -> str:
    """This machine's address in its network; "" without one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address kept for documentation
        except OSError:
            return ""
        found = probe.getsockname()[0]
    return "" if found.startswith(("127.", "0.")) else found
