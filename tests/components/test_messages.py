"""A live view's message: what is packed is what is unpacked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.widgets.live_view import message

plain = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(header=st.dictionaries(st.text(), plain, max_size=5), pictures=st.lists(st.binary()))
def test_what_is_packed_is_unpacked(header, pictures):
    header.pop("version", None)
    found, same = message.unpack(message.pack(header, pictures))
    assert same == pictures
    assert found["version"] == message.VERSION
    assert {name: found[name] for name in header if name != "lengths"} == {
        name: value for name, value in header.items() if name != "lengths"
    }


@pytest.mark.parametrize("wrong", [b"", b"no message at all", b'LIVE\x0d\0\0\0{"version":9}'])
def test_another_message_is_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        message.unpack(wrong)
