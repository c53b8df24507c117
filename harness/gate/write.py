"""Write a gate's decision: JUnit XML for CI, Markdown for a pull request, JSON for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from harness.gate.decide import EXIT_CODES, Answer, Decision
from harness.store import write_json, write_text

SIGNS: Mapping[Answer, str] = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}


def as_json(decision: Decision) -> dict[str, object]:
    """Return a decision as plain values."""
    return {
        "policy": decision.policy,
        "answer": decision.answer,
        "exit_code": EXIT_CODES[decision.answer],
        "candidates": {name: decision.answer_of(name) for name in decision.candidates},
        "findings": [asdict(finding) for finding in decision.findings],
    }


def as_markdown(decision: Decision) -> str:
    """Return a summary that fits into a pull request."""
    lines = [f"## {SIGNS[decision.answer]} Gate {decision.policy}: {decision.answer}", ""]
    for candidate in decision.candidates:
        lines += [
            f"### {SIGNS[decision.answer_of(candidate)]} {_cell(candidate)}",
            "",
            "| | asked | found |",
            "|---|---|---|",
        ]
        lines += [
            f"| {SIGNS[f.answer]} | {_cell(f.name)} | {_cell(f.text)} |"
            for f in decision.findings
            if f.candidate == candidate
        ]
        lines.append("")
    return "\n".join(lines)


def as_text(decision: Decision) -> str:
    """Return the decision for a terminal."""
    words: Mapping[Answer, str] = {"pass": "pass", "fail": "FAIL", "inconclusive": "?   "}
    lines: list[str] = []
    for candidate in decision.candidates:
        lines.append(f"{candidate}: {decision.answer_of(candidate)}")
        own = [f for f in decision.findings if f.candidate == candidate]
        width = max(len(f.name) for f in own)
        lines += [f"  {words[f.answer]}  {f.name:<{width}}  {f.text}" for f in own]
    lines.append(f"Gate {decision.policy}: {decision.answer}")
    return "\n".join(lines)


def write_junit(decision: Decision, file: Path) -> None:
    """Write JUnit XML: a suite per candidate, a case per finding; inconclusive is an error."""
    from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

    xml = JUnitXml(f"tunemark gate {decision.policy}")
    for candidate in decision.candidates:
        suite = TestSuite(candidate)
        for finding in decision.findings:
            if finding.candidate != candidate:
                continue
            case = TestCase(finding.name, f"{decision.policy}.{candidate}")
            case.system_out = finding.text
            if finding.answer == "fail":
                case.result = [Failure(finding.text)]
            elif finding.answer == "inconclusive" and decision.inconclusive != "pass":
                case.result = [Error(f"inconclusive: {finding.text}")]
            suite.add_testcase(case)
        xml.add_testsuite(suite)
    xml.update_statistics()
    file.parent.mkdir(parents=True, exist_ok=True)
    xml.write(str(file), pretty=True)


def write_files(
    decision: Decision, *, junit: Path | None, markdown: Path | None, json: Path | None
) -> None:
    """Write whichever files are asked for."""
    if junit is not None:
        write_junit(decision, junit)
    if markdown is not None:
        write_text(markdown, as_markdown(decision))
    if json is not None:
        write_json(json, as_json(decision))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
