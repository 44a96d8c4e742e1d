"""Samples of which several belong to one request."""

import numpy as np
import numpy.typing as npt

Owners = npt.NDArray[np.int64]


def first_of_each(owners: Owners) -> npt.NDArray[np.intp]:
    """Where each owner's samples begin; those of one owner stand together."""
    return np.flatnonzero(np.diff(owners, prepend=owners[:1] - 1))
