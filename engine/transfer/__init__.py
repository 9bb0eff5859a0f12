"""Transfer learning in one import: features once, heads on them, fine-tuning, evaluation.

data = datasets.pets(root)
*_, step = transfer.extract(net, data, folder)
for epoch in transfer.train_head(step.features, transfer.Recipe()):
    epoch.val_accuracy
"""

from engine.transfer.at_once import fit_at_once
from engine.transfer.evaluation import Report, evaluate, interval, logits_of
from engine.transfer.export import as_backbone, from_model, keras_file, tflite_file
from engine.transfer.extraction import (
    BATCH,
    Extracted,
    Features,
    builtin,
    extract,
    grouped,
    look,
    vectors,
    width,
)
from engine.transfer.fine_tuning import TuningStep, augmented, fine_tune, predicted
from engine.transfer.heads import Epoch, Recipe, cross_validate, train_head
from engine.transfer.initial import INITIALIZERS, OWN
from engine.transfer.optimizers import OPTIMIZERS, SCHEDULES
from engine.transfer.project import Project, changes, digests, load, model_of, save
from engine.transfer.summary import summary
from engine.transfer.training import (
    PhotoSource,
    Trained,
    TrainingPlan,
    TrainingPoint,
    TrainingStep,
    read,
    train,
)
from engine.transfer.travel import portable, slim, whole
from engine.transfer.tuning import AT_ONCE, Tuning, check_memory

__all__ = [
    "AT_ONCE",
    "BATCH",
    "INITIALIZERS",
    "OPTIMIZERS",
    "OWN",
    "SCHEDULES",
    "Epoch",
    "Extracted",
    "Features",
    "PhotoSource",
    "Project",
    "Recipe",
    "Report",
    "Trained",
    "TrainingPlan",
    "TrainingPoint",
    "TrainingStep",
    "Tuning",
    "TuningStep",
    "as_backbone",
    "augmented",
    "builtin",
    "changes",
    "check_memory",
    "cross_validate",
    "digests",
    "evaluate",
    "extract",
    "fine_tune",
    "fit_at_once",
    "from_model",
    "grouped",
    "interval",
    "keras_file",
    "load",
    "logits_of",
    "look",
    "model_of",
    "portable",
    "predicted",
    "read",
    "save",
    "slim",
    "summary",
    "tflite_file",
    "train",
    "train_head",
    "vectors",
    "whole",
    "width",
]
