"""What a tokenizer does to texts, and that added tokens leave the old ones alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from finetune.vocab_add import AddedVocabulary, add_vocabulary, read_tokens
from finetune.vocab_audit import audit, candidates, read_texts
from harness.errors import DataError, InputError
from harness.store import read_json
from tests.finetune.support import small_tokenizer, tiny_model

ENGLISH = ["Take Xylophrenol twice. The Xylophrenol helps."] * 3
CHINESE = ["服用维洛林片缓释胶囊。", "维洛林片每天一次。", "请停用维洛林片。"]
N_OLD = len(small_tokenizer())


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return small_tokenizer()


def test_tokens_are_counted_by_language(tokenizer: Any) -> None:
    report, _ = audit([*ENGLISH, *CHINESE], tokenizer)
    latin, zh = report.fits

    texts = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in ENGLISH]
    assert (latin.language, zh.language) == ("latin", "zh")
    assert latin.tokens == sum(map(len, texts))
    assert (latin.words, latin.characters) == (18, 3 * len(ENGLISH[0]))
    assert latin.tokens_per_word == round(latin.tokens / 18, 4)
    assert zh.words == sum(len(text) - 1 for text in CHINESE)  # the full stops are no words


def test_characters_that_are_spelt_in_bytes_are_told(tokenizer: Any) -> None:
    report, _ = audit(["龘龘龘", "dose"], tokenizer)

    assert [fit.byte_share for fit in report.fits] == [0.0, 1.0]


def test_characters_that_are_lost_are_told() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel({"<unk>": 0, "dose": 1}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    words = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")

    report, _ = audit(["dose dose dose what"], words)

    assert report.fits[0].unknown_share == 0.25


def test_candidates_are_whole_words_with_their_space(tokenizer: Any) -> None:
    found = {split.text: split for split in candidates(ENGLISH, tokenizer)}

    split = found[" Xylophrenol"]
    assert split.count == 6
    assert split.saving == 6 * (len(split.pieces) - 1)
    assert "".join(split.pieces) == "ĠXylophrenol"


def test_chinese_candidates_are_not_parts_that_never_stand_alone(tokenizer: Any) -> None:
    found = {split.text for split in candidates(CHINESE * 2, tokenizer)}

    assert "维洛林片" in found
    assert not {"维洛", "洛林", "维洛林", "洛林片"} & found


def test_the_saving_is_what_tokenising_again_gives(tokenizer: Any) -> None:
    report, found = audit(ENGLISH * 4, tokenizer)

    best = report.savings[-1]
    grown = small_tokenizer()
    grown.add_tokens([split.text for split in found[: best.added]])
    before = sum(len(tokenizer.encode(t, add_special_tokens=False)) for t in ENGLISH * 4)
    after = sum(len(grown.encode(t, add_special_tokens=False)) for t in ENGLISH * 4)
    assert 0 < best.tokens == before - after
    assert best.share == round(1 - after / before, 4)
    assert len(tokenizer) == report.vocabulary  # the tokenizer itself is as it was


def test_rows_of_jsonl_are_read_without_their_roles(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": "x", "messages": [{"role": "user", "content": "one\\ntwo"}]}\n')
    lines = tmp_path / "lines.txt"
    lines.write_text("three\n\nfour\n")

    assert read_texts([rows, lines]) == ["one", "two", "three", "four"]


def test_no_text_is_an_error(tokenizer: Any) -> None:
    with pytest.raises(DataError, match="hold no text"):
        audit(["", "  "], tokenizer)


def grow(
    folder: Path, tokens: list[str], *, tied: bool = False, **options: Any
) -> tuple[AddedVocabulary, Any, Any]:
    """Add tokens to the tiny model; return the report, the old model and the new one."""
    tokenizer = small_tokenizer()
    old = tiny_model(tokenizer)
    if tied:
        torch.manual_seed(0)
        config = LlamaConfig.from_dict({**old.config.to_dict(), "tie_word_embeddings": True})
        old = LlamaForCausalLM(config).eval()
    old.save_pretrained(folder / "old")
    tokenizer.save_pretrained(folder / "old")
    found = add_vocabulary(folder / "old", tokens, folder / "new", name="tiny", **options)
    return found, old, AutoModelForCausalLM.from_pretrained(folder / "new").eval()


@pytest.mark.parametrize("tied", [False, True])
def test_new_rows_are_the_mean_of_their_pieces(tied: bool, tmp_path: Path) -> None:
    token = " Xylophrenol"

    found, old, new = grow(tmp_path, [token], tied=tied)

    pieces = small_tokenizer()(token, add_special_tokens=False)["input_ids"]
    row = found.added[0].id
    for before, after in (
        (old.get_input_embeddings(), new.get_input_embeddings()),
        (old.get_output_embeddings(), new.get_output_embeddings()),
    ):
        assert torch.equal(after.weight[:N_OLD], before.weight)
        torch.testing.assert_close(after.weight[row], before.weight[pieces].mean(dim=0))
    assert found.is_tied is tied


@pytest.mark.parametrize("tied", [False, True])
def test_old_tokens_have_the_logits_that_they_had(tied: bool, tmp_path: Path) -> None:
    found, old, new = grow(tmp_path, [" Xylophrenol", "维洛林片"], tied=tied)

    ids = torch.arange(3, 60).reshape(3, 19)
    with torch.no_grad():
        before, after = old(ids).logits, new(ids).logits
    assert float((after[..., :N_OLD] - before).abs().max()) <= 1e-6
    assert found.largest_change <= 1e-6


def test_rows_are_padded_and_the_new_ones_named_for_training(tmp_path: Path) -> None:
    found, _, new = grow(tmp_path, [" Xylophrenol", "维洛林片"], multiple=128)

    assert (found.rows_before, found.rows_after) == (N_OLD, 512)
    assert new.get_input_embeddings().weight.shape[0] == 512
    assert new.config.vocab_size == 512
    assert found.trainable_token_indices == (N_OLD, N_OLD + 1)
    assert read_json(tmp_path / "new" / "added_vocabulary.json") == found.model_dump(mode="json")


def test_the_new_tokenizer_cuts_the_tokens_as_one_and_writes_them_back(tmp_path: Path) -> None:
    grow(tmp_path, [" Xylophrenol", "维洛林片"])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "new")

    text = "Take Xylophrenol, 服用维洛林片。"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert {N_OLD, N_OLD + 1} <= set(ids)
    assert tokenizer.decode(ids) == text


def test_peft_trains_the_rows_that_are_named_and_no_other(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    found, _, new = grow(tmp_path, [" Xylophrenol"], tied=True)
    before = new.get_input_embeddings().weight.detach().clone()
    tuned = get_peft_model(
        new,
        LoraConfig(
            target_modules=["q_proj"], trainable_token_indices=list(found.trainable_token_indices)
        ),
    )
    optimizer = torch.optim.SGD([p for p in tuned.parameters() if p.requires_grad], lr=1.0)
    row = found.trainable_token_indices[0]
    tuned(torch.tensor([[5, row, 7]]), labels=torch.tensor([[5, row, 7]])).loss.backward()
    optimizer.step()
    merged: Any = tuned.merge_and_unload()  # pyright: ignore[reportCallIssue]
    after = merged.get_input_embeddings().weight

    changed = (after != before).any(dim=1).nonzero().flatten().tolist()
    assert changed == [row]


def test_tokens_that_are_there_already_are_told(tmp_path: Path) -> None:
    found, _, _ = grow(tmp_path, ["a", " Xylophrenol"])

    assert found.known == ("a",)
    assert [added.token for added in found.added] == [" Xylophrenol"]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [(["a"], "single tokens of tiny already"), (["caféx"], "cannot write back 'caféx'")],
)
def test_tokens_that_cannot_be_added_are_refused(
    tokens: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        grow(tmp_path, tokens)

    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "file").touch()

    with pytest.raises(InputError, match="not empty"):
        grow(tmp_path, [" Xylophrenol"])


@pytest.mark.parametrize(
    ("text", "message"),
    [("a\nb\na\n", ":3: 'a' is on line 1"), ("a\n  \n", ":2: only spaces"), ("\n", "no token")],
)
def test_wrong_lines_are_named(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens.txt"
    file.write_text(text)

    with pytest.raises(DataError, match=message):
        read_tokens(file)


def test_the_space_before_a_token_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "tokens.txt"
    file.write_text(" dose\r\n维洛林片\n")

    assert read_tokens(file) == [" dose", "维洛林片"]


@pytest.mark.model
def test_the_real_model_keeps_its_logits(smollm2: Path, tmp_path: Path) -> None:
    tokens = ["维洛林片", " Quelvadine", "当日就诊"]
    found = add_vocabulary(smollm2, tokens, tmp_path / "new", name="smollm2")

    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    ids = torch.tensor([tokenizer("The capital of France is Paris. 今天天气很好。")["input_ids"]])
    before = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32)
    after = AutoModelForCausalLM.from_pretrained(tmp_path / "new", dtype=torch.float32)
    with torch.no_grad():
        old, new = before(ids).logits, after(ids).logits
    assert float((new[..., :49152] - old).abs().max()) <= 1e-6
    assert found.trainable_token_indices == (49152, 49153, 49154)
    grown = AutoTokenizer.from_pretrained(tmp_path / "new")
    text = "服用维洛林片, take Quelvadine now"
    assert grown.decode(grown(text)["input_ids"]) == text
