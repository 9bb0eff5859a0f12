"""What a live view is sent: every frame once, whatever the looks, and no more than fits."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.widgets import live_view, run_state
from components.widgets.live_view import message
from engine.core.images import Still
from harness.films import Films

START = [np.zeros((2, 2, 3), "float32")]


class Looked:
    """A view of a run that grows by hand."""

    name, ended, state = "film", False, "running"
    run = SimpleNamespace(position=0)

    def __init__(self) -> None:
        self.frames, self.stills = [], []

    def grow(self, count: int, size: int = 10) -> None:
        for _ in range(count):
            step = len(self.frames)
            self.frames.append(SimpleNamespace(step=step))
            self.stills.append((Still(bytes([step % 256]) * size),))


def track(view: Looked) -> live_view.Track:
    return live_view.Track(
        view=view, row=lambda f: live_view.Row(f.step, (float("nan"), f.step)), start=lambda: START
    )


def sent(state, view: Looked) -> bytes:
    header, pictures = live_view.updates(state, [track(view)])
    return message.pack(header | {"key": "k", "panes": []}, pictures)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=12))
def test_every_frame_arrives_once_though_messages_are_lost(steps):
    """A message that is lost is noticed with the next one, and what it carried is sent again."""
    view, state, films = Looked(), live_view.Sent(), Films()
    for grown, lost in [*steps, (0, False), (0, False)]:
        view.grow(grown)
        data = sent(state, view)
        if lost:
            continue
        for film, have in films.receive(data).items():  # the browser asks for what it lacks
            state.resend(film, have)
    frames = films.films["film"].frames
    assert [at for at, _, _, _ in frames] == list(range(len(view.frames)))
    assert [pictures for _, _, _, pictures in frames] == [
        [s.data for s in one] for one in view.stills
    ]
    assert all(values[0] is None for _, values, _, _ in frames)  # no such number in JSON


def test_what_is_to_be_played_at_once_is_so_though_its_message_was_dropped():
    view, state, films = Looked(), live_view.Sent(), Films()
    films.receive(sent(state, view))
    view.grow(3)
    state.last_message -= 1  # a second later
    state.hurry = True
    sent(state, view)  # and Streamlit draws only the one that follows at once
    state.last_message = time.monotonic()
    header, pictures = live_view.updates(state, [track(view)])
    assert header["hurry"]
    assert len(header["tracks"][0]["frames"]) == len(pictures) == 3
    state.last_message -= 1
    header, _ = live_view.updates(state, [track(view)])
    assert not header["hurry"]


def test_a_message_that_nothing_is_new_in_is_small():
    view, state = Looked(), live_view.Sent()
    view.grow(50, size=5000)
    assert len(sent(state, view)) > 250_000
    state.last_message -= 1  # a second later
    assert len(sent(state, view)) < 1000


@pytest.mark.parametrize("budget", [3000.0, 9000.0])
def test_a_slow_connection_gets_all_numbers_and_fewer_pictures(budget):
    view, state, films = Looked(), live_view.Sent(), Films()
    view.grow(1)
    films.receive(sent(state, view))
    for _ in range(5):
        view.grow(20, size=1000)
        state.budget = budget
        state.last_message -= 1  # a second later
        state.last_pictures -= 1
        data = sent(state, view)
        films.receive(data)
        assert len(data) < budget + 3000  # and the numbers
    frames = films.films["film"].frames
    assert len(frames) == 101
    assert frames[-1][3]  # the newest is always among them
    assert 5 <= sum(bool(pictures) for _, _, _, pictures in frames) < 101


def test_a_slow_connection_counts_for_one_run():
    view, state = Looked(), live_view.Sent()
    sent(state, view)
    state.budget = 2000.0
    state.last_message -= 1  # a second later
    view.grow(1)
    sent(state, view)
    assert state.budget == 2000.0
    other = Looked()
    other.name = "another film"
    sent(state, other)
    assert state.budget == float("inf")


def test_ordinals():
    words = [run_state.ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)]
    assert words == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]
