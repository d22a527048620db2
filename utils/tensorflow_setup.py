"""Import Keras and TensorFlow without the messages that TensorFlow writes on every start.

They speak of graphics drivers that a laptop has no need of, and bypass Python's logging.
Modules that use Keras import this one first.
"""

import os
import sys

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


keras, tf = _import_quietly()
# It warns of functions traced more than a few times; a decoder per epoch is meant to be.
tf.get_logger().setLevel("ERROR")
