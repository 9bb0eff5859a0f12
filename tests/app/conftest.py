"""Pages in this process, which computes nothing that no test asks for."""

import pytest

from components.shell import warm_up


@pytest.fixture(scope="package", autouse=True)
def no_first_steps():
    """Nothing is compiled in the background for visitors that do not come."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm_up, "FIRST", ())
        yield
