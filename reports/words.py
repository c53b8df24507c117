"""Every word of the report and the viewer, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from harness.compare import Verdict
from reports.board_words import BOARD

Lang = Literal["en", "zh"]
LANGUAGES: Mapping[Lang, str] = {"en": "English", "zh": "中文"}

SYMBOLS: Mapping[Verdict, str] = {
    "improved": "▲",
    "regressed": "▼",
    "no worse": "●",
    "cannot tell": "?",
    "changed": "~",
}
"""A verdict's sign, so that colour is never the only one."""

WORDS: Mapping[str, tuple[str, str]] = {
    "report": ("Study report", "评测报告"),
    "overview": ("Overview", "总览"),
    "samples": ("Before and after", "前后对比"),
    "study": ("Study", "评测"),
    "language": ("Language", "语言"),
    "model": ("Base model", "基座模型"),
    "template": ("Chat template", "对话模板"),
    "engine": ("Engine", "推理引擎"),
    "created": ("Created", "生成时间"),
    "baseline": ("Baseline", "基线"),
    "configuration": ("Configuration", "配置"),
    "suite": ("Suite", "评测集"),
    "metric": ("Metric", "指标"),
    "value": ("Value", "数值"),
    "difference": ("Difference", "差值"),
    "lower_better": ("lower is better", "越低越好"),
    "reversed": ("lower is better: the axis runs backwards", "越低越好，横轴反向"),
    "verdict": ("Verdict", "结论"),
    "domain": ("domain", "领域能力"),
    "retention": ("retention", "通用能力"),
    "improved": ("improved", "提升"),
    "regressed": ("regressed", "退步"),
    "no worse": ("no worse", "未变差"),
    "cannot tell": ("cannot tell", "无法判断"),
    "changed": ("changed", "有变化"),
    "primary": ("primary", "主要指标"),
    "primary_note": (
        (
            "★ primary: these comparisons decide; their p-values are corrected for their number. "
            "The others describe."
        ),
        "★ 主要指标：由它们决定结论，p 值已按数量校正；其余指标仅供参考。",
    ),
    "decisive": ("The comparisons that decide", "决定性比较"),
    "forest_note": (
        (
            "Difference from the baseline on the same items, with its 95 % interval. Shaded: "
            "the margin within which a loss still counts as “no worse”. Right is better."
        ),
        "与基线在相同题目上的差值及 95 % 区间。阴影：退步仍视为“未变差”的容许范围。越靠右越好。",
    ),
    "tradeoff": ("Gain against forgetting", "收益与遗忘"),
    "tradeoff_note": (
        (
            "Right is better at the domain, up is better elsewhere. Whiskers are 95 % intervals; "
            "shaded: the margin of “no worse”."
        ),
        "越靠右领域越好，越靠上通用能力越好；须线为 95 % 区间，阴影为“未变差”的容许下降。",
    ),
    "tradeoff_table_note": (
        (
            "Changes are shares of the metric's range (of the baseline's value where it has none); "
            "above zero is better. Front: nothing else is at least as good in gain and retention "
            "and better in one of them; with costs: in time and memory too."
        ),
        (
            "变化为占指标量程的比例（无量程时为占基线数值的比例），大于零为更好。前沿：没有其他配置在收益与保持两方面"
            "都不差且至少一方面更好；含成本：时间与内存也计入。"
        ),
    ),
    "domain_gain": ("Domain gain", "领域收益"),
    "worst_retention": ("Worst retention", "通用能力最差变化"),
    "domain_axis": ("domain gain, mean of {n} primaries", "领域收益，{n} 个主要指标的均值"),
    "retention_axis": (
        "the one of {n} retention primaries that lost most",
        "{n} 个通用主要指标中变化最差者",
    ),
    "on_front": ("on the front", "位于前沿"),
    "beaten": ("another one is better", "有更优者"),
    "front": ("Front", "前沿"),
    "full_front": ("With costs", "含成本"),
    "time": ("Time", "用时"),
    "confirmation": ("Chosen on one part, confirmed on the other", "一部分题选择，另一部分题确认"),
    "confirmation_note": (
        (
            "{name} was chosen among {n}. The items kept apart had no part in the choice, so their "
            "figures are not flattered by it; those of all items, in the other tables, are."
        ),
        "{name} 从 {n} 个配置中选出。保留的题未参与选择，因此其数字不因挑选而偏高；其他表格使用全部题目，数字会偏高。",
    ),
    "confirmed": ("confirmed", "已确认"),
    "not_confirmed": ("not confirmed", "未获确认"),
    "where_chosen": ("Where it was chosen", "用于选择的题"),
    "kept_apart": ("On the items kept apart", "保留的题"),
    "seeds": ("Training seeds", "训练种子"),
    "seeds_note": (
        (
            "What the seed of training alone changes. Differences smaller than the deviation "
            "between seeds say nothing about configurations."
        ),
        "仅由训练种子引起的变化；小于种子间标准差的差异不能说明配置的优劣。",
    ),
    "mean": ("Mean", "均值"),
    "deviation": ("Deviation", "标准差"),
    "range": ("Range", "范围"),
    "by_seed": ("By seed", "各种子"),
    "results": ("All results", "全部结果"),
    "items": ("items", "题"),
    "gained_lost": ("Items ▲ / ▼", "题目 ▲ / ▼"),
    "coverage": ("Coverage", "覆盖率"),
    "no_answer_found": ("no answer found: {n} of {total}", "未找到答案：{total} 个中 {n} 个"),
    "margin": ("margin", "容许下降"),
    "clusters": ("{n} independent clusters", "{n} 个独立组"),
    "mde_note": ("{n} items would show {size} or more", "{n} 题可检出 ≥ {size} 的差异"),
    "health": ("Can these numbers be trusted?", "这些数字可信吗？"),
    "check_coverage": ("Coverage", "覆盖率"),
    "check_stop": ("Ended by itself", "自行结束"),
    "check_leaks": ("Leaks", "数据泄漏"),
    "check_adapter": ("Adapter at work", "适配器生效"),
    "check_template": ("Template", "模板"),
    "coverage_fine": ("every planned item is answered", "所有题目均已作答"),
    "coverage_bad": (
        "{missing} of {planned} answers are missing",
        "{planned} 个回答中缺 {missing} 个",
    ),
    "stop_fine": ("at least {lowest} of answers, everywhere", "各处均不低于 {lowest}"),
    "stop_bad": ("only {lowest}: {name} on {suite}", "仅 {lowest}：{name} 在 {suite} 上"),
    "stop_none": ("nothing was generated", "没有生成式题目"),
    "leaks_fine": ("no gold item is in the training data", "训练数据中没有测试题"),
    "leaks_bad": ("{n} gold items are in the training data", "训练数据中有 {n} 道测试题"),
    "leaks_which": ("Items that training has seen: {n}", "训练数据中出现过的题：{n} 道"),
    "without_leaks": ("Without these items", "去掉这些题后"),
    "leaked": ("leaked", "已泄漏"),
    "suspect": ("suspect", "可疑"),
    "leak_exact": ("the same text", "文本相同"),
    "leak_normalised": ("the same but for case and marks", "仅大小写或标点不同"),
    "leak_contained": ("inside a longer text", "包含在更长的文本中"),
    "leak_overlap": ("long runs in common", "有较长的相同片段"),
    "adapter_fine": (
        "every adapter moves the model (≥ {least} nats)",
        "所有适配器均改变模型（≥ {least} nats）",
    ),
    "adapter_none": ("not probed: {names}", "未探测：{names}"),
    "adapter_bad": ("no effect: {names}", "无效果：{names}"),
    "adapter_nothing": ("no adapters in this study", "本次评测没有适配器"),
    "template_unproven": (
        "{name}; no proof that training and serving give the same tokens",
        "{name}；没有训练与推理词元一致的证明",
    ),
    "template_fine": (
        "{name}: {n} training prompts gave the same tokens in serving",
        "{name}：{n} 个训练提示在推理时词元一致",
    ),
    "fine": ("ok", "正常"),
    "attention": ("attention", "注意"),
    "unknown": ("unknown", "未知"),
    "training": ("Training", "训练"),
    "settings_differ": ("Settings that differ are marked.", "有差异的设置已标出。"),
    "train_seconds": ("Training time", "训练时间"),
    "tokens_per_second": ("Training tokens/s", "训练 tokens/s"),
    "run_seconds": ("Evaluation time", "评测时间"),
    "peak_memory": ("Peak memory", "峰值内存"),
    "heldout_loss": ("Held-out loss by epoch", "各轮留出集损失"),
    "heldout_note": ("Epoch 0 is the untouched model.", "第 0 轮为未训练的模型。"),
    "epoch": ("epoch", "轮次"),
    "same_for_all": ("The same for all", "全部相同"),
    "failed": ("failed", "失败"),
    "telling": ("Telling samples", "代表性样本"),
    "telling_note": (
        "The largest losses and gains of each configuration on each suite.",
        "每个配置在各评测集上退步与提升最大的样本。",
    ),
    "all": ("All", "全部"),
    "losses": ("Losses", "退步"),
    "gains": ("Gains", "提升"),
    "changed_mode": ("Other words, same score", "文本变、分数同"),
    "both wrong": ("Both wrong", "前后皆错"),
    "show": ("Show", "显示"),
    "prompt": ("Prompt", "提问"),
    "system": ("System turn", "系统提示"),
    "reference": ("Reference", "参考答案"),
    "before": ("Before", "微调前"),
    "after": ("After", "微调后"),
    "choice": ("Choice", "选项"),
    "right_choice": ("right", "正确"),
    "chosen": ("chosen", "所选"),
    "logprob_note": ("log-likelihood in nats (per byte)", "对数似然 nats（每字节）"),
    "no_answer": ("no answer stored", "没有存储的回答"),
    "empty_answer": ("empty answer", "空回答"),
    "cut": ("cut at the token limit", "达到长度上限被截断"),
    "score": ("Score", "得分"),
    "change": ("Change", "变化"),
    "warnings": ("Warnings", "警告"),
    "provenance": ("Signatures and provenance", "指标签名与来源"),
    "signature": ("Signature", "签名"),
    "version": ("version", "版本"),
    "gold_digest": ("gold digest", "题库摘要"),
    "n_shown": ("{n} samples", "{n} 个样本"),
    "nothing_here": ("No sample fits. Try another filter.", "没有符合条件的样本，换个筛选试试。"),
    "no_samples": ("Samples cannot be shown: {problem}", "无法显示样本：{problem}"),
    "search": ("Search", "搜索"),
    "search_hint": ("words in prompts and answers", "提问或回答中的词"),
    "filter": ("Show", "显示"),
    "regressed_mode": ("Regressed", "退步"),
    "improved_mode": ("Improved", "提升"),
    "previous": ("Previous", "上一条"),
    "next": ("Next", "下一条"),
    "position": ("{i} of {n}", "第 {i} / {n} 条"),
    "download": ("Download as HTML", "下载 HTML 报告"),
    "read_samples": ("Read the answers", "查看回答"),
    "no_studies": ("No study here yet", "这里还没有评测"),
    "no_studies_how": (
        "Nothing was found under `{root}`. Run a study, then reload this page:",
        "在 `{root}` 下没有找到结果。先运行一次评测，再刷新本页：",
    ),
    "cannot_show": ("This study cannot be shown", "无法显示该评测"),
    "no_configurations": ("No finished configuration to compare.", "没有可比较的已完成配置。"),
    "measures": ("All metrics of this item", "该题全部指标"),
    "keep": ("Keep {name}", "保留 {name}"),
    "written_by": ("Written by Tunemark {version}", "由 Tunemark {version} 生成"),
    **BOARD,
}


def word(lang: Lang, key: str, **fields: object) -> str:
    """Return a text in a language with its fields filled in."""
    text = WORDS[key][0 if lang == "en" else 1]
    return text.format(**fields) if fields else text
