"""`loopgate policy new`: a rule's folder that passes check and test as it is, to be changed from there.

The rule it writes refuses one agent one type of action: small enough to read at once, and in the shape every rule
should have: say what is safe, complain when that is not proven.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gateway.core.errors import SettingsError
from gateway.workbench.annotations import GATEWAY_CARDS
from gateway.workbench.cases import PlacedCase, cases

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CODE = re.compile(r"^#\s+code:\s*([A-Z]{2,12})-([0-9]{3})\s*$", re.MULTILINE)
_LETTERS = 12
_LAST = 999
_USUAL_BASE = "commit_comment"
_REFUSED_AGENT = "agt_nobody"
_LONGEST_TITLE = 80
_REGO_WORDS = frozenset(
    {
        *("as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input"),
        *("not", "null", "package", "set", "some", "true", "with"),
    }
)


class NewRule(NamedTuple):
    """What was written: the rule's folder, its code, and the files in it."""

    folder: Path
    code: str
    files: tuple[str, ...]


class _Start(NamedTuple):
    """The base that the new rule's cases start from."""

    base: str
    action_type: str
    agent: str


def new_rule(folder: Path, name: str, title: str | None = None) -> NewRule:
    """Write `rules/<team>/<rule>` into a policy folder, under the team's next free code.

    Raises `SettingsError` when the name is not `team/rule`, the rule exists, or the folder is no policy.
    """
    team, rule = _named(name)
    home = folder / "rules" / team / rule
    if not (folder / "capabilities.json").is_file():
        raise SettingsError(f"{folder} is no policy folder: it has no capabilities.json")
    if home.exists():
        raise SettingsError(f"{home} is there already; choose another name, or change the rule that is there")
    titled, start, code = _titled(title, rule), _start(folder), next_code(folder, team)
    texts = {
        f"{rule}.rego": _rego(team, rule, code, titled, start),
        f"{rule}_test.rego": _test(team, rule, code, start),
        "cases.yaml": _cases(code, start),
    }
    home.mkdir(parents=True)
    for file, text in texts.items():
        (home / file).write_text(text, encoding="utf-8")
    return NewRule(folder=home, code=code, files=tuple(texts))


def next_code(folder: Path, team: str) -> str:
    """The team's next free code; a team that has rules keeps their letters.

    Raises `SettingsError` when 999 is taken.
    """
    own = _codes(folder / "rules" / team)
    letters = min(own)[0] if own else _letters_of(team)
    taken = [number for prefix, number in _codes(folder) if prefix == letters]
    number = max(taken, default=0) + 1
    if number > _LAST:
        raise SettingsError(f"{letters}-{_LAST} is taken; give the rule to a team with other letters")
    return f"{letters}-{number:03d}"


def _letters_of(team: str) -> str:
    letters = "".join(one for one in team.upper() if "A" <= one <= "Z")[:_LETTERS]
    reserved = {card.code.partition("-")[0] for card in GATEWAY_CARDS} | {"GATE"}
    if len(letters) < 2 or letters in reserved:  # noqa: PLR2004 - a code begins with two letters or more
        raise SettingsError(
            f"no code can be made of the team {team}; name it with two letters or more, not gate"
        )
    return letters


def _codes(place: Path) -> list[tuple[str, int]]:
    """Every code in the METADATA below a folder, as letters and number."""
    texts = (path.read_text("utf-8") for path in sorted(place.rglob("*.rego")))
    return [(letters, int(number)) for text in texts for letters, number in _CODE.findall(text)]


def _named(name: str) -> tuple[str, str]:
    parts = name.split("/")
    if len(parts) != 2 or not all(_NAME.fullmatch(part) for part in parts):  # noqa: PLR2004 - team and rule
        raise SettingsError(
            f"{name!r} is no name for a rule: write team/rule in lower-case letters, digits and _, such as flow/size"
        )
    for part in parts:
        if part in _REGO_WORDS or part.endswith("_test"):
            raise SettingsError(f"{part} means something else in Rego; choose another name")
    return parts[0], parts[1]


def _titled(title: str | None, rule: str) -> str:
    said = " ".join((title if title is not None else rule.replace("_", " ").capitalize()).split())
    if not said or len(said) > _LONGEST_TITLE or not said.isprintable():
        raise SettingsError(f"a title is one line of at most {_LONGEST_TITLE} letters")
    return said


def _in_yaml(title: str) -> str:
    """The title as it stands in METADATA, quoted where YAML would read it otherwise."""
    try:
        read = yaml.safe_load(f"title: {title}")
    except yaml.YAMLError:
        read = None
    return title if read == {"title": title} else json.dumps(title, ensure_ascii=False)


def _start(folder: Path) -> _Start:
    """The base of the plainest case that is allowed; on the usual one, as few other rules look at it."""
    found = sorted(_plain(cases(folder)), key=lambda one: (one.base != _USUAL_BASE, one.base))
    if not found:
        raise SettingsError(f"{folder} has no case that allows a base as it is; write one in gate/cases.yaml")
    return found[0]


def _plain(placed: tuple[PlacedCase, ...]) -> Iterator[_Start]:
    for one in placed:
        case = one.case
        if case.effect == "allow" and not (
            case.set or case.remove or case.data or case.warnings or case.shadow
        ):
            agent, kind = _at(one.document, "agent", "id"), _at(one.document, "action", "type")
            if isinstance(agent, str) and isinstance(kind, str):
                yield _Start(base=case.base, action_type=kind, agent=agent)


def _at(document: Any, *path: str) -> Any:
    for part in path:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def _rego(team: str, rule: str, code: str, title: str, start: _Start) -> str:
    return f"""# METADATA
# title: {_in_yaml(title)}
# description: |
#   Say here, to the person who reads a finding, what this rule looks at and why. As written by `policy new` it refuses
#   one agent one type of action.
# custom:
#   code: {code}
#   severity: medium
#   remediation: Say here what would help the agent.
#   retry: fix_and_retry
#   binding: state
#   bound_facts: [agent]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [AC-6]
#   owner: {team}
package rules.{team}.{rule}

import data.lib.facts

findings contains {{
	"code": "{code}",
	"effect": "deny",
	"facts": {{"agent": agent}},
}} if {{
	facts.action_type == "{start.action_type}"
	not _safe
	agent := facts.agent
}}

# What is safe. Whatever this cannot prove is refused, so a missing fact is refused too.
_safe if {{
	agent := facts.agent
	is_string(agent)
	not agent in _refused
}}

_refused := {{"{_REFUSED_AGENT}"}}
"""


def _test(team: str, rule: str, code: str, start: _Start) -> str:
    return f"""package rules.{team}.{rule}_test

import data.rules.{team}.{rule}

_by(agent) := {{"action": {{"type": "{start.action_type}"}}, "agent": {{"id": agent}}}}

test_refused_agent_is_denied if {{
	{rule}.findings == {{{{
		"code": "{code}",
		"effect": "deny",
		"facts": {{"agent": "{_REFUSED_AGENT}"}},
	}}}} with input as _by("{_REFUSED_AGENT}")
}}

test_other_agent_is_nobodys_business if {{
	{rule}.findings == set() with input as _by("{start.agent}")
}}

test_agent_nobody_knows_is_denied if {{
	count({rule}.findings) == 1 with input as {{"action": {{"type": "{start.action_type}"}}}}
}}

test_agent_that_is_no_text_is_denied if {{
	count({rule}.findings) == 1 with input as _by(7)
}}

test_other_types_are_nobodys_business if {{
	{rule}.findings == set() with input as {{"action": {{"type": "other"}}, "agent": {{"id": "{_REFUSED_AGENT}"}}}}
}}
"""


def _cases(code: str, start: _Start) -> str:
    return f"""- name: another agent is nobody's business
  base: {start.base}
  effect: allow
  codes: []
- name: the agent that is named is refused
  base: {start.base}
  set: {{agent.id: {_REFUSED_AGENT}}}
  effect: deny
  codes: [{code}]
  facts: {{{code}: {{agent: {_REFUSED_AGENT}}}}}
- name: nobody says which agent it is
  base: {start.base}
  remove: [agent.id]
  effect: deny
  codes: [{code}, GATE-002]
"""
