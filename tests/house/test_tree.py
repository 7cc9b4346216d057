"""The house rules that can be read off the tree."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {"gateway", "policies", "schemas", "audit", "tests", "docs", "docker"}
VAGUE = {
    "utils",
    "helpers",
    "common",
    "misc",
    "base",
    "manager",
    "handler",
    "handlers",
    "service",
    "services",
}
# Written with a gap, so that this file does not name them itself.
HOSTS = re.compile(
    "py~pi.org|python~hosted.org|registry.npm~js.org|proxy.go~lang.org".replace("~", "").replace(".", r"\.")
)


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (Path(line) for line in listed.splitlines())
    return [p for p in paths if (not suffixes or p.suffix in suffixes) and (ROOT / p).is_file()]


PYTHON = tracked(".py")
SOURCE = [p for p in PYTHON if p.parts[0] in {"gateway", "audit"}]


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def reachable(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods that others can call: not those defined inside functions or private classes."""
    tree = tree_of(path)
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    bodies = [tree.body, *(c.body for c in classes)]
    return [n for body in bodies for n in body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_there_are_only_the_agreed_top_level_folders() -> None:
    folders = {p.parts[0] for p in tracked() if len(p.parts) > 1 and not p.parts[0].startswith(".")}

    assert folders <= TOP


def test_no_file_is_longer_than_400_lines() -> None:
    long = [str(p) for p in PYTHON if len((ROOT / p).read_text(encoding="utf-8").splitlines()) > 400]

    assert long == []


def test_no_function_is_longer_than_50_lines() -> None:
    long = [f"{p}:{f.name}" for p in SOURCE for f in functions(p) if (f.end_lineno or 0) - f.lineno >= 50]

    assert long == []


def test_half_of_all_functions_are_at_most_ten_lines() -> None:
    sizes = sorted((f.end_lineno or 0) - f.lineno + 1 for p in SOURCE for f in functions(p))

    assert sizes[len(sizes) // 2] <= 10


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(p) for p in PYTHON if p.stem in VAGUE] == []


def test_every_public_function_says_what_it_does() -> None:
    silent = [
        f"{p}:{f.lineno} {f.name}"
        for p in SOURCE
        for f in reachable(p)
        if not f.name.startswith("_") and not ast.get_docstring(f) and not _is_declaration(f)
    ]

    assert silent == []


def _is_declaration(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return len(function.body) == 1 and isinstance(function.body[0], ast.Expr)


def test_tests_use_fakes_and_never_mocks() -> None:
    words = re.compile(r"unittest\.mo~ck|Magic~Mock|moc~ker\b|time\.sl~eep\(".replace("~", ""))
    tests = [p for p in PYTHON if p.parts[0] == "tests"]

    assert [str(p) for p in tests if words.search((ROOT / p).read_text(encoding="utf-8"))] == []


def test_no_file_names_a_package_registry() -> None:
    named = [
        str(p) for p in tracked() if HOSTS.search((ROOT / p).read_text(encoding="utf-8", errors="ignore"))
    ]

    assert named == []


def test_every_lock_entry_carries_a_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text(encoding="utf-8"))
        unhashed = [e.split()[0] for e in entries if "==" in e and "--hash=sha256:" not in e]

        assert unhashed == []


@pytest.mark.parametrize("word", ["dev", "demo", "test", "check", "policy", "docs", "bench"])
def test_the_makefile_knows_its_seven_words(word: str) -> None:
    assert re.search(rf"^{word}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
