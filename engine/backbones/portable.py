"""A network that a person has trained, as bytes for another machine."""

import hashlib
import pickle

from engine.backbones import graph
from engine.backbones.network import Backbone


def digest(net: Backbone) -> str:
    """Sixteen hexadecimal figures that tell a network from others; kept."""

    def made() -> str:
        found = hashlib.sha256(repr((net.spec, net.class_names)).encode())
        for weights in net.model.get_weights():
            found.update(weights.tobytes())
        return found.hexdigest()[:16]

    return net.kept("digest", made)


def packed(net: Backbone) -> bytes:
    """The network as bytes; only for a machine that trusts this one."""
    model = None if net.model is net.plain else net.model
    parts = net.spec, net.class_names, net.plain, model
    return pickle.dumps(parts, pickle.HIGHEST_PROTOCOL)


def unpacked(content: bytes) -> Backbone:
    """The network from its bytes; executes whatever they say."""
    spec, class_names, plain, model = pickle.loads(content)
    for part in (plain, model):
        if part is not None:
            part.trainable = False
    return Backbone(
        spec=spec,
        model=model or plain,
        plain=plain,
        class_names=class_names,
        layers=graph.describe(plain),
    )
