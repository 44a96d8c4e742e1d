from pathlib import Path

from tests.harness.comparing.synthetic import LATENCY, two_alike
from vgate.harness.comparing.court import Rules, cells
from vgate.harness.comparing.session import forget_torn_rounds
from vgate.harness.files import write_json
from vgate.harness.store import RunFolder


def test_a_round_that_is_not_whole_is_forgotten(tmp_path: Path) -> None:
    """Its missing part would be measured at another time than the rest."""
    folder = RunFolder(tmp_path / "run")
    planned = cells(two_alike(), Rules(LATENCY, 0.02, max_rounds=3))
    with folder.locked():
        for cell in planned[:7]:
            with folder.writing(cell) as place:
                write_json(place / "cell.json", {})
        forget_torn_rounds(folder, planned)
    assert [folder.has(cell) for cell in planned] == [True] * 4 + [False] * 8
