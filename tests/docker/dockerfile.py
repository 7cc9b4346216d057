"""A Dockerfile as a list of stages and steps: enough of the format to hold ours to rules and to follow its steps."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One instruction with its arguments as they stand."""

    word: str
    given: str

    @property
    def flags(self) -> dict[str, str]:
        return dict(re.findall(r"--(\w[\w-]*)=(\S+)", self.given))

    @property
    def plain(self) -> str:
        return re.sub(r"--\w[\w-]*=\S+\s+", "", self.given)

    def words(self) -> list[str]:
        """The exec form; raises for the shell form."""
        words: list[str] = json.loads(self.plain.removeprefix("CMD").strip())
        return words


@dataclass
class Stage:
    """One FROM and what follows it."""

    name: str
    base: str
    steps: list[Step] = field(default_factory=list)

    def of(self, word: str) -> list[Step]:
        return [s for s in self.steps if s.word == word]

    def environment(self) -> dict[str, str]:
        pairs = [pair for step in self.of("ENV") for pair in re.findall(r"(\w+)=(\S+)", step.given)]
        return dict(pairs)


def stages_of(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, with continued lines joined and comments gone."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    stages: list[Stage] = []
    for line in filter(None, (one.strip() for one in text.splitlines())):
        word, _, given = line.partition(" ")
        if word == "FROM":
            base, _, name = given.partition(" AS ")
            stages.append(Stage(name, base))
        else:
            stages[-1].steps.append(Step(word, given))
    return stages
