from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import doctor, machine
from harness.doctor import examine
from harness.machine import free_disk_bytes, peak_rss_bytes, this_machine


def test_the_machine_has_cores_and_memory() -> None:
    found = this_machine()

    assert found.cores >= 1
    assert 0 < found.available_bytes <= found.memory_bytes


def test_the_peak_of_this_process_is_tens_of_megabytes_at_least() -> None:
    assert peak_rss_bytes() > 10 * 2**20


def test_the_disk_of_a_folder_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    assert free_disk_bytes(tmp_path / "a" / "b") > 0


@pytest.mark.parametrize(
    ("code", "output", "gpus"),
    [(0, "NVIDIA A100\nNVIDIA A100\n", ("NVIDIA A100", "NVIDIA A100")), (9, "failed\n", ())],
)
def test_gpus_are_what_nvidia_smi_says(
    monkeypatch: pytest.MonkeyPatch, code: int, output: str, gpus: tuple[str, ...]
) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda name: name)
    monkeypatch.setattr(
        machine.subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=code, stdout=output)
    )

    assert machine._gpus() == gpus


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Fake the import of packages in child processes."""
    state = SimpleNamespace(code=0, stderr="")

    def run(*arguments: object, **options: object) -> SimpleNamespace:
        return SimpleNamespace(returncode=state.code, stderr=state.stderr, stdout="")

    this_machine()
    monkeypatch.setattr(doctor.subprocess, "run", run)
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "1.0")
    return state


def test_the_doctor_finds_whole_packages_well(imports: SimpleNamespace) -> None:
    found = {finding.what: finding for finding in examine()}

    assert (found["torch"].state, found["torch"].found) == ("ok", "1.0")


def test_the_doctor_tells_a_broken_package_with_its_last_words(imports: SimpleNamespace) -> None:
    imports.code, imports.stderr = 1, "Traceback\nImportError: libcuda"

    found = {finding.what: finding for finding in examine()}

    assert found["torch"].state == "broken"
    assert found["torch"].found == "1.0, but it does not import: ImportError: libcuda"
    assert found["torch"].mend


def test_the_doctor_tells_what_installs_a_missing_package(
    imports: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", missing)

    found = {finding.what: finding for finding in examine()}

    assert found["lm-eval"].state == "missing"
    assert found["lm-eval"].mend == "pip install 'tunemark[lm-eval]'"


def test_the_doctor_says_which_models_are_ready(imports: SimpleNamespace) -> None:
    found = {finding.what: finding for finding in examine()}

    assert found["model smollm2-135m-instruct"].state == "missing"
    assert "offline" in found["Hugging Face hub"].found


def test_every_fault_that_the_doctor_finds_has_its_mend(imports: SimpleNamespace) -> None:
    imports.code = 1

    assert all(finding.mend for finding in examine() if finding.state != "ok")


def test_git_state_outside_git_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness import provenance

    def fail(*arguments: str) -> str:
        raise subprocess.CalledProcessError(128, "git")

    monkeypatch.setattr(provenance, "_git", fail)

    assert provenance.git_state() is None
