"""Peers in processes of their own, where TensorFlow divides an operation among all cores.

Our engine leaves half of them to another person; what it is compared with must not pay for that.
"""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from engine import backend


class Apart:
    """What `make(*args)` gives, a function, to be called in another process.

    Raises:
        ImportError: the peer is not installed.
    """

    def __init__(self, make: Callable[..., Callable], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        ours = os.environ["TF_NUM_INTRAOP_THREADS"]
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(backend.cores())
        context.Process(target=_serve, args=(theirs, make, args), daemon=True).start()
        os.environ["TF_NUM_INTRAOP_THREADS"] = ours
        self._answer()

    def __call__(self, *args: Any) -> Any:
        self._pipe.send(args)
        return self._answer()

    def _answer(self) -> Any:
        given = self._pipe.recv()
        if isinstance(given, Exception):
            raise given
        return given


def _serve(pipe: Connection, make: Callable[..., Callable], args: tuple) -> None:
    try:
        function = make(*args)
        pipe.send(None)
    except ImportError as error:
        pipe.send(error)
        return
    while True:
        try:
            pipe.send(function(*pipe.recv()))
        except EOFError:
            return
