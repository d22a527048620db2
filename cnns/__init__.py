"""CNNs trained on ImageNet, laid on a Keras tensor of pictures, and where their weights come from.

Each function here is named by a row of `utils.encoders.registry`. The package knows nothing of
`utils`: pictures [N, S, S, 3] in 0..255, RGB, go in, the last feature map [N, H, W, C] comes out.
"""


class WeightsError(Exception):
    """Why the weights of a CNN cannot be had and what to do, in one sentence."""
