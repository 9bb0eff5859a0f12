"""What the home page says of the cluster, where there is one."""

from typing import Any

import streamlit as st

from components import shell
from components.shell import sessions
from engine import config


def show() -> None:
    """Whether it answers, and how much it computes for this app; nothing without a cluster."""
    if config.cluster_address():
        st.header("The cluster", anchor=False)
        _figures()


@st.fragment(run_every=2.0)
def _figures() -> None:
    with shell.errors():
        runner: Any = sessions.runner()
        status = runner.status()
        if not status.answers:
            st.warning(
                f"The cluster at {status.address} does not answer. Until it does, everything is "
                "computed on this machine.",
                icon=":material/cloud_off:",
            )
            return
        with st.container(horizontal=True, key="cluster"):
            for label, number in (("Runs", status.running), ("Waiting", status.waiting)):
                st.metric(label, number, border=True)
        st.caption(
            f"Pictures, attacks and trainings are computed on the cluster at {status.address}. "
            "Waiting runs have not made their first step yet."
        )
