"""The app on a real Ray cluster: what home says of it, a picture, a worker that is killed."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from harness.server import serving
from tests.e2e.screen import picture

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own sockets and files


@pytest.fixture(scope="module")
def on_cluster():
    """The app, joined to a cluster of two nodes on this machine."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.add_node(num_cpus=1)
    options = {"IDEAL_CAT_RAY": made.address, "IDEAL_CAT_RAY_CPUS": "1"}
    with serving(**options, IDEAL_CAT_RAY_WORKERS="1-1") as address:
        yield address, made
    made.shutdown()


def kill_the_worker():
    psutil = pytest.importorskip("psutil")
    mine = psutil.Process().children(recursive=True)
    workers = [process for process in mine if process.name().startswith("ray::Worker")]
    assert workers
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)


def test_pictures_are_made_on_the_cluster_also_when_a_worker_is_killed(page, on_cluster):
    address, _ = on_cluster
    page.goto(address)
    tiles = page.locator(".st-key-cluster").get_by_test_id("stMetric")
    expect(tiles.filter(has_text="Machines")).to_contain_text("2")
    expect(tiles.filter(has_text="Workers")).to_contain_text("1")
    expect(tiles.filter(has_text="Cores")).to_contain_text("1")

    page.goto(f"{address}/ideal_images?backbone=Pocket&steps=120")
    page.get_by_role("button", name=re.compile("Start$")).click()
    expect(page.get_by_text(re.compile(r"^step \d{2,} of 120, running$"))).to_be_visible()
    kill_the_worker()
    expect(page.get_by_text("A cluster machine has stopped.")).to_be_visible()
    expect(page.get_by_text("step 120 of 120, done")).to_be_visible()
    expect(picture(page, ", step 120: ")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_an_attack_is_made_on_the_cluster(page, on_cluster):
    address, _ = on_cluster
    page.goto(f"{address}/adversarial_attacks?backbone=Pocket")
    page.get_by_role("button", name=re.compile("Attack$")).click()
    expect(page.get_by_text(re.compile(" became .*grey|^Not fooled"))).to_be_visible()
    page.get_by_text("Other networks", exact=True).click()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_cluster_that_is_gone_is_a_sentence(page, on_cluster):
    address, made = on_cluster
    made.head_node.kill_gcs_server()
    page.goto(address)
    gone = page.get_by_text(re.compile("^The cluster at .* does not answer")).first
    expect(gone).to_be_visible()
    page.goto(f"{address}/ideal_images?backbone=Pocket&seed=5")
    page.get_by_role("button", name=re.compile("Start$")).click()
    expect(gone).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
