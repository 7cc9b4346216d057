"""docs/how-to/upgrade-the-library.md on real git: what is ours comes, what is theirs stays, and conflicts are only real ones."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.workbench.data_files import policy_data

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "upgrade-the-library.md"
ONCE, EACH_TIME = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
OWN_RULE = "policies/rules/house/own/own.rego"


def run(script: str, repository: Path, library: Path) -> subprocess.CompletedProcess[str]:
    """A block of the guide in the shell, as its reader would run it."""
    names = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.test"}
    names |= {
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.test",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    return subprocess.run(
        ["bash", "-ec", script],
        cwd=repository,
        env={**os.environ, **names, "LIBRARY": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Our library, the version somebody began with."""
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "first"))


@pytest.fixture
def repository(tmp_path: Path, first: Path) -> Path:
    """Somebody's repository: our library, changed in their places, with a rule of their own and without our branch."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    shutil.copytree(first, folder / "policies")
    edit(folder / "policies/data/params.yaml", "BLAST-001:", "BLAST-001: # our limit")
    (folder / "policies/data/modes.yaml").write_text("modes: {TEXT-005: {mode: shadow}}\n", encoding="utf-8")
    (folder / OWN_RULE).parent.mkdir(parents=True)
    (folder / OWN_RULE).write_text("package rules.house.own\n", encoding="utf-8")
    (folder / "README.md").write_text("Ours.\n", encoding="utf-8")
    done = run("git init -q -b main; git add -A; git commit -q -m Ours", folder, first)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def second(tmp_path: Path, first: Path) -> Path:
    """Our next version: a changed gate, a new rule, a rule gone, a new parameter."""
    folder = Path(shutil.copytree(first, tmp_path / "second"))
    gate = folder / "gate" / "gate.rego"
    gate.write_text(gate.read_text(encoding="utf-8") + "\n# The next version.\n", encoding="utf-8")
    (folder / "rules/flow/next").mkdir()
    (folder / "rules/flow/next/next.rego").write_text("package rules.flow.next\n", encoding="utf-8")
    shutil.rmtree(folder / "rules/text/shell")
    params = folder / "data" / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8") + "  FLOW-900:\n    most: 3\n", encoding="utf-8")
    return folder


def content(repository: Path, name: str) -> str:
    return (repository / name).read_text(encoding="utf-8")


def test_an_upgrade_brings_what_is_ours_and_keeps_what_is_theirs(
    repository: Path, first: Path, second: Path
) -> None:
    before = content(repository, "policies/data/params.yaml")
    begun = run(ONCE, repository, first)
    assert begun.returncode == 0, begun.stderr
    assert content(repository, "policies/data/params.yaml") == before
    assert content(repository, "README.md") == "Ours.\n"

    done = run(EACH_TIME, repository, second)

    assert done.returncode == 0, done.stderr + done.stdout
    assert content(repository, "policies/gate/gate.rego").endswith("# The next version.\n")
    assert (repository / "policies/rules/flow/next/next.rego").is_file()
    assert not (repository / "policies/rules/text/shell").exists()
    assert (repository / OWN_RULE).is_file()
    merged = content(repository, "policies/data/params.yaml")
    assert "BLAST-001: # our limit" in merged
    assert merged.endswith("  FLOW-900:\n    most: 3\n")
    assert content(repository, "policies/data/modes.yaml") == "modes: {TEXT-005: {mode: shadow}}\n"
    assert policy_data(repository / "policies").params["FLOW-900"] == {"most": 3}


def test_the_same_version_again_changes_nothing(repository: Path, first: Path, second: Path) -> None:
    for script, library in ((ONCE, first), (EACH_TIME, second)):
        assert run(script, repository, library).returncode == 0
    head = run("git rev-parse main^{tree}", repository, second).stdout

    again = run(EACH_TIME.replace("commit -q", "commit -q --allow-empty"), repository, second)

    assert again.returncode == 0, again.stderr
    assert run("git rev-parse main^{tree}", repository, second).stdout == head


def test_lines_both_changed_are_a_conflict_and_nothing_is_lost(
    repository: Path, first: Path, second: Path
) -> None:
    edit(second / "data/params.yaml", "BLAST-001:", "BLAST-001: # their limit")
    assert run(ONCE, repository, first).returncode == 0

    done = run(EACH_TIME, repository, second)

    assert done.returncode != 0
    merged = content(repository, "policies/data/params.yaml")
    assert "# our limit" in merged
    assert "# their limit" in merged
    assert (
        run("git diff --name-only --diff-filter=U", repository, second).stdout
        == "policies/data/params.yaml\n"
    )
