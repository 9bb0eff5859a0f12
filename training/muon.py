"""Muon for convolutions: Keras' optimizer, told to treat a kernel as the matrix it is.

Keras' Muon orthogonalizes the updates of matrices only and hands all else, so every convolution,
to AdamW. A kernel `(kh, kw, c_in, c_out)` is a matrix `(kh * kw * c_in, c_out)` of the patches it
reads and the channels it writes (Jordan et al., "Muon: an optimizer for hidden layers in neural
networks", 2024, which trains convolutions this way).
"""

import keras
from keras import ops


class ConvolutionMuon(keras.optimizers.Muon):
    """Muon for kernels of convolutions, AdamW for biases, scales and dense layers."""

    def _should_use_adamw(self, variable) -> bool:
        return len(variable.shape) != 4

    def _muon_update_step(self, gradient, variable, lr, m) -> None:
        self.assign_add(m, gradient + m * (self.momentum - 1))
        update = gradient + self.momentum * m if self.nesterov else m
        matrix = ops.reshape(update, (-1, variable.shape[-1]))
        matrix = matrix / (ops.norm(matrix) + 1e-7)
        # bfloat16 is precise enough for the iteration (so its authors run it) and twice as fast.
        matrix = self.zeropower_via_newtonschulz5(ops.cast(matrix, "bfloat16"), self.ns_steps)
        step = self.lr_adjust(lr * ops.cast(matrix, variable.dtype))
        self.assign_sub(variable, ops.reshape(step, variable.shape))


def for_convolutions(variables: list, rate: float, weight_decay: float) -> ConvolutionMuon:
    """The optimizer of our networks, built; scales, shifts and biases do not decay."""
    optimizer = ConvolutionMuon(
        rate,
        momentum=0.9,
        ns_steps=4,
        adam_lr_ratio=0.5,
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(variables)
    return optimizer
