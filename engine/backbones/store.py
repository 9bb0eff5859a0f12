"""The loaded backbones and the classifiers people have trained: bounded, shared by all sessions."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from copy import copy
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from engine.storage import registry, weights

if TYPE_CHECKING:
    from engine.backbones.network import Backbone


class Store:
    """The few backbones kept loaded; the least recently used one goes first.

    The lock guards only the table: while one backbone is loading, the others stay available.
    """

    def __init__(self, keep: int = 4) -> None:
        self._loaded: LRUCache[tuple[str, Any], Future[Any]] = LRUCache(keep)
        self._joint: LRUCache[tuple[str, Any], Future[Any]] = LRUCache(2)
        self._taught: LRUCache[str, Backbone] = LRUCache(40)
        self._lock = threading.Lock()

    def teach(self, net: "Backbone") -> None:
        """Adds a trained classifier; of all sessions', the 40 most recently used are kept."""
        with self._lock:
            self._taught[net.name] = net

    def taught(self, name: str) -> "Backbone | None":
        """A person's classifier; None where there is none of that name any more."""
        with self._lock:
            return self._taught.get(name)

    def beside(self, taught: "Iterable[Backbone]") -> "Store":
        """A store with the same loaded backbones, and these classifiers only."""
        other = copy(self)
        other._taught = LRUCache(40)
        for net in taught:
            other.teach(net)
        return other

    def version(self, name: str) -> object:
        """Identifies the current backbone of this name: by its weights file or its classifier.

        Raises:
            WeightsUnavailable: its weights are not on this machine.
        """
        if len(names := registry.members(name)) > 1:
            return tuple(self.version(each) for each in names)
        taught = self.taught(name)
        if taught is not None:
            return id(taught)
        return weights.require(registry.spec(name)).stat().st_mtime_ns

    def get(self, name: str) -> "Backbone":
        """Returns a loaded backbone, loading it if necessary; raises the errors of `load`.

        A name like "Pocket + MobileNetV2" is that of a joint network; see `backbones.together`.
        """
        if (taught := self.taught(name)) is not None:
            return taught
        key = (name, self.version(name))  # a replaced weights file is a new backbone
        table = self._joint if len(registry.members(name)) > 1 else self._loaded
        with self._lock:
            future, mine = table.get(key), False
            if future is None:
                future, mine = Future(), True
                table[key] = future
        if mine:
            try:
                future.set_result(self._made(name))
            except BaseException as error:
                with self._lock:
                    table.pop(key, None)  # the next one tries again
                future.set_exception(error)
        return future.result()

    def _made(self, name: str) -> "Backbone":
        from engine.backbones import joint, network

        if len(names := registry.members(name)) > 1:
            return joint.together([self.get(each) for each in names])
        return network.load(name)
