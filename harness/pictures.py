"""Pictures that are part of a page's HTML."""

import re
from html import unescape

DATA = "data:image/png;base64,"
_LIVE = re.compile(r'<img src="([^"]+)" alt="([^"]*)"')


def live_pictures(html: str) -> list[tuple[str, str]]:
    """Alternative text and address of the pictures in a piece of HTML."""
    return [(unescape(alt), url) for url, alt in _LIVE.findall(html)]
