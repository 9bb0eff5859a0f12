"""Folded below the doors: the backbones, with a form to fetch others, and this machine."""

import streamlit as st

from components.home import cluster
from components.shell import downloads, sessions
from engine.storage import registry, weights


def this_machine() -> None:
    """Folded, the device and what it does; below, a progress line while TensorFlow starts."""
    with st.expander("This machine", icon=":material/memory:"):
        device = st.empty()
        st.caption(f"Active runs of all visitors: {len(sessions.running())}.")
        st.caption(
            "Each visitor has one run at a time: starting a run stops the previous one, even on "
            "another screen. Runs of several visitors share the cores, in turns. Pictures and "
            "classifiers belong to a visitor's session, which ends soon after its tab is closed; "
            "the last 24 results stay in memory until newer ones replace them. "
            "What is shown to a class stays until the class ends."
        )
    if not st.session_state.get("home_warm"):
        device.caption("TensorFlow is starting.")
        st.fragment(_start, run_every=downloads.WAITING)()
        return
    job = sessions.opening()
    if job.error is not None:
        st.error(str(job.error), icon=":material/error:")
        return
    device.caption(job.frames[-1].message)
    cluster.show()


def _start() -> None:
    if not st.session_state.get("home_drawn"):
        st.session_state.home_drawn = True  # the first look comes after the page is drawn
        st.progress(0.0, "Starting TensorFlow …")
        return
    job = sessions.opening()
    if not job.done:
        step = job.frames[-1] if job.frames else None
        st.progress(step.fraction if step else 0.0, step.message if step else "Starting …")
    else:
        if job.error is None:
            sessions.first_steps()
        st.session_state.home_warm = True
        st.rerun()  # once more without the timer


def backbone_table() -> None:
    """All backbones: ready or not, size, accuracy; and a download for those that are not."""
    with st.expander("Networks", icon=":material/lan:"):
        _backbone_table()


def _backbone_table() -> None:
    here = weights.available()
    rows = [
        {
            "Backbone": spec.name,
            "On this machine": "ready"
            if name in here
            else f"{downloads.cost(spec.weight_bytes)} to download",
            "Year": str(spec.year),
            "Input": f"{spec.size} × {spec.size} px",
            "Parameters": f"{spec.parameters / 1e6:.1f} M",
            "Top-1": 100 * spec.top1,
            "What it is": spec.note,
        }
        for name, spec in sorted(registry.specs().items(), key=lambda item: item[0] not in here)
    ]
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        column_config={
            "Top-1": st.column_config.ProgressColumn(
                "Top-1 accuracy",
                help="Share of validation photos whose most probable class is the correct one, as "
                "published, on the classes it was trained on.",
                format="%.1f %%",
                min_value=0,
                max_value=100,
            )
        },
    )
    missing = [name for name in registry.specs() if name not in here]
    if missing:
        _download_form(missing)


def _download_form(missing: list[str]) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    name = left.selectbox("Download another backbone", missing, key="fetch")
    right.button(
        "Download",
        icon=":material/download:",
        width="stretch",
        on_click=downloads.start_download,
        args=(name, lambda: weights.download(registry.spec(name))),
    )
    for wanted, job in list(sessions.downloads().items()):
        downloads.download_line(wanted, job)
    if failure := st.session_state.get(f"download_failed_{name}"):
        st.error(failure, icon=":material/cloud_off:")
