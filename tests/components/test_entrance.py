"""A few pages are drawn at a time; none waits for one that waits itself."""

import threading

from components.shell import entrance


def test_only_so_many_pages_are_drawn_at_once_and_all_come(monkeypatch):
    monkeypatch.setattr(entrance, "WAITS", 60.0)
    together, lock = threading.Barrier(entrance.AT_ONCE, timeout=30), threading.Lock()
    drawing, counts = [0], []

    def page() -> None:
        entrance.enter()
        with lock:
            drawing[0] += 1
            counts.append(drawing[0])
        together.wait()
        with lock:
            drawing[0] -= 1

    threads = [threading.Thread(target=page) for _ in range(4 * entrance.AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(counts) == len(threads)
    assert max(counts) == entrance.AT_ONCE


def test_pages_that_wait_for_something_keep_no_other_out(monkeypatch):
    monkeypatch.setattr(entrance, "WAITS", 0.05)
    ready = threading.Event()

    def page() -> None:
        entrance.enter()
        ready.wait(30)

    waiting = [threading.Thread(target=page) for _ in range(entrance.AT_ONCE)]
    for thread in waiting:
        thread.start()
    late = threading.Thread(target=entrance.enter)
    late.start()
    late.join(30)
    assert not late.is_alive()
    assert all(thread.is_alive() for thread in waiting)
    ready.set()
    for thread in waiting:
        thread.join(30)


def test_a_page_that_is_drawn_again_by_its_thread_takes_one_place():
    for _ in range(3 * entrance.AT_ONCE):
        entrance.enter()
    assert list(entrance._drawing) == [threading.current_thread()]
