"""The gate as a user's CI runs it: in a git repository, on what the demo's models answered."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from junitparser import JUnitXml

from harness.store import RunFolder, run_folder
from harness.suite import load_suite

POLICY = """\
name: clinic-release
suites: [suites/clinic-en, suites/retention]
baseline: {{clinic-en: {clinic}, retention: {retention}}}
primary:
- {{suite: clinic-en, metric: token_f1, require: improved}}
- {{suite: retention, metric: contains, require: no worse, margin: 0.05}}
inconclusive: inconclusive
"""


@pytest.fixture
def repository(demo_runs: Path, ROOT: Path, tmp_path: Path) -> Path:
    """Return a repository with suites, runs, a policy and its pinned baseline, committed."""
    for name in ("clinic-en", "retention"):
        shutil.copytree(ROOT / "suites" / name, tmp_path / "suites" / name)
    policy = POLICY.format(
        clinic=run(demo_runs, "clinic-en", "base"), retention=run(demo_runs, "retention", "base")
    )
    (tmp_path / "gate.yaml").write_text(policy, encoding="utf-8")
    assert tunemark(tmp_path, "gate", "gate.yaml", "--pin").returncode == 0
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Release candidate"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    return tmp_path


def run(runs: Path, suite: str, configuration: str) -> Path:
    found = next((runs / suite).glob(f"{configuration}-*"))
    return found.relative_to(runs.parent)


def tunemark(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from harness.cli import main; main()"
    command = [sys.executable, "-c", code, *(str(a) for a in arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def gate(repository: Path, configuration: str) -> subprocess.CompletedProcess[str]:
    runs = [run(repository / "runs", suite, configuration) for suite in ("clinic-en", "retention")]
    files = ["--junit", "gate.xml", "--markdown", "gate.md"]
    return tunemark(repository, "gate", "gate.yaml", *runs, *files)


def test_the_adapter_that_kept_its_knowledge_passes(repository: Path) -> None:
    result = gate(repository, "lora-r16-replay")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Gate clinic-release: pass" in result.stdout
    assert JUnitXml.fromfile(str(repository / "gate.xml")).failures == 0
    assert "✅ Gate clinic-release: pass" in (repository / "gate.md").read_text(encoding="utf-8")


def test_the_over_trained_adapter_fails_for_what_it_forgot(repository: Path) -> None:
    result = gate(repository, "lora-excess")

    assert result.returncode == 3, result.stdout + result.stderr
    assert "FAIL  retention contains no worse" in result.stdout
    assert JUnitXml.fromfile(str(repository / "gate.xml")).failures == 1


def test_twenty_items_of_retention_are_inconclusive(repository: Path) -> None:
    for configuration in ("base", "lora-r16-replay"):
        keep_only(repository, 20, configuration)
    policy = repository / "gate.yaml"
    base = run(repository / "runs", "retention", "base")
    lines = policy.read_text(encoding="utf-8").splitlines()
    lines[2] = lines[2].rpartition("retention:")[0] + f"retention: {base}}}"
    policy.write_text("\n".join(lines), encoding="utf-8")
    tunemark(repository, "gate", "gate.yaml", "--pin")

    result = gate(repository, "lora-r16-replay")

    assert result.returncode == 4, result.stdout + result.stderr
    assert "n 20, margin 0.05; 20 items would show" in result.stdout


def keep_only(repository: Path, n: int, configuration: str) -> None:
    """Cut the retention suite to its first items, and a run to what it answered of them."""
    gold = repository / "suites" / "retention" / "gold.jsonl"
    lines = gold.read_text(encoding="utf-8").splitlines(keepends=True)
    gold.write_text("".join(lines[:n]), encoding="utf-8")
    (gold.parent / "gold.lock.json").unlink(missing_ok=True)
    suite = load_suite(gold.parent)
    old = RunFolder(path=repository / run(repository / "runs", "retention", configuration))
    identity = {**old.manifest["identity"], "gold": suite.gold_digest}
    part = run_folder(repository / "runs", "retention", configuration, identity)
    part.create(identity, old.manifest["provenance"])
    answers = old.completions()
    with part.append_completions() as writer:
        for record in suite.gold:
            writer.write(answers[record.id].model_dump(mode="json"))
    shutil.rmtree(old.path)
