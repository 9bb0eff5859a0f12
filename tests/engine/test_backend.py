"""What TensorFlow must not do to graphs that threads share, and what is done with free memory."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from engine import backbones, backend

ROOT = Path(__file__).parents[2]
THREADS = """
import ctypes, sys, threading

from engine import config


def allocate():
    together.wait()  # all of them live at once
    bytes(1000)
    together.wait()


config.share_arenas()
together = threading.Barrier(20)
threads = [threading.Thread(target=allocate) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
c = ctypes.CDLL(None)
c.fopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(c.fopen(sys.argv[1].encode(), b"w"))
c.malloc_info(0, out)
c.fclose(out)
"""


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


GLIBC = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc"
)


@GLIBC
def test_free_memory_between_what_is_used_goes_back_to_the_system():
    def resident() -> int:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    many = [np.ones(100_000, "uint8") for _ in range(3000)]  # too small to be mapped one by one
    kept = many[::100]
    del many
    before = resident()
    backend.trim_memory()
    assert resident() < before - 100_000_000
    assert all(one.all() for one in kept)


@GLIBC
def test_threads_share_what_they_allocate_from(tmp_path):
    told = tmp_path / "malloc.xml"
    subprocess.run([sys.executable, "-c", THREADS, str(told)], cwd=ROOT, check=True)
    assert 1 <= told.read_text().count("<heap nr=") <= 2
