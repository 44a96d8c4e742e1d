from vgate.harness.prometheus_text import total

TEXT = """# HELP tokens_total Tokens.
# TYPE tokens_total counter
tokens_total{engine="0"} 5.0
tokens_total{engine="1"} 7.5e+01 1700000000
tokens_total_created 9.0
plain 3.0
"""


def test_samples_are_summed_over_labels() -> None:
    assert total(TEXT, "tokens_total") == 80.0


def test_names_are_whole() -> None:
    assert total(TEXT, "plain") == 3.0
    assert total(TEXT, "tokens") == 0.0
