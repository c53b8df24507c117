"""The architecture of a family without a layout of ours: built by transformers, without weights."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from finetune.planner.architecture import Architecture, Matrix, Part
from harness.errors import MissingExtraError, ModelError
from harness.models import CONTEXT_NAMES


def build_empty(config: Mapping[str, Any], *, where: str) -> Any:
    """Return a model whose parameters have shapes and no memory.

    Raises:
        ModelError: transformers does not know the family.
        MissingExtraError: transformers is not installed.
    """
    family = str(config.get("model_type"))
    try:
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM
    except ImportError:
        raise MissingExtraError(f"{where}: counting a {family!r} model", "hf") from None
    try:
        parsed = AutoConfig.for_model(**dict(config))
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(parsed)
    except (KeyError, ValueError, ImportError, AttributeError, TypeError) as error:
        raise ModelError(
            f"{where}: a {family!r} model can neither be counted here nor built by transformers: "
            f"{str(error).splitlines()[0][:200]}"
        ) from None


def architecture_by_building(config: Mapping[str, Any], *, where: str) -> Architecture:
    """Return the architecture of any decoder that transformers can build.

    Raises:
        ModelError, MissingExtraError: it cannot.
    """
    model = build_empty(config, where=where)
    parsed = model.config.get_text_config()
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    if embedding is None or head is None:
        raise ModelError(f"{where}: this is not a model that writes text")
    names = {module: name for name, module in model.named_modules()}
    matrices = _matrices(model, head)
    counted = sum(matrix.n_parameters for matrix in matrices) + embedding.weight.numel()
    is_tied = head.weight is embedding.weight
    counted += 0 if is_tied else head.weight.numel()
    heads = int(parsed.num_attention_heads)
    mlp = [m for m in matrices if m.part == "mlp" and m.n_out == parsed.hidden_size]
    return Architecture(
        family=str(config["model_type"]),
        n_layers=int(parsed.num_hidden_layers),
        width=int(parsed.hidden_size),
        vocabulary=int(embedding.weight.shape[0]),
        n_heads=heads,
        n_kv_heads=int(getattr(parsed, "num_key_value_heads", None) or heads),
        head_width=int(getattr(parsed, "head_dim", None) or parsed.hidden_size // heads),
        mlp_width=max((m.n_in for m in mlp), default=4 * int(parsed.hidden_size)),
        is_gated=any("gate" in m.name for m in matrices),
        has_tied_head=is_tied,
        matrices=tuple(matrices),
        n_norms=2,
        n_other=sum(p.numel() for p in model.parameters()) - counted,
        embedding_path=names[embedding],
        head_path=names[head],
        context=next(
            (int(v) for key in CONTEXT_NAMES if (v := getattr(parsed, key, None)) is not None),
            None,
        ),
    )


def _matrices(model: Any, head: Any) -> list[Matrix]:
    """Group the linear layers of all layers by name and shape."""
    import torch
    from transformers.pytorch_utils import Conv1D

    groups: dict[tuple[str, int, int, bool], list[int]] = defaultdict(list)
    for name, module in model.named_modules():
        found = re.search(r"\.(\d+)\.", name)
        is_linear = isinstance(module, torch.nn.Linear | Conv1D)
        if module is head or not is_linear or found is None:
            continue
        rows, columns = module.weight.shape
        n_in, n_out = (rows, columns) if isinstance(module, Conv1D) else (columns, rows)
        path = name[: found.start(1)] + "{layer}" + name[found.end(1) :]
        groups[path, n_in, n_out, getattr(module, "bias", None) is not None].append(
            int(found.group(1))
        )
    return [
        Matrix(path=path, n_in=a, n_out=b, has_bias=bias, layers=tuple(layers), part=_part(path))
        for (path, a, b, bias), layers in groups.items()
    ]


def _part(path: str) -> Part:
    return "attention" if "attn" in path or "attention" in path else "mlp"
