"""The report on a trained classifier: accuracy, confusion, mistakes, a map, trying own photos."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import shell
from components.shell import cache, class_link
from components.transfer_learning import confusions, each_class, feature_plots, tricks
from components.transfer_learning.experiment import Experiment, unmeasured, words
from components.widgets import charts, gallery, lab_sheet, pickers
from engine import images
from engine.core.errors import BadImage
from engine.core.types import SCRATCH, TUNED

if TYPE_CHECKING:
    from engine.storage import Data
    from engine.transfer import Report

FEW = 12  # classes that get a bar each


def sections(run: Experiment) -> None:
    """One question at a time; only the one that is open is computed."""
    asked: dict[str, Callable[[Experiment], None]] = {
        "Try your photo": trial,
        "Which classes?": each_class.show,
        "Confusions": confusions.confusion,
        "Most confident mistakes": confusions.mistakes,
        "Map of the photos": feature_plots.embedding,
        "How few photos?": feature_plots.sweep,
        "Training tricks": tricks.compare,
        "Layers": layers,
        "Export": take_home,
    }
    shell.check_link("t_closer", list(asked), "the question")
    chosen = st.segmented_control(
        "Look closer",
        list(asked),
        default="Try your photo",
        required=True,
        key="t_closer",
        bind="query-params",
    )
    asked[chosen](run)


def some_photos(data: "Data | None", photos: int = 8) -> None:
    """A few of the photos to learn from, of different classes."""
    if data is None:
        return
    order = np.flatnonzero(data.train)
    _, first = np.unique(data.labels[order], return_index=True)
    chosen = order[first[np.linspace(0, len(first) - 1, min(photos, len(first))).astype(int)]]
    for column, k in zip(st.columns(photos), chosen, strict=False):
        with column:
            name = data.class_names[data.labels[k]]
            try:
                photo = cache.decoded(data.paths[k].read_bytes())
            except (BadImage, OSError):
                continue  # named with the others when the photos are read
            gallery.show(images.fit(photo, (160, 160)), name, name)


def headline(run: Experiment) -> None:
    """Accuracy and its interval, in words."""
    report = run.report()
    if report is None:
        st.info(unmeasured(run), icon=":material/info:")
        return
    before = run.plan.source.data.rejected if run.plan.source.data else ()
    left_out = (
        [one for one in run.trained.features.rejected if one not in before]
        if run.trained.features
        else []
    )
    if left_out:
        with st.expander(f"{len(left_out)} photos cannot be read", icon=":material/rule:"):
            for one in left_out[:50]:
                st.markdown(f"`{one.name}`: {one.reason}")
    said = verdict(report, crossed=run.trained.crossed is not None)
    said = f"{said} Trained on {run.trained.learnt} photos in {run.last.seconds:.1f} s."
    if run.plan.how == SCRATCH and run.latest is not None and run.latest.accuracy is not None:
        said += f" It classifies {100 * run.latest.accuracy:.0f} % of its training photos."
    if report.better_than_chance:
        st.success(said, icon=":material/check:")
    else:
        st.info(said, icon=":material/info:")


def verdict(report: "Report", *, crossed: bool = False) -> str:
    """Accuracy, its interval, and whether that is better than chance, in words."""
    photos = len(report.labels)
    how = f"{photos} photos, cross-validated," if crossed else f"{photos} photos it has never seen"
    each = report.confusion.sum(axis=1)
    each = each[each > 0]
    guess = "chance" if each.min() == each.max() else "always predicting the most frequent class"
    chance = f"{100 * report.chance:.1f} %"
    said = (
        f"{100 * report.accuracy:.1f} % of {how} are classified correctly (95 % interval "
        f"{100 * report.low:.0f} to {100 * report.high:.0f} %)."
    )
    if report.better_than_chance:
        return f"{said} By {guess}: {chance}."
    return f"{said} That is not clearly better than {guess}, {chance}."


def trial(run: Experiment) -> None:
    """A photo of one's own, and the bars of all classes."""
    from scipy.special import softmax

    from engine.backbones import top_predictions

    left, right = st.columns([1, 1.25], gap="large")
    with left:
        picked = pickers.picture(label="A photo to try")
        gallery.show(picked.picture, picked.name)
    with right:
        st.markdown(f"**Predictions of your classifier on {run.plan.backbone}**")
        names, logits = run.trained.class_names, run.logits(picked.picture)
        if len(names) <= FEW:
            bars = charts.confidence(top_predictions(logits, names, len(names)))
        else:
            bars = charts.confidence(top_predictions(logits, names))
            charts.show(charts.all_classes(softmax(logits), names), key="try_all")
        charts.show(bars, key="try_bars")
        st.caption("It must choose one of the classes it was trained on, whatever the photo shows.")


def layers(run: Experiment) -> None:
    """The network as a table, a row for each layer."""
    from engine import transfer

    net = cache.backbone(run.plan.backbone)
    rows = transfer.summary(net, run.plan, len(run.class_names))
    total, learning = (
        sum(row.parameters for row in rows if row.learns or not only) for only in (False, True)
    )
    st.caption(
        f"{len(rows)} layers, {total:,} parameters; {learning:,} of them learn"
        f"{' after the head has' if run.plan.how == TUNED else ''}. This is what Keras' "
        "`model.summary()` shows."
    )
    st.dataframe(
        [
            {
                "Layer": row.name,
                "Kind": row.kind,
                "Output": " × ".join(map(str, row.shape)),
                "Parameters": row.parameters,
                "Learns": "yes" if row.learns else "",
            }
            for row in rows
        ],
        hide_index=True,
        height=480,
        key="layers_table",
    )


def take_home(run: Experiment) -> None:
    """The classifier as files, and as a backbone for the other screens."""
    from engine import transfer

    stem = words(run.plan).replace(", ", "-").replace(" ", "-")
    with st.container(horizontal=True):
        gallery.download(
            "Network (.keras)",
            lambda: transfer.keras_file(run.classifier()),
            f"{stem}.keras",
            "download",
            help="Opens with keras.models.load_model: pictures in 0..1 to logits. It is a zip; "
            "labels.txt in it has the classes.",
        )
        gallery.download(
            "For phones (TFLite)",
            lambda: transfer.tflite_file(run.classifier()),
            f"{stem}.tflite",
            "smartphone",
            help="One picture in 0..1 to logits. It ends with a zip; labels.txt in it has the "
            "classes.",
        )
        gallery.download(
            "Project (to open here again)",
            lambda: transfer.save(run.project()),
            f"{stem}.idealcat",
            "save",
            help="Options, digests of its photos, and the weights that training has changed.",
        )
        lab_sheet.download(lambda: sheet(run), f"lab-sheet-{stem}")
    if not st.toggle("Use it on the other screens, like any backbone", key="taught_on"):
        return
    link = class_link.onward(use=run.taught())
    with st.container(horizontal=True):
        for page, label, icon in (
            ("feature_maps", "Look inside it", "grid_view"),
            ("ideal_images", "See its ideal image", "auto_awesome"),
            ("adversarial_attacks", "Attack it", "visibility_off"),
        ):
            icon = f":material/{icon}:"
            st.page_link(f"pages/{page}.py", label=label, icon=icon, query_params=link)


def sheet(run: Experiment) -> lab_sheet.Sheet:
    """The lab sheet: the course of the training, and each class."""
    report, names = run.report(), run.class_names
    points = [(p.epoch, p.loss, p.accuracy, p.val_loss, p.val_accuracy) for p in run.points]
    columns = ("epoch", "loss", "accuracy", "test loss", "test accuracy")
    files = {"epochs.csv": (lab_sheet.table(columns, points), "What was measured, a row an epoch.")}
    said = unmeasured(run)
    if report is not None:
        said = verdict(report, crossed=run.trained.crossed is not None)
        rows = [
            (name, int(report.confusion[k].sum()), report.per_class[k], *report.confusion[k])
            for k, name in enumerate(names)
        ]
        files["classes.csv"] = (
            lab_sheet.table(("class", "photos", "accuracy", *names), rows),
            "Each class: its test photos, the share that is right, and what they were taken for.",
        )
    return lab_sheet.Sheet(
        title="Transfer learning",
        facts={"Photos": run.plan.source.name, "Training": words(run.plan)},
        results=[said],
        files=files,
    )
