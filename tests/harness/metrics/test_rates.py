from tests.harness.rows import MS, failed, frame, row
from vgate.harness.metrics.rates import Window, achieved_rate, completed_rate, offered_rate, output_tokens_rate

WINDOW = Window(100 * MS, 2100 * MS)  # two seconds


def test_each_rate_counts_its_own_stamp() -> None:
    rows = frame(
        row(t_int=99.0, lag=1.0, tok=(200.0,)),  # due before the window, sent and done in it
        row(t_int=100.0, tok=(300.0,)),  # the start belongs to the window
        row(t_int=2099.0, lag=1.0, tok=(2300.0,)),  # due in it, sent at its end, which does not
        failed(t_int=500.0),  # due and sent, not completed
    )
    assert offered_rate(rows, WINDOW) == 3 / 2
    assert achieved_rate(rows, WINDOW) == 3 / 2
    assert completed_rate(rows, WINDOW) == 2 / 2


def test_never_sent_is_offered_but_not_achieved() -> None:
    rows = frame(failed(t_int=500.0) | {"t_send": None})
    assert (offered_rate(rows, WINDOW), achieved_rate(rows, WINDOW)) == (0.5, 0.0)


def test_tokens_count_where_they_arrive() -> None:
    rows = frame(row(t_int=0.0, tok=(50.0, 150.0, 250.0)), row(t_int=2000.0, tok=(2050.0, 2150.0)))
    assert output_tokens_rate(rows, WINDOW) == 3 / 2


def test_tokens_of_bundles_and_of_whole_answers() -> None:
    bundle = row(tok=(150.0, 2150.0), n_tok=[3, 5], completion_tokens=8)
    unknown = row(t_int=1.0, tok=(150.0, 2150.0), n_tok=None, completion_tokens=8)
    whole = row(t_int=2.0, tok=(), t_end=200.0, completion_tokens=7)
    late = row(t_int=3.0, tok=(), t_end=2100.0, completion_tokens=7)
    assert output_tokens_rate(frame(bundle, unknown, whole, late), WINDOW) == (3 + 4 + 7) / 2
