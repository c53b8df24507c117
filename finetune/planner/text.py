"""Plans as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.lints import Finding
from finetune.planner.report import MemoryPlan
from finetune.planner.runs import Past
from harness.cli.tables import plain_table

RUNGS = 8


def plan_text(plan: MemoryPlan, findings: Sequence[Finding]) -> str:
    """Return one plan: components, range, levers, what fits, what serving takes, the lints."""
    parts = [_head(plan), _components(plan), _ladder(plan), _device(plan), _serving(plan)]
    parts += [str(finding) for finding in findings]
    return "\n".join(part for part in parts if part) + "\n"


def history_text(past: Sequence[Past]) -> str:
    """Return predicted and measured memory of trainings that ran."""
    rows = [
        {
            "training": run.name,
            "predicted": size(run.predicted),
            "range": f"{size(run.low)} to {size(run.high)}",
            "measured": size(run.measured),
            "error": f"{run.error:+.0%}".replace("-", "−"),
        }
        for run in past
    ]
    inside = sum(run.low <= run.measured <= run.high for run in past)
    table = plain_table(("training", "predicted", "range", "measured", "error"), rows)
    return f"{table}{inside} of {len(past)} within the range\n"


def size(n_bytes: float) -> str:
    """Format bytes for people."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if abs(n_bytes) >= unit:
            value = n_bytes / unit
            return f"{value:.2f} {name}" if value < 10 else f"{value:.1f} {name}"
    return f"{n_bytes:.0f} B"


def _head(plan: MemoryPlan) -> str:
    architecture, shape = plan.architecture, plan.shape
    share = plan.n_trained / architecture.n_parameters
    trained = f"{plan.n_trained:,} trained ({share:.2%})"
    file = f", adapter file {plan.adapter_bytes:,} bytes" if plan.adapter_bytes else ""
    divided = f", {plan.devices.n} devices, ZeRO stage {plan.devices.stage}"
    return (
        f"{plan.name}: {architecture.family}, {architecture.n_parameters:,} parameters, "
        f"{trained}{file}\n"
        f"{shape.method} {shape.weights}, {shape.micro_batch} × {shape.sequence} tokens, "
        f"{shape.loss_share:.0%} of them learnt, "
        f"{shape.optimizer}, {shape.attention} attention, checkpointing "
        f"{'on' if shape.checkpointing else 'off'}, as {shape.stack.name} trains"
        f"{divided if plan.devices.n > 1 else ''}"
    )


def _components(plan: MemoryPlan) -> str:
    memory = plan.memory
    rows: list[dict[str, object]] = [
        {
            "component": c.name,
            "memory": size(c.n_bytes),
            "share": f"{c.n_bytes / memory.expected:.0%}",
            "what": c.what,
        }
        for c in memory.components
    ]
    table = plain_table(("component", "memory", "share", "what"), rows)
    device = "resident" if plan.shape.on_cpu else "each device"
    return (
        f"{table}Expected {size(memory.expected)} ({size(memory.low)} to {size(memory.high)}), "
        f"{device}"
    )


def _ladder(plan: MemoryPlan) -> str:
    if not plan.rungs:
        return ""
    rows: list[dict[str, object]] = [
        {
            "one change": rung.change,
            "then": size(rung.n_bytes),
            "saves": size(rung.saving).replace("-", "−"),
            "costs": rung.cost,
        }
        for rung in plan.rungs[:RUNGS]
    ]
    table = plain_table(("one change", "then", "saves", "costs"), rows)
    lever = plan.lever
    told = f"Largest lever: {lever.change}, {size(lever.saving)} less" if lever else ""
    return f"{table}{told}"


def _device(plan: MemoryPlan) -> str:
    if plan.capacity is None or plan.fit is None:
        return ""
    fit, shape = plan.fit, plan.shape
    verdict = "fits" if fit.fits else "does NOT fit"
    text = (
        f"{verdict} {size(plan.capacity)} (judged by the upper end). Longest row at micro-batch "
        f"{shape.micro_batch}: {fit.longest:,} tokens; largest micro-batch at {shape.sequence} "
        f"tokens: {fit.largest:,}"
    )
    if plan.needed and not shape.on_cpu:
        ways = ", ".join(f"{way} {n or 'no number'}" for way, n in plan.needed.items())
        text += f"\nDevices of that size needed: {ways}"
    return text


def _serving(plan: MemoryPlan) -> str:
    serving = plan.serving
    if serving is None or plan.shape.on_cpu:
        return ""
    return (
        f"Serving there in bfloat16: KV cache {serving.bytes_per_token:,} bytes a token, room for "
        f"{serving.tokens:,} tokens, {serving.requests:,} requests of {serving.length} at once"
    )
