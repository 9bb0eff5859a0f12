"""What a picture is optimised for: parts, and an algebra over them.

    objective = ClassLogit(284) - 0.5 * ClassLogit(285) - 0.01 * TotalVariation()

A part is a number computed from a picture and the network's output for it. An objective is a
weighted sum of parts, to be made large. Its weights, classes and channels are data, not code: the
compiled step takes them as inputs, so that a slider moves a weight while the optimisation runs and
another class needs no new compilation (after lucid's objectives; Olah, Mordvintsev and Schubert,
"Feature Visualization", Distill, 2017).
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import keras

from engine.backbones import Backbone, graph
from engine.core.errors import UnknownLayer

ops: Any = keras.ops  # its type stubs allow None for every result
CERTAIN = 12.0  # logarithm of a class's odds: 160 000 to 1


class Algebra:
    """`+`, `-` and `*` by a number, for parts and for their sums."""

    @property
    def terms(self) -> "tuple[tuple[float, Part], ...]":
        """Every part with its weight."""
        raise NotImplementedError

    def __add__(self, other: "Algebra") -> "Objective":
        return Objective(terms=self.terms + other.terms)

    def __mul__(self, factor: float) -> "Objective":
        return Objective(terms=tuple((factor * weight, part) for weight, part in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> "Objective":
        return -1.0 * self

    def __sub__(self, other: "Algebra") -> "Objective":
        return self + -other


class Part(Algebra):
    """One number, computed from a picture and from the network's outputs for it."""

    @property
    def reads(self) -> str | tuple[str, ...] | None:
        """The layer it reads: "" for the logits, None for the picture alone.

        A tuple names layers of which it reads channel moments: means, and means of squares.
        """
        return ""

    def answer(self, answers: dict[str, Any]) -> Any:
        """What it reads, of all that `answers` gives."""
        if isinstance(self.reads, tuple):
            return [answers[_moments(name)] for name in self.reads]
        return None if self.reads is None else answers[self.reads]

    @property
    def terms(self) -> "tuple[tuple[float, Part], ...]":
        return ((1.0, self),)

    @property
    def index(self) -> Any:
        """The class or channel it is about, or an array: what a compiled step takes as input."""
        return 0

    @property
    def structure(self) -> "Part":
        """The part without its index; parts of equal structure share one compilation."""
        return self

    def at_other_sizes(self) -> "Part":
        """The part where the network is shown pictures of another size than its own."""
        return self

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        """The number itself, a scalar.

        Args:
            picture: `(1, H, W, 3)` in 0..1.
            answer: output of the layer it reads for the views of the picture, a batch
                that the number is averaged over; None if it reads none. Of several, a list of
                moments `(views, 2, c)`.
            index: `self.index` as a tensor.
        """
        raise NotImplementedError

    def words(self, net: Backbone) -> str:
        """What it is, in words."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective(Algebra):
    """A weighted sum of parts."""

    terms: tuple[tuple[float, Part], ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for _, part in self.terms)

    @property
    def weights(self) -> tuple[float, ...]:
        return tuple(weight for weight, _ in self.terms)

    @classmethod
    def of(cls, algebra: Algebra) -> Self:
        """A sum of parts with the weights of equal parts added up."""
        total: dict[Part, float] = {}
        for weight, part in algebra.terms:
            total[part] = total.get(part, 0.0) + weight
        return cls(terms=tuple((weight, part) for part, weight in total.items()))


@dataclass(frozen=True)
class _OfClass(Part):
    class_index: int

    @property
    def index(self) -> int:
        return self.class_index

    @property
    def structure(self) -> Part:
        return replace(self, class_index=0)


@dataclass(frozen=True)
class ClassLogit(_OfClass):
    """A class's logit: the evidence for it, regardless of the others.

    With `until_certain`, it counts only until the class's log-odds reach `CERTAIN`; beyond that,
    only the penalties act. It would otherwise grow to several times what photos have, as the
    picture fills with the texture that excites the network.
    """

    until_certain: bool = False

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        own = ops.take(answer, index, axis=-1)
        if self.until_certain:
            itself = ops.one_hot(index, answer.shape[-1])
            others = ops.logsumexp(answer - 1e9 * itself, axis=-1)
            own = ops.minimum(own, ops.stop_gradient(others) + CERTAIN)
        return ops.mean(own)

    def words(self, net: Backbone) -> str:
        until = ", until certain" if self.until_certain else ""
        return f"logit of “{net.class_names[self.class_index]}”{until}"


class CrossEntropy(_OfClass):
    """Minus the logarithm of a class's probability: the lesson's loss."""

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        return ops.mean(ops.logsumexp(answer, axis=-1) - ops.take(answer, index, axis=-1))

    def words(self, net: Backbone) -> str:
        return f"cross-entropy with “{net.class_names[self.class_index]}”"


@dataclass(frozen=True)
class _OfLayer(Part):
    layer: str

    @property
    def reads(self) -> str:
        return self.layer


@dataclass(frozen=True)
class _OfChannel(_OfLayer):
    channel: int

    @property
    def index(self) -> int:
        return self.channel

    @property
    def structure(self) -> Part:
        return replace(self, channel=0)


class Channel(_OfChannel):
    """The mean of one channel of a layer's maps."""

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        return ops.mean(ops.take(answer, index, axis=-1))

    def words(self, net: Backbone) -> str:
        return f"channel {self.channel} of {self.layer}"


class Neuron(_OfChannel):
    """The value at the centre of one channel's map."""

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        _, h, w, _ = answer.shape
        return ops.mean(ops.take(answer[:, h // 2, w // 2], index, axis=-1))

    def words(self, net: Backbone) -> str:
        return f"the middle of channel {self.channel} of {self.layer}"


class Layer(_OfLayer):
    """The mean square of a whole layer (Mordvintsev et al., "Inceptionism", 2015: DeepDream)."""

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        return ops.mean(ops.square(answer))

    def words(self, net: Backbone) -> str:
        return f"everything in {self.layer}"


@dataclass(frozen=True)
class Direction(_OfLayer):
    """The mean projection of a layer's maps on a direction, one number for each channel."""

    vector: tuple[float, ...]

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        direction = ops.convert_to_tensor(self.vector, dtype="float32")
        return ops.mean(ops.matmul(answer, direction / ops.norm(direction)))

    def words(self, net: Backbone) -> str:
        return f"a direction in {self.layer}"


def check(net: Backbone, objective: Objective) -> None:
    """Checks that the network has the layers, channels and classes of an objective.

    Raises:
        UnknownLayer: the network has no such layer, or the layer no such channel, or another number
            of channels than a direction in it.
        UnknownClass: the network has no such class.
    """
    for part in objective.parts:
        if part.reads == "":
            net.check_class(part.index)
        elif isinstance(part.reads, str):
            shape = net.layer(part.reads).shape
            if isinstance(part, Direction) and len(part.vector) != shape[-1]:
                raise UnknownLayer(
                    f"{part.reads} has {shape[-1]} channels; received a direction of "
                    f"{len(part.vector)}."
                )
            if isinstance(part.index, int) and not 0 <= part.index < shape[-1]:
                raise UnknownLayer(
                    f"{part.reads} has channels 0 to {shape[-1] - 1}; received: {part.index}."
                )


def part_names(net: Backbone, objective: Objective) -> tuple[str, ...]:
    """The parts in words; of two with the same words, the second is numbered."""
    words = [part.words(net) for part in objective.parts]
    before = [words[:k].count(one) for k, one in enumerate(words)]
    return tuple(f"{w} ({n + 1})" if n else w for w, n in zip(words, before, strict=True))


def _moments(layer: str) -> str:
    return f"moments of {layer}"


def answers(net: Backbone, parts: tuple[Part, ...]) -> Any:
    """The network, cut to the outputs that some parts read.

    In a layer that is or ends in a ReLU, a leaky one takes its place: a picture that does not yet
    activate a channel would otherwise get no gradient at all, and stay grey.

    Returns:
        A function of pictures `(N, H, W, 3)` in 0..1 to `{layer: answer}`, the logits under "";
        moments of layers under names of their own.
    """
    reads = [part.reads for part in parts]
    names = tuple(dict.fromkeys(name for name in reads if isinstance(name, str) and name))
    whole = net.plain if names else net.model  # folding changes what a layer answers
    outputs = {"": whole.outputs[0]}
    for name in names:
        leaky = partial(_leaky, net.before_relu(name), net.output(name))
        outputs[name] = net.tensor(("leaky", name), leaky)
    for several in (names for names in reads if isinstance(names, tuple)):
        for name in several:  # folding leaves the answers of normalizations as they are
            maps = net.output(name) if whole is net.plain else graph.output_of(whole, name)
            both = [ops.mean(maps, axis=(1, 2)), ops.mean(ops.square(maps), axis=(1, 2))]
            outputs[_moments(name)] = ops.stack(both, axis=1)
    model = keras.Model(whole.inputs[0], outputs)
    return lambda pictures: model(pictures, training=False)


def _leaky(before: Any, target: Any) -> Any:
    """A layer's output with a leaky ReLU in the place of the ReLU it ends in, if it does."""
    return target if before is target else ops.leaky_relu(before, 0.1)
