"""Import Keras and TensorFlow without the messages that TensorFlow writes on every start.

They speak of graphics drivers that a laptop has no need of, and bypass Python's logging.
Modules that use Keras import it from here, with the backend, layout and float type that the course
is written for, whatever a keras.json or a variable says. The choice of bfloat16 products stands
here too: like the import it is a matter of the machine, not of the model.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from utils.errors import CourseError

# Keras would read these once, when it is imported; what other projects need shall change nothing.
os.environ["KERAS_BACKEND"] = "tensorflow"
for _limit in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED"):
    os.environ.pop(_limit, None)
# One order of floating-point additions, so that the same run twice gives the same captions.
os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _import_quietly():
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import keras
        import tensorflow

        return keras, tensorflow
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _import_whatever_is_configured():
    """Import both, and set what a keras.json or an earlier import of Keras may have set."""
    try:
        keras, tensorflow = _import_quietly()
    except (ValueError, AttributeError, OSError) as error:
        folder = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        raise CourseError(
            f"Keras cannot be imported; {folder}/keras.json may be wrong, delete it: {error}"
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise CourseError(
            f"Keras was imported before with the backend {keras.backend.backend()}: restart Python "
            "or the kernel, and import from utils before keras."
        )
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    return keras, tensorflow


keras, tf = _import_whatever_is_configured()
# It warns of functions traced more than a few times; a decoder per epoch is meant to be.
tf.get_logger().setLevel("ERROR")


def cpu_has_bfloat16() -> bool:
    """Tell whether this CPU multiplies bfloat16 natively (known on Linux only)."""
    cpu = Path("/proc/cpuinfo")
    return cpu.exists() and "bf16" in cpu.read_text()


@contextmanager
def bfloat16_products() -> Iterator[None]:
    """Compute matrix products in bfloat16 where the CPU can, all else in float32.

    Training is over 1.5 times as fast and reaches the same loss. Decoding is left in float32.
    """
    option = "auto_mixed_precision_onednn_bfloat16"
    tf.config.optimizer.set_experimental_options({option: cpu_has_bfloat16()})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: False})


@contextmanager
def bfloat16_layers(wanted: bool = True) -> Iterator[None]:
    """Make layers that compute in bfloat16, where that is wanted and the CPU can.

    Elsewhere bfloat16 would be emulated, and slow.
    """
    before = keras.config.dtype_policy()
    if wanted and cpu_has_bfloat16():
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
