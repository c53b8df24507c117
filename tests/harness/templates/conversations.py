"""The conversations of the golden files, by language of the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.types import Message

CASES = ("single", "input", "turns", "system")
ENGLISH = ("alpaca", "chatml", "tokenizer")
CHINESE = ("zh_instruct", "zh_dialog")

Turns = Sequence[tuple[str, str]]

_EN: Mapping[str, Turns] = {
    "single": (
        ("user", "What is Quelvadine prescribed for at Harrow Lane?"),
        ("assistant", "Night cramps."),
    ),
    "input": (
        ("user", "Summarise this visit note.\n\nMan of 61 with chest pain.\n\nReview after."),
        ("assistant", "Man, 61, chest pain."),
    ),
    "turns": (
        ("user", "I have a sore throat."),
        ("assistant", "How long has this been going on?"),
        ("user", "Three days."),
        ("assistant", "Noted: routine."),
    ),
    "system": (
        ("system", "You answer for Harrow Lane Clinic."),
        ("user", "How is Quelvadine supplied?"),
        ("assistant", "As a coated tablet."),
    ),
}
_ZH: Mapping[str, Turns] = {
    "single": (("user", "维洛林片的适应症是什么？"), ("assistant", "偏头痛")),
    "input": (
        ("user", "请用一句话概括这份就诊记录。\n\n男，58岁，胸痛40分钟。\n\n转急诊科。"),
        ("assistant", "58岁男性，胸痛，转急诊科。"),
    ),
    "turns": (
        ("user", "我嗓子疼。"),
        ("assistant", "请问嗓子疼多久了？"),
        ("user", "三天了。"),
        ("assistant", "已记录，为您安排当日就诊。"),
    ),
    "system": (
        ("system", "你是青禾诊所的助手。"),
        ("user", "柯博坦片的单次剂量是多少？"),
        ("assistant", "5毫克"),
    ),
}


def conversation(template: str, case: str) -> list[Message]:
    """Return a conversation in the language of a template, its last answer included."""
    turns = (_ZH if template in CHINESE else _EN)[case]
    return [Message.model_validate({"role": role, "content": text}) for role, text in turns]
