"""The first visits to a server that has just started; this file comes before all that use it."""

from playwright.sync_api import expect

from tests.e2e.test_feature_maps import no_errors


def test_every_page_opens_cold(page, address):
    """The first visit to a fresh server is a deep link."""
    page.goto(f"{address}/ideal_images")
    expect(page.get_by_role("heading", name="Ideal images")).to_be_visible()
    expect(page.get_by_role("link", name="Feature maps").first).to_be_visible()
    for path in ("transfer_learning", "adversarial_attacks", "feature_maps"):
        page.goto(f"{address}/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        no_errors(page)
