"""`loopgate policy draft`: a sentence becomes a rule in a copy of the policy folder, and is put through everything.

What a model answers is text by a stranger. It may fill three files of one new rule and the parameters of that rule's
code, in a scratch copy; it names no other file, and nothing it wrote runs before its builtins are checked.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.command import run_opa
from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.workbench.case_runs import run_cases
from gateway.workbench.check import check
from gateway.workbench.complaints import Complaint
from gateway.workbench.coverage import coverage
from gateway.workbench.data_files import plain_yaml
from gateway.workbench.drafting_words import Message, first_words, repair_words
from gateway.workbench.mutations import Plan, mutate
from gateway.workbench.new_rule import NewRule, new_rule

REPAIRS = 3
"""How often complaints are fed back before the draft is left as it is."""

MOST_SENTENCE = 2_000
MOST_FILE = 60_000
_SHOWN = 30
_COPIED = ("gate", "lib", "rules", "data", "bases", "packs")

Ask = Callable[[tuple[Message, ...]], str]
"""The model: messages in, the text of its answer out. Raises `SettingsError` when there is none."""

Told = Callable[[str], None]
"""Hears what is being done, for the terminal."""


class Answer(BaseModel):
    """What the model must answer: text by file name, and the parameters of the rule's code."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    files: dict[str, str]
    params: dict[str, Any] = Field(default_factory=dict)


class Draft(Model):
    """What came of it: where it lies, the rule's code, requests made, and what is still wrong. `score` is in permille."""

    folder: Path
    rule: Path
    code: str
    requests: int
    complaints: tuple[Complaint, ...]
    score: int | None = None

    @property
    def sound(self) -> bool:
        """Whether check, test and mutate have nothing more to say."""
        return not self.complaints


class RefusedAnswerError(Exception):
    """An answer that is not written anywhere; the message is fed back to the model."""


async def draft(sentence: str, name: str, folder: Path, scratch: Path, ask: Ask, told: Told) -> Draft:
    """Draft the rule `name` (team/rule) for a sentence, in a copy of `folder` inside `scratch`.

    At most three rounds of repair. `folder` is read and never written. Raises `SettingsError` for an empty or overlong
    sentence, a taken name, and when the model cannot be asked.
    """
    if not sentence.strip() or len(sentence) > MOST_SENTENCE:
        raise SettingsError(f"say in one to {MOST_SENTENCE} letters what the rule should refuse or ask about")
    copied = _copy(folder, scratch)
    made = new_rule(copied, name)
    messages = first_words(sentence, made, copied)
    complaints: tuple[Complaint, ...] = ()
    score, requests = None, 0
    while requests <= REPAIRS:
        told("Asking for a rule …" if not requests else f"Asking for repair {requests} of {REPAIRS} …")
        answered, requests = ask(messages), requests + 1
        try:
            _write(answered, made, copied)
        except RefusedAnswerError as error:
            complaints = (_about(made, str(error)),)
        else:
            told("Checking, testing and mutating …")
            complaints, score = await judged(copied, made)
        if not complaints:
            break
        messages = (*messages[:2], *repair_words(answered, complaints[:_SHOWN]))
    return Draft(
        folder=copied, rule=made.folder, code=made.code, requests=requests, complaints=complaints, score=score
    )


async def judged(folder: Path, made: NewRule) -> tuple[tuple[Complaint, ...], int | None]:
    """What check, test and mutate say of the drafted rule, and the share of planted mistakes its cases notice.

    Each is run only when the one before is satisfied: what calls a forbidden builtin never runs, in a test neither.
    """
    try:
        complaints = (*check(folder), *_forbidden(folder))
        if complaints:
            return complaints, None
        cases = await run_cases(folder)
        complaints = (*cases.complaints, *coverage(folder).complaints)
        if complaints:
            return complaints, None
        report = mutate(folder, Plan(rules=(made.folder.relative_to(folder).as_posix(),)), lambda _: None)
    except SettingsError as error:
        return (_about(made, error.detail),), None
    (score,) = report.rules
    found = [
        _about(made, f"“{one.case}”: {one.mutation} loosens the verdict") for one in report.inputs.loosened
    ]
    if not score.enough:
        found += [_about(made, f"no case notices {one}") for one in score.survivors if not one.reason]
    return tuple(found), score.permille


def _copy(folder: Path, scratch: Path) -> Path:
    if not (folder / "capabilities.json").is_file():
        raise SettingsError(f"{folder} is no policy folder: it has no capabilities.json")
    copied = scratch / "policies"
    if copied.exists():
        raise SettingsError(f"{copied} is there already; name an empty folder with --out")
    copied.mkdir(parents=True)
    for part in _COPIED:
        if (folder / part).is_dir():
            shutil.copytree(folder / part, copied / part)
    for file in folder.glob("*.*"):
        if file.is_file():
            shutil.copy(file, copied)
    return copied


def _write(answered: str, made: NewRule, folder: Path) -> None:
    """Put the answer into the rule's three files. Raises `RefusedAnswerError` when it is not of the form asked for."""
    answer = _read(answered)
    strange = sorted(set(answer.files) - set(made.files))
    missing = sorted(set(made.files) - set(answer.files))
    if strange or missing:
        raise RefusedAnswerError(
            f"`files` must hold exactly {', '.join(made.files)}"
            + (f"; {json.dumps(strange[0][:200])} is none of them and was not written" if strange else "")
        )
    for name, text in answer.files.items():
        if len(text) > MOST_FILE or "\0" in text:
            raise RefusedAnswerError(f"{name} is too long, or holds a NUL character")
    if not _plain(answer.params):
        raise RefusedAnswerError("`params` holds fractions, or is nested too deep, or too long")
    for name in made.files:
        (made.folder / name).write_text(_formatted(name, answer.files[name], made.folder), encoding="utf-8")
    _set_params(folder, made.code, answer.params)


def _read(answered: str) -> Answer:
    try:
        return Answer.model_validate_json(_unfenced(answered))
    except (ValidationError, ValueError, RecursionError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise RefusedAnswerError(
            f"the answer is not the JSON object that was asked for: {first[:200]}"
        ) from error


def _unfenced(answered: str) -> str:
    """The text inside a fence of three backticks, which models like to put around JSON."""
    text = answered.strip()
    if text.startswith("```") and text.endswith("```"):
        return text.partition("\n")[2].removesuffix("```")
    return text


def _formatted(name: str, text: str, home: Path) -> str:
    """Rego as `opa fmt` writes it; what it cannot read stays as it is, and `check` says why."""
    if not name.endswith(".rego"):
        return text
    place = home / name
    place.write_text(text, encoding="utf-8")
    ran = run_opa(opa_binary(), ["fmt", name], cwd=home)
    return ran.out if ran.status == 0 and ran.out else text


def _set_params(folder: Path, code: str, params: Mapping[str, Any]) -> None:
    """The parameters of the new code, and of no other, in the copy's data."""
    file = folder / "data" / "params.yaml"
    document = plain_yaml(file) if file.is_file() else {}
    document.setdefault("params", {}).pop(code, None)
    if params:
        document["params"][code] = dict(params)
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _plain(params: Mapping[str, Any]) -> bool:
    from audit.canonical import CanonicalError, canonical_bytes

    try:
        return len(canonical_bytes(dict(params))) <= MOST_FILE
    except (CanonicalError, RecursionError):
        return False


def _forbidden(folder: Path) -> tuple[Complaint, ...]:
    """Builtins that no policy may call, in the tests too: `opa test` would run them with all of OPA's powers."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.rego"))
    own = ["--capabilities", "capabilities.json", "--format", "json", "--max-errors", "0"]
    ran = run_opa(opa_binary(), ["check", *own, *files], cwd=folder)
    if ran.status == 0:
        return ()
    try:
        errors = json.loads(ran.out or ran.err).get("errors", [])
    except ValueError:
        errors = [{"message": (ran.err or ran.out).strip()}]
    return tuple(
        Complaint(
            file=(one.get("location") or {}).get("file", "."),
            line=(one.get("location") or {}).get("row", 1),
            problem=one.get("message", ""),
            remedy="call only what capabilities.json lists, in tests too",
        )
        for one in errors
    )


def _about(made: NewRule, problem: str) -> Complaint:
    return Complaint(file="/".join(("rules", *made.folder.parts[-2:])), line=1, problem=problem)
