"""What the app runs on, in a line; folded, which backbones are here and a form for another."""

import streamlit as st

from components.home import cluster
from components.shell import downloads, sessions
from engine.storage import registry, weights


def engine_status() -> None:
    """A progress line while TensorFlow starts, then a quiet one about the device."""

    @st.fragment(run_every=downloads.WAITING if not _warm() else None)
    def line() -> None:
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
                st.caption(f":material/memory: {job.frames[-1].message}")
            else:
                st.error(str(job.error), icon=":material/error:")
            if not st.session_state.get("home_warm"):
                st.session_state.home_warm = True
                st.rerun()  # once more without the timer

    line()
    st.caption(f"Active runs of all visitors: {len(sessions.running())}.")
    if _warm():
        cluster.show()


def _warm() -> bool:
    return bool(st.session_state.get("home_warm"))


def backbone_table() -> None:
    """All backbones: ready or not, size, accuracy; and a download for those that are not."""
    with st.expander("Networks", icon=":material/lan:"):
        _backbone_table()


def _backbone_table() -> None:
    here = weights.available()
    rows = [
        {
            "Backbone": spec.name,
            "On this machine": "ready" if name in here else "can be downloaded",
            "Year": str(spec.year),
            "Input": f"{spec.size} × {spec.size} px",
            "Parameters": f"{spec.parameters / 1e6:.1f} M",
            "Weights": f"{spec.weight_bytes / 1e6:.0f} MB",
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
                help="Share of the validation photos it names right at the first guess, as "
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
    name = left.selectbox(
        "Fetch another backbone",
        missing,
        format_func=lambda n: f"{n}, {registry.spec(n).weight_bytes / 1e6:.0f} MB",
    )
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
