"""A few pages are drawn at a time; none waits for one that waits itself."""

import threading

from components.shell import page_limit


def test_only_so_many_pages_are_drawn_at_once_and_all_come(monkeypatch):
    monkeypatch.setattr(page_limit, "WAITS", 60.0)
    together, lock = threading.Barrier(page_limit.AT_ONCE, timeout=30), threading.Lock()
    drawing, counts = [0], []

    def page() -> None:
        page_limit.enter()
        with lock:
            drawing[0] += 1
            counts.append(drawing[0])
        together.wait()
        with lock:
            drawing[0] -= 1

    threads = [threading.Thread(target=page) for _ in range(4 * page_limit.AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(counts) == len(threads)
    assert max(counts) == page_limit.AT_ONCE


def test_pages_that_wait_for_something_keep_no_other_out(monkeypatch):
    monkeypatch.setattr(page_limit, "WAITS", 0.05)
    ready = threading.Event()

    def page() -> None:
        page_limit.enter()
        ready.wait(30)

    waiting = [threading.Thread(target=page) for _ in range(page_limit.AT_ONCE)]
    for thread in waiting:
        thread.start()
    late = threading.Thread(target=page_limit.enter)
    late.start()
    late.join(30)
    assert not late.is_alive()
    assert all(thread.is_alive() for thread in waiting)
    ready.set()
    for thread in waiting:
        thread.join(30)


def test_pages_that_compute_leave_their_places_and_go_on_at_once(monkeypatch):
    monkeypatch.setattr(page_limit, "WAITS", 60.0)
    drawn, computed = threading.Event(), threading.Event()

    def computing() -> None:
        page_limit.enter()
        with page_limit.released():
            assert drawn.wait(30)
        computed.set()

    def drawing() -> None:
        page_limit.enter()
        drawn.set()
        assert computed.wait(30)  # which does not wait for this page's end

    threads = [threading.Thread(target=computing) for _ in range(page_limit.AT_ONCE)]
    threads += [threading.Thread(target=drawing) for _ in range(page_limit.AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert drawn.is_set()
    assert computed.is_set()


def test_a_page_that_is_drawn_again_by_its_thread_takes_one_place():
    for _ in range(3 * page_limit.AT_ONCE):
        page_limit.enter()
    assert list(page_limit._drawing) == [threading.current_thread()]
