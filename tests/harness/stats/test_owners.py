import numpy as np
import pytest

from vgate.harness.stats.owners import first_of_each


@pytest.mark.parametrize(("owners", "begin"), [([3, 3, 5, 9, 9], [0, 2, 3]), ([0], [0]), ([], [])])
def test_where_each_begins(owners: list[int], begin: list[int]) -> None:
    assert first_of_each(np.array(owners, dtype=np.int64)).tolist() == begin
