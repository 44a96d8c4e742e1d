from vgate.harness.environment import kept, measuring

ENVIRON = {
    "VLLM_ATTENTION_BACKEND": "FLASHINFER",
    "CUDA_VISIBLE_DEVICES": "1",
    "OMP_NUM_THREADS": "2",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_API_KEY": "hunter2",
    "HF_TOKEN": "hunter2",
    "VGATE_CACHE__URL": "redis://:hunter2@h/0",
    "VGATE_ENGINE__EXTRA_ARGS": "{hf_token: hunter2, swap_space: 4}",
    "VGATE_SECURITY__API_KEYS": "[{key: hunter2, name: a}]",
    "VGATE_BATCH__MAX_BATCH_SIZE": "4",
    "HOME": "/root",
}


def test_what_changes_a_measurement_belongs_to_it() -> None:
    assert measuring(ENVIRON) == {
        "CUDA_VISIBLE_DEVICES": "1",
        "OMP_NUM_THREADS": "2",
        "VLLM_ATTENTION_BACKEND": "FLASHINFER",
    }


def test_the_manifest_has_that_and_what_was_set_for_us_but_nothing_secret() -> None:
    found = kept(ENVIRON)
    assert "hunter2" not in str(found)
    assert found.keys() - measuring(ENVIRON).keys() == {
        "VLLM_NO_USAGE_STATS", "VGATE_CACHE__URL", "VGATE_ENGINE__EXTRA_ARGS", "VGATE_BATCH__MAX_BATCH_SIZE",
    }  # fmt: skip
    assert found["VGATE_CACHE__URL"] == "redis://***@h/0"
    assert found["VGATE_BATCH__MAX_BATCH_SIZE"] == "4"
