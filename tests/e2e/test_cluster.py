"""The app and a service beside it: pictures, attacks, a killed machine, and none at all."""

import re

import pytest
from playwright.sync_api import expect

from harness.server import serving
from harness.service import Machine
from tests.e2e.screen import picture

pytestmark = pytest.mark.e2e
STEPS = 160


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """The app, with nothing but what comes with it, and the machine that computes for it."""
    machine, home = Machine(), str(tmp_path_factory.mktemp("home"))
    with serving(IDEAL_CAT_CLUSTER=machine.address, KERAS_HOME=home) as address:
        yield address, machine
    machine.kill()


def begin(page, address, **settings):
    """Starts an ideal image and pauses it: however slow the machine, it has not ended then."""
    query = "&".join(f"{name}={value}" for name, value in settings.items())
    page.goto(f"{address}/ideal_images?backbone=Pocket&steps={STEPS}&{query}")
    page.get_by_role("button", name=re.compile("Start$")).click()
    expect(page.get_by_text(re.compile(rf"^step [1-9]\d* of {STEPS}, running$"))).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(resume(page)).to_be_visible()


def resume(page):
    return page.get_by_role("button", name="Resume", exact=True)


def test_pictures_are_made_there_also_when_a_machine_is_killed(page, apart):
    address, machine = apart
    begin(page, address)
    machine.kill()
    machine.start()  # takes its time; only a run that goes on counts the seconds of silence
    resume(page).click()
    expect(page.get_by_text("A cluster machine has stopped.")).to_be_visible()
    expect(page.get_by_text(f"step {STEPS} of {STEPS}, done")).to_be_visible()
    expect(picture(page, f", step {STEPS}: ")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)

    page.goto(address)
    tiles = page.locator(".st-key-cluster").get_by_test_id("stMetric")
    expect(tiles.filter(has_text="Runs")).to_contain_text("0")


def test_an_attack_is_made_there(page, apart):
    address, _ = apart
    page.goto(f"{address}/adversarial_attacks?backbone=Pocket")
    expect(page.get_by_role("button", name=re.compile("Attack$"))).to_be_enabled()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.get_by_role("button", name=re.compile("Attack$")).click()
    expect(page.get_by_text(re.compile(" became .*grey|^Not fooled"))).to_be_visible()
    page.get_by_text("Other networks", exact=True).click()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_without_it_the_app_computes_itself(page, apart):
    address, machine = apart
    begin(page, address, seed=5)
    machine.kill()
    resume(page).click()
    expect(page.get_by_text("The cluster does not answer.")).to_be_visible()
    expect(page.get_by_text(f"step {STEPS} of {STEPS}, done")).to_be_visible()
    page.goto(address)
    expect(page.get_by_text(re.compile("^The cluster at .* does not answer"))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
