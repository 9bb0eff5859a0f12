"""Find a Chromium for the browser tests, or bring one: `python -m harness.chromium --install`."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",  # a camera that shows a test pattern
    "--use-fake-device-for-media-stream",
    *(("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()),
)


def find() -> str | None:
    """The path of a Chromium: the system's, else the one Playwright downloaded."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def install() -> None:
    """Brings Chromium by apt-get where that is possible, by Playwright elsewhere."""
    if find():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        packages = ["chromium", "fonts-noto-color-emoji"]
        for command in (["update", "-qq"], ["install", "-y", "-qq", *packages]):
            subprocess.run(["apt-get", *command], env=environment, stdout=subprocess.DEVNULL)
    if not find():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    if not find():
        sys.exit(
            "The browser tests need Chromium, and neither apt-get nor Playwright could bring it. "
            "Install the package chromium by hand and run make test again."
        )


if __name__ == "__main__":
    if "--install" in sys.argv:
        install()
    print(f"Chromium: {find() or 'none'}")
