"""Arguments as users give them."""

import jaxtyping
import pytest


@pytest.fixture
def as_for_users():
    """Without the types that are checked in tests only."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
