"""The mistakes in `fail_open/`, as they stand in their files, and a copy of the library that has made them all."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PLACE = Path(__file__).parent / "fail_open"
POLICIES = Path(__file__).parents[2] / "policies"
_CAUGHT = re.compile(r"# caught by (check|contract|mutate): (.+)$")
_LOSES = re.compile(r"^# loses (\S+) of (\S+)$", re.MULTILINE)
_CODE = re.compile(r"^#   code: (\S+)$", re.MULTILINE)


class Mistake(NamedTuple):
    """One mistake: the file's name, what catches it at which line and how, and the fact whose loss shows it."""

    name: str
    by: str
    line: int
    says: str
    code: str
    loses: str
    base: str


def mistakes(by: str | None = None) -> list[Mistake]:
    """Every mistake, or those that one of `check`, `contract` and `mutate` catches."""
    found = [_read(path) for path in sorted(PLACE.glob("*.rego"))]
    return [one for one in found if by in {None, one.by}]


def library_with(folder: Path, chosen: Sequence[Mistake], *, corrected: bool) -> Path:
    """A copy of the shipped library with a rule for each mistake, or for its corrected form."""
    policies = Path(shutil.copytree(POLICIES, folder / "policies"))
    source = PLACE / "corrected" if corrected else PLACE
    for one in chosen:
        home = policies / "rules" / "demo" / one.name
        home.mkdir(parents=True)
        shutil.copy(source / f"{one.name}.rego", home)
        test = f"package rules.demo.{one.name}_test\n\ntest_nothing if 1 == 1\n"
        (home / f"{one.name}_test.rego").write_text(test, encoding="utf-8")
        told = source / f"{one.name}.yaml"
        (home / "cases.yaml").write_text(
            told.read_text("utf-8") if told.exists() else "[]\n", encoding="utf-8"
        )
    return policies


def file_of(one: Mistake) -> str:
    """Where the mistake's rule stands in the library."""
    return f"rules/demo/{one.name}/{one.name}.rego"


def _read(path: Path) -> Mistake:
    text = path.read_text("utf-8")
    loses, code = _LOSES.search(text), _CODE.search(text)
    assert code, path
    for number, line in enumerate(text.splitlines(), 1):
        if caught := _CAUGHT.search(line):
            return Mistake(
                name=path.stem,
                by=caught[1],
                line=number,
                says=caught[2],
                code=code[1],
                loses=loses[1] if loses else "",
                base=loses[2] if loses else "",
            )
    raise AssertionError(f"{path} does not say who catches it")
