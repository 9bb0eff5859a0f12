"""The only file that knows which Keras backend runs.

The engine's mathematics is written in `keras.ops`; what differs between TensorFlow and JAX is how
a function is compiled and how it is differentiated, and that is here. XLA is left off on a CPU,
where it made one gradient step four to ten times slower than a plain graph, and on on a GPU.
"""

import contextlib
import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from engine.core import config


def cores() -> int:
    """CPU cores this process may use; of those, at most `IDEAL_CAT_CORES`, where that is set."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(here or 1, config.core_limit() or 100_000)


# One picture's operations are too small to be shared out among cores: on two cores a gradient step
# of MobileNetV2 is 1.2 times faster when one core computes each, and the other is free for another
# person or for the other half of a batch. TensorFlow reads this when it is imported.
config.set_operation_threads(max(cores() // 2, 1))

import keras  # noqa: E402
import numpy as np  # noqa: E402

from engine.core.errors import BadSettings  # noqa: E402
from engine.core.types import Device  # noqa: E402

BACKEND = keras.backend.backend()
if BACKEND == "tensorflow":
    import tensorflow as tf

    _gpus = tf.config.list_physical_devices("GPU")
    for _gpu in _gpus:  # leave memory to others
        tf.config.experimental.set_memory_growth(_gpu, True)
    if not _gpus:
        # On a CPU, TensorFlow's remapper fuses a convolution with the addition after it into a
        # oneDNN kernel that keeps a call's memory in itself. Two threads in one compiled function
        # free each other's: it crashed the server of a class.
        tf.config.optimizer.set_experimental_options({"remapping": False})
elif BACKEND == "jax":
    import jax  # pyright: ignore[reportMissingImports] -- only where it is chosen
else:
    raise ImportError(
        f"Expected KERAS_BACKEND to be tensorflow or jax; received: {BACKEND!r}. "
        "Set the environment variable and start again."
    )

# For `keras.Model.compile`: XLA, without which JAX compiles nothing and TensorFlow is faster on a
# CPU. Typed loosely, as the stubs know only "auto".
JIT_COMPILE: Any = BACKEND == "jax"


@cache
def device() -> Device:
    """Describes what the networks run on: the first GPU, or the CPU cores this process may use."""
    if BACKEND == "tensorflow":
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            name = details.get("device_name", "GPU")
            return Device(kind="GPU", name=name, memory=int(details.get("memory_bytes", 0)))
    else:
        gpus = [d for d in jax.devices() if d.platform == "gpu"]
        if gpus:
            memory = (gpus[0].memory_stats() or {}).get("bytes_limit", 0)
            return Device(kind="GPU", name=gpus[0].device_kind, memory=memory)
    return Device(kind="CPU", name=f"{cores()} CPU cores", memory=0)


def available_memory() -> int | None:
    """Bytes this process can still take: of the machine, or of its container; None if unknown.

    Read by hand, as the usual libraries do not know of a container's limit.
    """
    found = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable"))
        found.append(1024 * int(line.split()[1]))
    with contextlib.suppress(OSError, ValueError):  # "max" is no number: there is no limit
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        found.append(limit - int((group / "memory.current").read_text()))
    return max(min(found), 0) if found else None


def compute_in_the_background() -> None:
    """Gives TensorFlow's threads a thirtieth of the priority of other threads, on Linux.

    Pages are then drawn promptly while every core is busy with pictures, which get what is left.
    Call it after the first computation, which starts those threads.
    """
    for comm in Path("/proc/self/task").glob("*/comm"):
        with contextlib.suppress(OSError):  # a thread that has just ended; no right to do so
            if comm.read_text().startswith("tf_"):
                os.setpriority(os.PRIO_PROCESS, int(comm.parent.name), 15)


def trim_memory() -> None:
    """Gives free memory back to the system, where the C library can do so (glibc).

    Otherwise the process would stay as large as it has ever been.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def compile(function: Callable) -> Callable:
    """Compiles a function of tensors, once for each input shape.

    Pass values that change between calls as tensors: a Python number is compiled in as a constant,
    and a Python `if` or loop is decided once. TensorFlow's AutoGraph would rewrite those; it is
    left off, as it made the first step of Pocket take twice as long.
    """
    if BACKEND == "jax":
        return jax.jit(function)
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    return tf.function(function, jit_compile=on_gpu or None, reduce_retracing=True, autograph=False)


def data_parallel(function: Callable, batch: Any) -> Any:
    """Applies a function to parts of a batch in parallel, in one graph, one part per core.

    Args:
        function: takes a tensor `(n, ...)`, or a dict of such; returns the like.
        batch: `(N, ...)`, or a dict of such. One picture, an unknown batch size, or a batch on a
            GPU is not divided.

    Returns:
        The function's result for the whole batch.
    """
    parts = _parts(keras.tree.flatten(batch)[0].shape[0] or 1)
    if parts == 1:
        return function(batch)
    split: Any = keras.ops.array_split
    given = [
        function(keras.tree.map_structure(lambda one, k=k: split(one, parts)[k], batch))
        for k in range(parts)
    ]
    return keras.tree.map_structure(lambda *some: keras.ops.concatenate(some), *given)


def data_parallel_map(function: Callable, *batches: np.ndarray) -> Any:
    """Applies a function to parts of batches in threads, one part per core.

    Unlike `data_parallel`, it need not be compiled again for another batch size.

    Args:
        function: takes arrays `(n, ...)`, returns one of the same length or a tuple of such.
        batches: each `(N, ...)`.

    Returns:
        The function's result for the whole batches.
    """
    parts = _parts(len(batches[0]))
    if parts == 1:
        return function(*batches)
    given = _threads().map(function, *(np.array_split(batch, parts) for batch in batches))
    return keras.tree.map_structure(lambda *some: np.concatenate(some), *given)


def evaluate(function: Callable, batch: np.ndarray) -> np.ndarray:
    """Evaluates a compiled function of one tensor on a batch `(N, ...)`; returns an array."""
    return data_parallel_map(lambda part: numpy(function(tensor(part))), batch)


def _parts(n: int) -> int:
    return min(cores(), n) if BACKEND == "tensorflow" and device().kind == "CPU" else 1


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), thread_name_prefix="part")


def value_and_gradient(function: Callable, *, auxiliary: bool = False) -> Callable:
    """Differentiates a scalar `function(x, *rest)` with respect to its first argument.

    That argument is a tensor or a tuple of tensors.

    Args:
        function: returns a scalar; with `auxiliary`, a pair of the scalar and anything else.
        auxiliary: whether the function returns such a pair.

    Returns:
        A function of the same arguments that returns the function's result and the gradient, of
        x's shape.
    """
    if BACKEND == "jax":
        return jax.value_and_grad(function, has_aux=auxiliary)

    def both(x, *rest):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            given = function(x, *rest)
        return given, tape.gradient(given[0] if auxiliary else given, x)

    return both


def single_replica(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """An optimizer that does not sum its gradients over replicas; there is one.

    TensorFlow would keep the gradient of that sum for as long as the process lives, and with it all
    that was compiled: four megabytes a training.
    """
    if BACKEND == "tensorflow":
        optimizer._all_reduce_sum_gradients = list
    return optimizer


def optimizer_step(optimizer: keras.optimizers.Optimizer, variable: keras.Variable) -> Callable:
    """A function that takes one step of a built optimizer on one variable, given the gradient."""
    single_replica(optimizer)

    def step(gradient: Any) -> None:
        optimizer.apply([gradient], [variable])

    return compile(step) if BACKEND == "tensorflow" else step  # JAX compiles no assignment


def tensor(array: np.ndarray | float) -> Any:
    """Moves an array or a number to the device as float32."""
    return keras.ops.convert_to_tensor(array, dtype="float32")


def numpy(value: Any) -> np.ndarray:
    """Brings a tensor back as an array."""
    return np.asarray(keras.ops.convert_to_numpy(value))


def tflite(model: keras.Model) -> bytes:
    """Converts a network to TensorFlow Lite.

    Raises:
        BadSettings: the backend is not TensorFlow.
    """
    if BACKEND != "tensorflow":
        raise BadSettings("TensorFlow Lite can only be written with the TensorFlow backend.")
    return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def keep_session() -> None:
    """Makes `keras.backend.clear_session` do nothing in this process.

    A server with many threads cannot have one of them reset Keras for all: that throws away the
    state of what the others are building, drops compiled kernels, and collects garbage through all
    of TensorFlow's objects, a quarter of a second with the interpreter's lock held. Streamlit does
    it whenever a script or a fragment has run. Nothing here builds up in that state.
    """
    keras.backend.clear_session = lambda free_memory=True: None
