"""A link to a page as it is set: whatever a person sets, another session opens it so."""

import random
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.test_pages import opened

KINDS = (
    "slider",
    "select_slider",
    "toggle",
    "selectbox",
    "number_input",
    "multiselect",
    "segmented_control",
    "pills",
)
# What is no setting of the experiment, or chooses a picture or file of one's own.
NONE = {"lesson_answer", "link_controls", "link_screens", "sample_source", "large_text"}
PAGES = ("ideal_images", "adversarial_attacks", "transfer_learning", "feature_maps")


def settings(app: AppTest) -> dict:
    """Every widget that sets something, by its key."""
    found = {w.key: (kind, w) for kind in KINDS for w in getattr(app, kind)}
    return {key: one for key, one in found.items() if key not in NONE}


def values(app: AppTest) -> dict:
    return {key: widget.value for key, (_, widget) in settings(app).items()}


def changed(app: AppTest, key: str, chance: random.Random) -> None:
    """Sets a widget to any value that it can have, as a person does."""
    kind, widget = settings(app)[key]
    if widget.disabled:
        return
    if kind == "toggle":
        widget.set_value(not widget.value)
    elif kind == "number_input":
        widget.set_value(chance.randint(int(widget.min), int(widget.max)))
    elif kind == "slider":
        count = round((widget.max - widget.min) / widget.step)
        widget.set_value(round(widget.min + widget.step * chance.randint(0, count), 4))
    elif kind == "multiselect":
        widget.set_value([chance.choice(widget.options)] if widget.options else [])
    elif kind == "pills":
        widget.set_value(chance.sample(list(widget.options), 2))
    elif kind == "segmented_control":
        widget.set_value(chance.choice([o for o in widget.options if not o.startswith("My ")]))
    elif kind == "selectbox":
        names = list(enumerate(widget.options))
        if key == "backbone":  # not one that must be downloaded, or that needs photos
            names = [(k, name) for k, name in names if name.startswith("Pocket")]
        widget.select_index(chance.choice(names)[0])
    else:
        widget.set_value(chance.choice(unformatted(widget)))
    app.run()
    assert not app.exception


def unformatted(widget) -> list:
    """Options as the page has them; the test runner knows only what they are shown as."""
    numbers = [0, 1e-5, 2e-5, 5e-5, *(m * 10**e for e in range(-4, 4) for m in (1, 2, 3, 5, 7))]
    numbers = [float(f"{n:.6g}") for n in [*numbers, 1.5, *range(1, 513)]]
    shown = {str(widget.format_func(n)): n for n in numbers}
    shown |= {str(int(n)): int(n) for n in numbers if n.is_integer() and str(int(n)) not in shown}
    return [shown.get(option, option) for option in widget.options]


def made(app: AppTest) -> None:
    """Presses the main button, and waits for the result."""
    next(b for b in app.button if b.label in ("Start", "Attack")).click().run()
    run = app.session_state["ideal_run" if "ideal_run" in app.session_state else "attack_run"]
    while not all(view.ended for view in run.views):
        run.views[-1].run.wait(60)
        app.run()
    app.run()
    assert not app.exception


def copied(app: AppTest) -> dict[str, str]:
    """The link that the page offers; a browser would have put there what Streamlit binds."""
    link = dict(parse_qsl(urlsplit(app.code[-1].value).query))
    for kind, widget in settings(app).values():
        if (name := getattr(widget.proto, "query_param_key", "")) and widget.value is not None:
            link[name] = str(widget.value).lower() if kind == "toggle" else str(widget.value)
    return link


def test_a_link_passes_on_no_secret():
    app = opened("pages/ideal_images.py", backbone="Pocket", teacher="secret", hide="controls")
    assert "secret" not in app.code[-1].value
    assert "hide" not in app.code[-1].value


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("page", PAGES)
def test_another_session_opens_a_page_as_it_is_set(page, seed):
    chance = random.Random(seed)
    page = f"pages/{page}.py"
    app = opened(page, backbone="Pocket")
    assert len(settings(app)) > 5
    for key in chance.sample(sorted(settings(app)), len(settings(app))):
        if key in settings(app):  # another choice may have taken it away
            changed(app, key, chance)
    other = opened(page, **copied(app))
    assert not other.exception
    assert not other.warning
    assert values(other) == values(app)


@pytest.mark.parametrize(
    ("page", "section"),
    [
        ("ideal_images", ""),
        ("adversarial_attacks", "Which defences work?"),
        ("adversarial_attacks", "Other networks"),
        ("adversarial_attacks", "What is the smallest epsilon?"),
        ("adversarial_attacks", "Can any attack fool it?"),
    ],
)
def test_what_is_set_below_a_result_travels_too(page, section):
    chance, page = random.Random(5), f"pages/{page}.py"
    more = {"closer": section} if section else {"steps": "20"}
    app = opened(page, backbone="Pocket", **more)
    before = set(settings(app))
    made(app)
    below = sorted(set(settings(app)) - before - {"closer"})  # which would take the others away
    assert below
    for key in below:
        changed(app, key, chance)
    app.run()  # as opening the link's box does
    other = opened(page, **copied(app))
    made(other)
    assert not other.warning
    assert values(other) == values(app)


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("ideal_images", {"class": "lemon", "steps": "40"}),
        ("ideal_images", {"ask": "a mix", "first": "lemon", "second": "goldfish"}),
        ("adversarial_attacks", {"class": "lemon"}),
        ("feature_maps", {"explained": "lemon"}),
    ],
)
def test_what_a_link_has_set_is_there_after_a_visit_elsewhere(page, link):
    app = opened(f"pages/{page}.py", backbone="Pocket", **link)
    chosen = values(app)
    app.query_params.clear()  # as Streamlit's links between pages do
    app.switch_page("pages/quiz.py").run()
    app.switch_page(f"pages/{page}.py")
    if "ask" in link:  # bound to the session by Streamlit, in a browser
        app.query_params["ask"] = link["ask"]
    app.run()
    assert not app.exception
    assert values(app) == chosen
