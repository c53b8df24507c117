"""The words of a leaderboard's page, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

SIDES = (
    "rank", "model", "composite", "by_weights", "mean", "win_rate", "strength", "out_of_ten",
    "record",
)  # fmt: skip
"""Heads of a leaderboard's columns: the words board_…"""

BOARD: Mapping[str, tuple[str, str]] = {
    "board_rank": ("Rank", "名次"),
    "board_model": ("Model", "模型"),
    "board_composite": ("Composite", "综合分"),
    "board_by_weights": ("Rank by weights", "权重变化时的名次"),
    "board_mean": ("Mean", "均值"),
    "board_win_rate": ("Win rate", "胜率"),
    "board_strength": ("Strength", "强度"),
    "board_out_of_ten": ("Wins in 10 against the first", "对第一名十次中的预期胜数"),
    "board_record": ("Wins / ties / losses", "胜 / 平 / 负"),
    "board_order": ("The board", "排行榜"),
    "board_rank_note": (
        (
            "A rank such as 1–3 is what the data leave open: all ranks of a column hold together "
            "with 95 %. Models with equal ranks belong together."
        ),
        "名次如 1–3 表示数据尚不能区分的范围；同一列的全部名次同时成立的把握为 95 %。名次相同的模型归为一组。",
    ),
    "board_possible": ("Possible ranks", "可能的名次"),
    "board_sort_note": ("Click a head to sort.", "点击表头可排序。"),
    "board_values": ("Values and what is known of them", "数值及其把握"),
    "board_values_note": (
        (
            "95 % intervals, the best on top, its possible rank in front. Two intervals that "
            "overlap may still be told apart, since all answered the same items: the ranks decide."
        ),
        "95 % 区间，最好的在上，前面是可能的名次。区间重叠的两个模型仍可能分出先后，因为题目相同：以名次为准。",
    ),
    "board_unranked": ("Not ranked", "未参与排名"),
    "board_unranked_note": (
        "These runs are not comparable with the others.",
        "这些运行与其他运行不可比。",
    ),
    "board_nobody": ("No model is ranked", "没有参与排名的模型"),
    "board_no_order": ("{n} models, no overall rank", "{n} 个模型，无总名次"),
    "board_alone": ("{name} is alone", "只有 {name}"),
    "board_first": ("{name} is first", "{name} 排名第一"),
    "board_tied": (
        "{name} leads; {n} more cannot be told apart from it",
        "{name} 领先，另有 {n} 个与其无法区分",
    ),
    "board_preliminary": ("preliminary", "初步"),
    "board_usable": ("usable", "可用"),
    "board_established": ("established", "稳固"),
    "board_preliminary_note": (
        "Fewer than 100 independent items, or more than half of the order is open.",
        "独立题目不足 100，或一半以上的先后尚不能确定。",
    ),
    "board_usable_note": (
        "Enough to choose by; more items would narrow the ranks.",
        "足以据此选择；题目更多时名次会更精确。",
    ),
    "board_established_note": (
        "At least 400 independent items, and at most a fifth of the order is open.",
        "独立题目不少于 400，且至多五分之一的先后尚不能确定。",
    ),
    "board_facts": ("{n} models ranked · {m} suites", "{n} 个模型参与排名 · {m} 个评测集"),
    "board_votes_facts": (
        "{n} votes · {items} items · {raters} raters",
        "{n} 次投票 · {items} 题 · {raters} 位评审",
    ),
    "board_open": ("{share} % of the order is open", "{share} % 的先后尚不能确定"),
    "board_no_weights": (
        (
            "No weights are declared, so there is no rank over all suites; the order is that of "
            "the mean."
        ),
        "未声明权重，因此没有总名次；按均值排列。",
    ),
    "board_win_rate_note": (
        "The win rate depends on which models take part.",
        "胜率取决于有哪些模型参与。",
    ),
    "board_not_looked_for": (
        "Not looked for in training data: {names}",
        "未检查训练数据：{names}",
    ),
    "board_matrix": ("Who beat whom", "相互胜负"),
    "board_matrix_note": (
        "How often the model of the row beat that of the column; a tie is half a win.",
        "行模型胜列模型的次数；平局各计一半。",
    ),
    "board_changes": ("Changes", "变化"),
    "board_digest": ("board digest", "榜单摘要"),
    "board_votes_digest": ("votes digest", "投票摘要"),
    "board_reason_no_run": ("no run on {suite}", "在 {suite} 上没有运行"),
    "board_reason_gold": (
        "{suite}: answered another version of the gold set ({theirs}, not {ours})",
        "{suite}：作答的是另一版本的题库（{theirs}，而非 {ours}）",
    ),
    "board_reason_prompts": (
        "{suite}: asked with other prompts ({what} differs)",
        "{suite}：提示不同（{what} 有别）",
    ),
    "board_reason_template": (
        "{suite}: another chat template ({theirs}, not {ours})",
        "{suite}：对话模板不同（{theirs}，而非 {ours}）",
    ),
    "board_reason_own_template": (
        "{suite}: not the model's own chat template ({theirs})",
        "{suite}：不是模型自带的对话模板（{theirs}）",
    ),
    "board_reason_coverage": (
        "{suite}: {n} of {total} items are answered and scored",
        "{suite}：{total} 题中只有 {n} 题作答并评分",
    ),
    "board_reason_signature": (
        "{suite}: measured by another metric ({theirs})",
        "{suite}：指标不同（{theirs}）",
    ),
    "board_reason_unpinned": (
        "the model is not pinned: its run has no digest of weights ({what})",
        "模型未固定：运行中没有权重摘要（{what}）",
    ),
    "board_reason_adapter": (
        "the adapter is not pinned: its run has no digest of it",
        "适配器未固定：运行中没有其摘要",
    ),
    "board_reason_leaked": (
        "{suite}: {n} gold items stand in its training data (limit {limit})",
        "{suite}：训练数据中有 {n} 道测试题（上限 {limit}）",
    ),
    "board_change_suite_added": ("{name}: new suite", "{name}：新评测集"),
    "board_change_suite_removed": ("{name}: suite removed", "{name}：评测集已移除"),
    "board_change_metric": (
        "{name}: decided by {after} instead of {before}",
        "{name}：决定指标由 {before} 改为 {after}",
    ),
    "board_change_signature": (
        "{name}: measured by {after} instead of {before}",
        "{name}：指标签名由 {before} 改为 {after}",
    ),
    "board_change_gold": (
        "{name}: another version of the gold set ({after} instead of {before})",
        "{name}：题库版本由 {before} 改为 {after}",
    ),
    "board_change_weight": (
        "{name}: weight {after} instead of {before}",
        "{name}：权重由 {before} 改为 {after}",
    ),
    "board_change_limits": (
        "other limits for taking part ({after} instead of {before})",
        "参与条件由 {before} 改为 {after}",
    ),
    "board_change_added": ("{name}: new, {after}", "{name}：新加入（{after}）"),
    "board_change_removed": (
        "{name}: no longer here, was {before}",
        "{name}：已不在榜（原 {before}）",
    ),
    "board_change_ranked": ("{name}: ranked now, {after}", "{name}：现已参与排名（{after}）"),
    "board_change_unranked": (
        "{name}: not ranked any more ({after}), was {before}",
        "{name}：不再参与排名（{after}），原 {before}",
    ),
    "board_change_replaced": (
        "{name}: another model under the same name ({after} instead of {before})",
        "{name}：同名的另一模型（{after}，原为 {before}）",
    ),
    "board_change_rank": (
        "{name}: rank {after} instead of {before}",
        "{name}：名次由 {before} 变为 {after}",
    ),
}
