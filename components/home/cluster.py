"""What the home page says of the cluster, where there is one."""

from typing import Any

import streamlit as st

from components import shell
from components.shell import sessions
from engine import config


def show() -> None:
    """How many machines there are and how busy they are; nothing without a cluster."""
    if config.cluster_address():
        st.header("The cluster", anchor=False)
        _figures()


@st.fragment(run_every=2.0)
def _figures() -> None:
    with shell.errors():
        runner: Any = sessions.runner()
        status = runner.status()
        if status.error:
            st.error(status.error, icon=":material/cloud_off:")
            return
        if not status.nodes:
            st.info(f"Joining the cluster at {status.address} …", icon=":material/hub:")
            return
        with st.container(horizontal=True, key="cluster"):
            for label, number in (
                ("Machines", status.nodes),
                ("Cores", status.cpus),
                ("GPUs", status.gpus),
                ("Workers", status.workers),
                ("Runs", status.running),
                ("Waiting", status.waiting),
            ):
                st.metric(label, f"{number:g}", border=True)
        st.caption(
            f"Pictures and attacks are computed on the cluster at {status.address}. Each worker "
            "keeps backbones loaded; waiting runs have not made their first step yet."
        )
