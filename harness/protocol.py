"""Streamlit's websocket messages: what a browser sends, and what it receives."""

from collections.abc import Mapping
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


def rerun(
    *,
    page: str,
    page_hash: str | None,
    url: str,
    query: str,
    fragment: str,
    automatic: bool,
    states: Mapping[str, tuple[str, Any]],
) -> bytes:
    """Asks for a run of a page or a fragment, with widget states `{id: (field, value)}`."""
    message = BackMsg()
    run = message.rerun_script
    run.query_string, run.fragment_id, run.is_auto_rerun = query, fragment, automatic
    if page_hash is not None:
        run.page_script_hash = page_hash
    else:
        run.page_name = page
    run.context_info.url = url
    for key, (field, value) in states.items():
        state = run.widget_states.widgets.add(id=key)
        if field == "file_uploader_state_value":
            urls, name, size = value
            info = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=size)
            info.file_id = urls.file_id
            info.file_urls.CopyFrom(urls)
        elif field.endswith("array_value"):
            getattr(state, field).data.extend(value)
        else:
            setattr(state, field, value)
    return message.SerializeToString()


def upload(name: str) -> bytes:
    """Asks where to send a file."""
    message = BackMsg()
    message.file_urls_request.request_id = name
    message.file_urls_request.file_names.append(name)
    return message.SerializeToString()


def parsed(raw: bytes, known: dict[str, ForwardMsg]) -> ForwardMsg:
    """A message of the server; one that only refers to an earlier one is taken from `known`."""
    message = ForwardMsg()
    message.ParseFromString(raw)
    if message.WhichOneof("type") == "ref_hash":
        whole = ForwardMsg()
        whole.CopyFrom(known[message.ref_hash])
        whole.metadata.CopyFrom(message.metadata)
        return whole
    if message.metadata.cacheable:
        known[message.hash] = message
    return message
