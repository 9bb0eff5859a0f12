"""What can go wrong, as sentences a person can act on.

    EngineError
    ├── BadImage              a file that is no picture, or one too large to decode safely
    ├── UnknownBackbone       a name that is not in the registry
    ├── UnknownLayer          a layer name the backbone does not have, or one without maps
    ├── UnknownClass          a class index outside the backbone's classes
    ├── WeightsUnavailable    no pretrained weights on this machine
    │   └── WeightsDamaged    a weights file that is truncated, foreign or altered
    ├── DownloadFailed        a failure of the network, the server or the disk
    ├── AddressRefused        a web address the server must not fetch
    ├── BadSettings           a setting that is out of range
    ├── Diverged              an optimisation whose values became NaN or infinite
    ├── DatasetUnavailable    photos to learn from that are not on this machine, or not whole
    ├── BadDataset            photos, folders or an archive that nothing can be learnt from
    ├── ProjectDamaged        a saved project that is not one, or not of this app
    ├── KitDamaged            an offline kit that is not whole, or cannot be written
    ├── NoSuchClass           a code or a secret of no class that goes on
    ├── ClassRefused          something that a class does not take: a taken name, a frozen wall
    ├── TooOften              tried again too soon
    ├── WallUnavailable       the database of classes, or the disk beside it, does not answer
    ├── ClusterRefused        the configured cluster does not take this app
    └── WorkerLost            a run whose cluster machines stopped repeatedly

Every message says what was expected, what was received and what to do next.
"""


class EngineError(Exception):
    """Base of all engine errors that a user has caused or can fix."""


class BadImage(EngineError):
    """The data is not a picture that can be decoded safely."""


class UnknownBackbone(EngineError):
    """The name is not a registered backbone."""


class UnknownLayer(EngineError):
    """The backbone has no such layer, or the layer has no feature maps."""


class UnknownClass(EngineError):
    """The class index lies outside the backbone's classes."""


class WeightsUnavailable(EngineError):
    """The backbone's pretrained weights are not on this machine."""


class WeightsDamaged(WeightsUnavailable):
    """The weights file is there but is not what it should be."""


class DownloadFailed(EngineError):
    """A file could not be downloaded whole."""


class AddressRefused(EngineError):
    """The web address is not one this server may fetch."""


class BadSettings(EngineError):
    """A setting is out of range."""


class Diverged(EngineError):
    """An optimisation's values are NaN or infinite."""


class DatasetUnavailable(EngineError):
    """The photos are not on this machine, or some of their files are missing."""


class BadDataset(EngineError):
    """The photos cannot be learnt from as they are."""


class ProjectDamaged(EngineError):
    """The file does not hold a trained classifier of this app."""


class KitDamaged(EngineError):
    """The offline kit is not whole, or there is no room for it."""


class NoSuchClass(EngineError):
    """There is no class of this code or secret, or it is over."""


class ClassRefused(EngineError):
    """A class does not take this: the name is taken, the wall frozen or full."""


class TooOften(EngineError):
    """The same was tried too often within a short time."""


class WallUnavailable(EngineError):
    """The database of classes does not answer, or there is no room for more."""


class ClusterRefused(EngineError):
    """The cluster does not take this app's token, or is of another version."""


class WorkerLost(EngineError):
    """A run has lost its machine more than once without a step in between."""
