"""The networks of Keras Applications that the app knows, as plain data.

Parameters are those of Keras' own model; top-1 on ImageNet's validation set is the figure Keras
publishes (keras.io/api/applications), for the MobileNetV3 pair the one in Keras' docstring, for
`MobileNet 0.75` the one of Howard et al., 2017 (arXiv:1704.04861, model zoo). File names,
addresses and hashes are Keras' own, so both share one cache; a test compares them with Keras.
"""

from dataclasses import dataclass
from typing import Literal

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
Scaling = Literal["none", "caffe", "tf", "torch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A backbone's facts.

    `size` is the side of its square input in px, `scaling` the name Keras gives to the
    preprocessing it was trained with, `digest` the md5 or sha256 of the weights file where Keras
    knows one. The built-in backbone has no `url`: its weights come with the app.
    """

    name: str
    builder: str
    size: int
    parameters: int
    top1: float
    year: int
    scaling: Scaling
    url: str = ""
    filename: str = ""
    digest: str = ""
    alpha: float = 1.0
    trained_on: str = "ImageNet, 1000 classes"
    note: str = ""
    bytes_per_weight: int = 4

    @property
    def weight_bytes(self) -> int:
        """Size of the weights; the file's own tables add one or two percent."""
        return self.bytes_per_weight * self.parameters

    @property
    def builtin(self) -> bool:
        """Whether the weights come with the app."""
        return not self.url


def _spec(name, folder, filename, digest, size, parameters, top1, year, scaling, note, **more):
    more.setdefault("builder", name)
    more.setdefault("url", f"{_KERAS}/{folder}/{filename}")
    return Spec(
        name=name,
        filename=filename,
        digest=digest,
        size=size,
        parameters=parameters,
        top1=top1,
        year=year,
        scaling=scaling,
        note=note,
        **more,
    )


_TF = "weights_tf_dim_ordering_tf_kernels"
APPLICATIONS = (
    _spec(
        "MobileNetV2",
        "mobilenet_v2",
        f"mobilenet_v2_{_TF}_1.0_224.h5",
        "",
        224,
        3_538_984,
        0.713,
        2018,
        "tf",
        "Narrow blocks with shortcuts; made for phones.",
    ),
    _spec(
        "MobileNet 0.75",
        "mobilenet",
        "mobilenet_7_5_192_tf.h5",
        "",
        192,
        2_601_976,
        0.672,
        2017,
        "tf",
        "MobileNet with three quarters of its channels.",
        builder="MobileNet",
        alpha=0.75,
    ),
    _spec(
        "MobileNet",
        "mobilenet",
        "mobilenet_1_0_224_tf.h5",
        "",
        224,
        4_253_864,
        0.704,
        2017,
        "tf",
        "Depthwise convolutions, one after another.",
    ),
    _spec(
        "MobileNetV3Small",
        "mobilenet_v3",
        "weights_mobilenet_v3_small_224_1.0_float.h5",
        "8768d4c2e7dee89b9d02b2d03d65d862",
        224,
        2_554_968,
        0.681,
        2019,
        "none",
        "Found by a search for speed on phones.",
    ),
    _spec(
        "MobileNetV3Large",
        "mobilenet_v3",
        "weights_mobilenet_v3_large_224_1.0_float.h5",
        "59e551e166be033d707958cf9e29a6a7",
        224,
        5_507_432,
        0.756,
        2019,
        "none",
        "The larger of the searched MobileNets.",
    ),
    _spec(
        "EfficientNetB0",
        "",
        "efficientnetb0.h5",
        "902e53a9f72be733fc0bcb005b3ebbac",
        224,
        5_330_571,
        0.771,
        2019,
        "none",
        "Depth, width and resolution grown together.",
        url="https://storage.googleapis.com/keras-applications/efficientnetb0.h5",
    ),
    _spec(
        "EfficientNetV2B0",
        "efficientnet_v2",
        "efficientnetv2-b0.h5",
        "21ecbf6da12460d5c40bb2f29ceb2188",
        224,
        7_200_312,
        0.787,
        2021,
        "none",
        "EfficientNet with fused, faster early blocks.",
    ),
    _spec(
        "NASNetMobile",
        "nasnet",
        "nasnet_mobile.h5",
        "020fb642bf7360b370c678b08e0adf61",
        224,
        5_326_716,
        0.744,
        2018,
        "tf",
        "A cell found by architecture search, repeated.",
        url=f"{_KERAS}/nasnet/NASNet-mobile.h5",
    ),
    _spec(
        "DenseNet121",
        "densenet",
        f"densenet121_{_TF}.h5",
        "9d60b8095a5708f2dcce2bca79d332c7",
        224,
        8_062_504,
        0.750,
        2017,
        "torch",
        "Every layer reads all layers before it.",
    ),
    _spec(
        "ResNet50",
        "resnet",
        f"resnet50_{_TF}.h5",
        "2cb95161c43110f7111970584f804107",
        224,
        25_636_712,
        0.749,
        2015,
        "caffe",
        "Shortcuts let fifty layers train.",
    ),
    _spec(
        "ResNet50V2",
        "resnet",
        f"resnet50v2_{_TF}.h5",
        "3ef43a0b657b3be2300d5770ece849e0",
        224,
        25_613_800,
        0.760,
        2016,
        "tf",
        "ResNet with normalization before convolution.",
    ),
    _spec(
        "InceptionV3",
        "inception_v3",
        f"inception_v3_{_TF}.h5",
        "9a0d58056eeedaa3f26cb7ebd46da564",
        299,
        23_851_784,
        0.779,
        2015,
        "tf",
        "Several filter sizes side by side.",
    ),
    _spec(
        "Xception",
        "xception",
        f"xception_{_TF}.h5",
        "0a58e3b7378bc2990ea3b43d5981f1f6",
        299,
        22_910_480,
        0.790,
        2016,
        "tf",
        "Inception taken to depthwise extremes.",
    ),
    _spec(
        "ConvNeXtTiny",
        "convnext",
        "convnext_tiny.h5",
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        224,
        28_589_128,
        0.813,
        2022,
        "none",
        "Convolutions in a transformer's dress.",
    ),
    _spec(
        "VGG16",
        "vgg16",
        f"vgg16_{_TF}.h5",
        "64373286793e3c8b2b4e3219cbf3544b",
        224,
        138_357_544,
        0.713,
        2014,
        "caffe",
        "Plain 3x3 convolutions: the lesson's network.",
    ),
    _spec(
        "VGG19",
        "vgg19",
        f"vgg19_{_TF}.h5",
        "cbe5617147190e668d6c5d5026f83318",
        224,
        143_667_240,
        0.713,
        2014,
        "caffe",
        "VGG16 with three more convolutions.",
    ),
)
