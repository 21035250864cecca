"""The same seed gives the same bits, in processes of their own."""

import pytest

from .processes import begin, finish, undisturbed
from .worker import KINDS

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("kind", KINDS)
def test_three_equal_runs_are_the_same_to_the_last_bit(tmp_path, kind):
    """One that saves nothing, one that does, and one whose programs are compiled anew."""
    saved, _ = finish(begin(kind, tmp_path / "run"))
    compiled, _ = finish(begin(kind, tmp_path, "--plain", "--cache", tmp_path / "cache"))
    assert saved["sum"] == undisturbed(kind)
    assert compiled["sum"] == undisturbed(kind)
