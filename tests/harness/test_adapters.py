from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.adapters import load_adapter
from harness.errors import AdapterError
from harness.models import ModelSource


@pytest.fixture
def model(model_folder: Path) -> ModelSource:
    return ModelSource(name="tiny", path=model_folder, digest="d")


def test_an_adapter_that_fits_is_read(adapter_folder: Any, model: ModelSource) -> None:
    adapter = load_adapter("lora", adapter_folder(rank=4), model, max_rank=64)

    assert (adapter.name, adapter.rank) == ("lora", 4)


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_missing_file_is_named(adapter_folder: Any, model: ModelSource, missing: str) -> None:
    folder = adapter_folder()
    (folder / missing).unlink()

    with pytest.raises(AdapterError, match=f"no {missing}; give the folder of a PEFT LoRA"):
        load_adapter("lora", folder, model, max_rank=64)


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path, model: ModelSource) -> None:
    with pytest.raises(AdapterError, match=r"no adapter_config\.json"):
        load_adapter("lora", tmp_path / "none", model, max_rank=64)


def test_a_rank_above_the_engines_limit_is_refused(adapter_folder: Any, model: ModelSource) -> None:
    with pytest.raises(AdapterError, match="rank 128 is above 64, the engine's limit"):
        load_adapter("lora", adapter_folder(rank=128), model, max_rank=64)


def test_the_largest_rank_of_any_layer_counts(adapter_folder: Any, model: ModelSource) -> None:
    folder = adapter_folder(rank=4)
    config = {"peft_type": "LORA", "r": 4, "rank_pattern": {"q": 16, "v": 2}}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")

    assert load_adapter("lora", folder, model, max_rank=64).rank == 16


def test_an_adapter_for_other_widths_is_refused(adapter_folder: Any, model: ModelSource) -> None:
    with pytest.raises(AdapterError, match=r"takes 16 inputs here, tiny has \[8, 8\]"):
        load_adapter("lora", adapter_folder(inputs=16), model, max_rank=64)


def test_an_adapter_for_other_layers_is_refused(adapter_folder: Any, model: ModelSource) -> None:
    with pytest.raises(AdapterError, match=r"layers\.7\.q\.weight .* tiny has no such layer"):
        load_adapter("lora", adapter_folder(layer="layers.7.q"), model, max_rank=64)


def test_a_base_whose_shapes_cannot_be_read_refuses_no_adapter(
    adapter_folder: Any, model: ModelSource
) -> None:
    (model.path / "model.safetensors").rename(model.path / "pytorch_model.bin")

    assert load_adapter("lora", adapter_folder(), model, max_rank=64).rank == 4


CONFIGS = {
    "not JSON": ("{", "not valid JSON"),
    "a list": ("[]", "expected a JSON object"),
    "another kind": ('{"peft_type": "IA3"}', "a IA3 adapter; only LORA is served"),
    "no kind": ("{}", "only LORA is served"),
}


@pytest.mark.parametrize(("text", "message"), CONFIGS.values(), ids=CONFIGS)
def test_a_wrong_config_is_told(
    adapter_folder: Any, model: ModelSource, text: str, message: str
) -> None:
    folder = adapter_folder()
    (folder / "adapter_config.json").write_text(text, encoding="utf-8")

    with pytest.raises(AdapterError, match=message):
        load_adapter("lora", folder, model, max_rank=64)


WEIGHTS = {
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 5\n",
    "empty": b"",
    "cut in the header": (200).to_bytes(8, "little") + b'{"a": ',
    "a header that is not JSON": (2).to_bytes(8, "little") + b"xx",
    "a header that is a list": (2).to_bytes(8, "little") + b"[]",
    "a tensor without shape": (9).to_bytes(8, "little") + b'{"a": {}}',
}


@pytest.mark.parametrize("content", WEIGHTS.values(), ids=WEIGHTS)
def test_unreadable_weights_are_told(
    adapter_folder: Any, model: ModelSource, content: bytes
) -> None:
    folder = adapter_folder()
    (folder / "adapter_model.safetensors").write_bytes(content)

    with pytest.raises(AdapterError, match="not a readable safetensors file"):
        load_adapter("lora", folder, model, max_rank=64)


def test_metadata_in_the_weights_is_no_tensor(
    adapter_folder: Any, model: ModelSource, safetensors: Callable[..., None]
) -> None:
    folder = adapter_folder()
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    (folder / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)

    assert load_adapter("lora", folder, model, max_rank=64).name == "lora"
