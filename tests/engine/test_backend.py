"""What TensorFlow must not do to the graphs that several threads share."""

import keras
import numpy as np
import pytest

from engine import backbones


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of TensorFlow's graphs")
def test_no_convolution_is_fused_with_an_addition():
    """Such a kernel holds a call's memory, and a second thread's call frees it."""
    from tensorflow.python.eager import context

    net = backbones.load("MobileNetV2", pretrained=False)  # compiled below, and not before
    eager = context.context()
    eager.enable_run_metadata()
    net.logits(np.zeros((1, *net.input_size, 3), "float32"))
    run = eager.export_run_metadata()
    eager.disable_run_metadata()
    nodes = [node for one in run.function_graphs for node in one.post_optimization_graph.node]
    assert any("Conv2D" in node.op for node in nodes)
    assert not [node.name for node in nodes if b"Add" in node.attr["fused_ops"].list.s]
