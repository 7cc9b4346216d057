import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from audit.standalone import PARTS, standalone_verifier
from tests.audit.world import CHECKPOINT_KEY, ORIGIN, STRANGER_KEY, VKEY, members_of

SOURCE = standalone_verifier()


@pytest.fixture
def folder(tmp_path: Path, later: bytes) -> Path:
    """What an auditor has: the bundle, and the verifier taken out of it, in a folder of their own."""
    (tmp_path / "x.evidence.tar").write_bytes(later)
    (tmp_path / "verify.py").write_bytes(members_of(later)["verify.py"])
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Isolated mode: neither this folder nor the environment is on the import path."""
    command = [sys.executable, "-I", "verify.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_file_imports_the_standard_library_and_cryptography_only() -> None:
    nodes = list(ast.walk(ast.parse(SOURCE)))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    foreign = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names

    assert foreign == {"cryptography"}


def test_no_part_takes_a_name_that_another_part_uses() -> None:
    defined = Counter[str]()
    for node in ast.parse(SOURCE).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined[node.name] += 1
        elif isinstance(node, ast.Assign):
            defined.update(target.id for target in node.targets if isinstance(target, ast.Name))

    assert [name for name, times in defined.items() if times > 1] == []


def test_every_part_is_in_the_file() -> None:
    assert [f"# ----- audit/{name}.py" in SOURCE.decode() for name in PARTS] == [True] * len(PARTS)
    assert "from audit" not in SOURCE.decode()


def test_a_good_bundle_is_verified_by_the_file_inside_it(folder: Path) -> None:
    done = run(folder, "x.evidence.tar", "--key", str(VKEY))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"verified: 7 events, leaves 5 to 11 of {ORIGIN}\n")


def test_a_changed_bundle_is_refused_by_the_file_inside_it(folder: Path, later: bytes) -> None:
    at = later.index(b'"payload":"') + 200
    (folder / "x.evidence.tar").write_bytes(later[:at] + bytes([later[at] ^ 1]) + later[at + 1 :])

    done = run(folder, "x.evidence.tar", "--key", str(VKEY))

    assert done.returncode == 1
    assert "NOT VERIFIED" in done.stdout


def test_another_key_refuses_the_bundle(folder: Path) -> None:
    assert CHECKPOINT_KEY.key_id != STRANGER_KEY.key_id

    done = run(folder, "x.evidence.tar", "--key", str(STRANGER_KEY.vkey(ORIGIN)))

    assert done.returncode == 1
    assert "no signature on the note is by a key that is trusted" in done.stdout
