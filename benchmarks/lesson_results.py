"""What an experiment of the lesson has come to, read from the app's own pages."""

from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from engine import backbones, images, transfer
from engine.attacks import transferability

OTHER = "MobileNet 0.75"  # is shown what fools or pleases MobileNetV2


def seen(app: AppTest) -> str:
    """What the backbone predicts for the picture."""
    backbone = backbones.load(app.selectbox(key="backbone").value)
    return _words(backbone, _sample(app.query_params))


def maps(app: AppTest) -> str:
    """The shape of the chosen layer's maps."""
    net = backbones.load(app.selectbox(key="backbone").value)
    return "×".join(map(str, net.layer(app.selectbox(key="layer").value).shape))


def ideal(app: AppTest) -> str:
    """How sure the network is of its picture, and what another says of it."""
    frame = app.session_state["ideal_run"].views[0].latest
    other = _words(backbones.load(OTHER), frame.picture)
    return f"{100 * frame.probability:.0f} %; {OTHER}: {other}"


def attacked(app: AppTest) -> str:
    """How sure the network is of the target, and how far the picture was changed."""
    experiment = app.session_state["attack_run"]
    frame, plan = experiment.latest, experiment.plan
    levels = 255 * abs(frame.picture - images.from_uint8(images.to_uint8(plan.picture))).max()
    top = frame.predictions[0]
    return f"{100 * top.probability:.0f} % {top.label}, within {levels:.0f} grey levels"


def asked(app: AppTest) -> str:
    """What another network says of the attacked picture."""
    frame = app.session_state["attack_run"].latest
    return f"{OTHER}: {_words(backbones.load(OTHER), frame.picture)}"


def trained(app: AppTest) -> str:
    """Accuracy on the test photos, and on those it learned from."""
    experiment = app.session_state["training_run"]
    report, point = experiment.report(), experiment.points[-1]
    low, high = 100 * report.low, 100 * report.high
    return (
        f"{100 * report.accuracy:.1f} % ({low:.0f} to {high:.0f}); "
        f"training photos {100 * point.accuracy:.0f} %"
    )


def continued(app: AppTest) -> str:
    """The same picture, with variation loss, for as many steps again."""
    experiment = app.session_state["ideal_run"]
    before = experiment.views[0].latest.variation
    app.select_slider(key=f"variation_{'_'.join(experiment.sliders_of)}").set_value(1.0).run()
    app.button(key="go_on").click().run()
    while not experiment.views[0].ended:
        experiment.views[0].run.wait(20)
        app.run()
    frame = experiment.views[0].latest
    return f"total variation {frame.variation / before:.0%} of before; {ideal(app)}"


def voted(app: AppTest) -> str:
    """What the attacked network and another predict together."""
    nets = [backbones.load(name) for name in ("MobileNetV2", OTHER)]
    top = transferability.vote(nets, app.session_state["attack_run"].latest.picture)[0]
    return f"{top.label} {100 * top.probability:.0f} %"


def reopened(app: AppTest) -> str:
    """Whether a saved project predicts the same when it is opened again."""
    experiment = app.session_state["training_run"]
    saved = transfer.save(experiment.project())
    vectors = np.asarray(experiment.trained.features.values[:, 0], "float32")
    one, other = (
        transfer.logits_of(head, vectors)
        for head in (experiment.trained.head, transfer.load(saved).head)
    )
    alike = (one.argmax(axis=1) == other.argmax(axis=1)).mean()
    return f"{len(saved) / 1e3:.0f} kB; {alike:.0%} of {len(one)} predictions as before"


def _sample(query: Any) -> Any:
    from engine.storage import samples

    return images.load(samples.path(query["sample"][0] if query.get("sample") else "Cat"))


def _words(net: backbones.Backbone, picture: Any) -> str:
    top = net.predict(images.fit(picture, net.input_size), 1)[0]
    return f"{top.label} {100 * top.probability:.0f} %"
