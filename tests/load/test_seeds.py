from vgate.load.seeds import derive


def test_derived_seeds_stay_what_they_were() -> None:
    """A canary: results of old runs can be replayed only while these hold."""
    assert derive(0, "arrivals") == 12198932670070183440


def test_names_and_roots_make_a_difference() -> None:
    assert len({derive(root, name) for root in range(10) for name in "abc"}) == 30
