"""Survivors that change nothing: `survivors.yaml` in a rule's folder says which, and why.

    - operator: drop a condition
      within: _own
      was: is_string(branch)
      becomes: "true"
      reason: startswith of what is no text is undefined, so the rule stays silent either way

`was` and `becomes` are the lines as `policy mutate` prints them.
"""

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.workbench.complaints import Complaint
from gateway.workbench.data_files import plain_yaml
from gateway.workbench.mutations_in_rules import RuleMutant

SURVIVORS = "survivors.yaml"


class Explanation(Model):
    """Why no case could notice one mutant."""

    operator: str
    within: str
    was: str
    becomes: str
    reason: str = Field(min_length=1)

    def explains(self, mutant: RuleMutant) -> bool:
        """Whether this is about the mutant, wherever its line has moved to."""
        said = (self.operator, self.within, self.was, self.becomes)
        return said == (mutant.operator, mutant.within, mutant.was, mutant.becomes)


class PlacedExplanation(Model):
    """An explanation, and where it stands (file relative to the policy folder, line)."""

    file: str
    line: int
    explanation: Explanation


def explanations(folder: Path, rule: str) -> tuple[PlacedExplanation, ...]:
    """What a rule's survivors.yaml says; nothing when there is none.

    Raises `SettingsError` naming file and line.
    """
    path = folder / rule / SURVIVORS
    if not path.is_file():
        return ()
    entries, file = plain_yaml(path) or [], f"{rule}/{SURVIVORS}"
    if not isinstance(entries, list):
        raise SettingsError(f"{file}:1: this file is a list of explanations")
    node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    lines = [entry.start_mark.line + 1 for entry in node.value] if node else []
    return tuple(_placed(entry, file, line) for entry, line in zip(entries, lines, strict=True))


def stale(
    told: Iterable[PlacedExplanation], survived: Iterable[RuleMutant], left_out: Iterable[RuleMutant]
) -> tuple[Complaint, ...]:
    """A complaint for every explanation of something that does not survive, or is not there any more.

    What was left out of the sample may still survive; nothing is said of it.
    """
    known = (*survived, *left_out)
    return tuple(
        Complaint(
            file=one.file,
            line=one.line,
            problem=f"no mutant survives that reads “{one.explanation.becomes}” in {one.explanation.within}",
            remedy="remove the explanation, or write operator, within, was and becomes as `policy mutate` prints them",
        )
        for one in told
        if not any(one.explanation.explains(mutant) for mutant in known)
    )


def _placed(entry: object, file: str, line: int) -> PlacedExplanation:
    try:
        return PlacedExplanation(file=file, line=line, explanation=Explanation.model_validate(entry))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{file}:{line}: {where}: {first['msg']}") from error
