"""What a model is told when it is asked for a rule, and when it is asked to repair one."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from gateway.core.model import Model
from gateway.workbench.cases import bases
from gateway.workbench.complaints import Complaint
from gateway.workbench.new_rule import NewRule
from gateway.workbench.schema import leaves

_LONGEST_COMPLAINTS = 8_000

_HOUSE = """You write one rule of a policy library in Rego (OPA, rego v1) for a gateway that judges what AI agents want to do.
Answer with one JSON object and nothing else:
{"files": {<file name>: <text>, …}, "params": {<name>: <value>, …}}
`files` holds exactly the three files you are given, completed. `params` holds the limits of the rule's code; leave it
empty when there are none. You cannot write other files, and what you write is checked, tested and mutated.

A rule adds findings and can never permit. When a fact is missing it must complain. The forms that hold:
- say what is safe in a rule without arguments and complain if `not` that rule;
- read facts by facts.at([…]), which is null when missing; facts.listed([…]) for naming lists only; facts.present("diff");
- limits by facts.limit(code, name) or facts.param(code, name), lists by facts.words(code, name);
- `not facts.within(number, limit)` for limits; names.may_match to protect, names.surely_matches to let off;
- bind everything in a finding's head to a local first; sort(…) what comes from a set;
- no `input.x` or `data.x` directly, no `with` outside tests, no messages, no fractions, no builtin that looks outside.
Effects are deny, require_approval (with clauses: [{"count": 1, "any_of_roles": […], "assurance": "signed"}]) and warn.
Cases: one allowed, one on each side of a limit, one with the fact removed (its codes are the rule's and GATE-002).
The Rego test compares whole findings and reaches every line.
"""


class Message(Model):
    """One message of the conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


def first_words(sentence: str, made: NewRule, folder: Path) -> tuple[Message, ...]:
    """The house's rules, and the request: the sentence, the files to complete, the facts and bases there are."""
    files = {name: (made.folder / name).read_text("utf-8") for name in made.files}
    asked = "\n".join(
        (
            f"Write the rule {made.code}. What it must do, in the words of the person who wants it:",
            json.dumps(sentence, ensure_ascii=False),
            "The files, as an example of their form; keep the code, the package and the file names:",
            json.dumps({"files": files, "params": {}}, ensure_ascii=False),
            "The bases of cases: " + ", ".join(sorted(bases(folder))),
            "The facts of the policy input (`*` is an element of a list): " + "; ".join(_facts()),
        )
    )
    return Message(role="system", content=_HOUSE), Message(role="user", content=asked)


def repair_words(answered: str, complaints: Iterable[Complaint]) -> tuple[Message, ...]:
    """The model's own answer again, and what is wrong with it."""
    told = "\n".join(str(one) for one in complaints)[:_LONGEST_COMPLAINTS]
    asked = f"That does not hold yet:\n{told}\nAnswer with the whole JSON object again, mended."
    return Message(role="assistant", content=answered[:100_000]), Message(role="user", content=asked)


def _facts() -> Iterable[str]:
    return (f"{'.'.join(leaf.path)}: {'|'.join(leaf.words or leaf.types)}" for leaf in leaves())
