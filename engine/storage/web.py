"""Fetch one picture from a web address, without letting a stranger reach the server's own network.

Off unless the host allows it. The name is resolved once, every address it resolves to must be a
public one, and the connection goes to that very address, so that a name that changes its answer
between the check and the connection gains nothing. Redirects are not followed.
"""

import ipaddress
import socket
import time
from urllib.parse import quote, urlsplit

import urllib3

from engine.core.errors import AddressRefused, DownloadFailed

MAX_BYTES = 10_000_000
SECONDS = 10.0
_ORDINARY = ipaddress.ip_network("2000::/3")
_PLATFORM = {ipaddress.ip_address(a) for a in ("168.63.129.16", "192.0.0.192", "100.100.100.200")}


def fetch_picture(address: str, *, allow_private: bool = False) -> bytes:
    """Fetches at most 10 MB within 10 seconds from an http or https address.

    Args:
        address: the whole address.
        allow_private: only for tests, which have no public server.

    Returns:
        The content, not yet decoded: `images.load` decides whether it is a picture.

    Raises:
        AddressRefused: not http or https, or a host that is not public.
        DownloadFailed: no answer in time, too much content, or a status other than 200.
    """
    try:
        parts = urlsplit(address.strip())
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise AddressRefused("This is not a web address. Expected https://host/picture.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise AddressRefused("Expected an address that begins with https:// or http://.")
    port = port or (443 if parts.scheme == "https" else 80)
    ip = _public_address(host, port, allow_private)
    options = {"timeout": urllib3.Timeout(connect=5.0, read=5.0), "retries": False}
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            ip, port, server_hostname=host, assert_hostname=host, **options
        )
    else:
        pool = urllib3.HTTPConnectionPool(ip, port, **options)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    path += f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else ""
    named = f"[{host}]" if ":" in host else host
    named = named if port in (80, 443) else f"{named}:{port}"
    deadline = time.monotonic() + SECONDS
    try:
        answer = pool.request(
            "GET", path, headers={"Host": named}, redirect=False, preload_content=False
        )
        if answer.status != 200:
            raise DownloadFailed(
                f"{host} answered {answer.status}; expected the picture itself (200). "
                "Open the address in a browser and copy the picture's own address."
            )
        content = b""
        while chunk := answer.read1(1 << 16):  # what has arrived, without waiting for more
            content += chunk
            if len(content) > MAX_BYTES:
                raise DownloadFailed(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
            if time.monotonic() > deadline:
                raise DownloadFailed(f"{host} took longer than {SECONDS:.0f} seconds.")
        return content
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise DownloadFailed(
            f"{host} did not send the picture ({type(error).__name__})."
        ) from error
    finally:
        pool.close()


def _public_address(host: str, port: int, allow_private: bool) -> str:
    try:
        found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise DownloadFailed(f"There is no host named {host}, or no network.") from None
    addresses = [ipaddress.ip_address(str(a)) for a in found]
    if not allow_private and not all(_is_public(a) for a in addresses):
        raise AddressRefused(f"{host} is not a public host; only public web addresses are fetched.")
    return str(min(addresses, key=lambda a: a.version))  # not every server has IPv6


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Global unicast, and not a platform's own service behind a global number.

    Of IPv6 only 2000::/3 is ordinary; 6to4 carries an IPv4 address, which must be public too.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.sixtofour
        return address in _ORDINARY and address.is_global and (inner is None or _is_public(inner))
    return address.is_global and not address.is_multicast and address not in _PLATFORM
