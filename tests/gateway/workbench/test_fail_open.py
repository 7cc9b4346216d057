"""Every form that lets an action through when a fact is missing is found, and no safe form is."""

from pathlib import Path

import pytest

from gateway.workbench.fail_open import fail_open
from tests.gateway.workbench.trees import SHIPPED, tree

RULE = """package rules.demo.rule

import data.lib.facts

findings contains {{"code": "DEMO-001", "effect": "deny", "facts": {{}}}} if {{
	{body}
}}

_risky if facts.at(["action", "force"]) == true

_kind(x) if x == "a"

_words := {{"a", "b"}}
"""
BODY_ROW = 6

BAD = {
    "not _kind(input.action.type)": "can be undefined (`input.action.type`)",
    'not startswith(input.action.type, "issue")': "can be undefined (`input.action.type`)",
    "not is_number(input.diff.files_changed)": "can be undefined (`input.diff.files_changed`)",
    "not input.diff.files_changed < 3": "can be undefined (`input.diff.files_changed`)",
    'not input.action.type in {"a", "b"}': "can be undefined (`input.action.type`)",
    "not _kind(data.params.X.y)": "can be undefined (`data.params.X.y`)",
    "not _kind(lower(facts.action_type))": "can be undefined (`lower(…)`)",
    'not lower(facts.action_type) == "a"': "can be undefined (`lower(…)`)",
    'not count(facts.at(["diff", "paths"])) == 3': "can be undefined (`count(…)`)",
    'some c in facts.at(["commits"])\n\tnot _kind(c.author)': "can be undefined (`c.author`)",
    'some c in facts.at(["commits"])\n\tnot c.author in _words': "can be undefined (`c.author`)",
    'not _kind(object.get(facts.at(["diff"]), "base", null))': "can be undefined (`object.get(…)`)",
    "not data.modes[lower(facts.tier)]": "computed from `lower(…)`",
    "input.action.version != 3": "`!=` says nothing when `input.action.version` is missing",
    'some c in facts.at(["commits"])\n\tc.foreign != false': "`!=` says nothing when `c.foreign` is missing",
    "x := [1 | data.params.X.y != 3]": "`!=` says nothing when `data.params.X.y` is missing",
    "x := [input.action.type, 1]": "a literal holds `input.action.type`",
    'x := {"a": data.params.X.y}': "a literal holds `data.params.X.y`",
    "x := {input.action.type}": "a literal holds `input.action.type`",
    'files := facts.at(["diff", "files_changed"])\n\tfiles > 3': "`files` is compared by size without proof",
    'facts.at(["diff", "files_changed"]) >= 3': "`facts.at(…)` is compared by size without proof",
    'files := facts.at(["diff", "files_changed"])\n\tnot files <= facts.limit("A", "b")': "is compared by size without proof",
    'paths := facts.at(["diff", "paths"])\n\tevery p in paths { p == "a" }': "`every` over `paths` holds when there is nothing",
    'every p in facts.listed(["diff", "paths"]) { p == "a" }': "`every` over `facts.listed(…)` holds",
    'facts.listed(["diff", "secrets"]) == []': "facts.listed is no proof of none",
    'count(facts.listed(["diff", "secrets"])) == 0': "facts.listed is no proof of none",
    'input.action.type == "a"': "`input.action.type` is read directly",
    "x := input.action.type": "`input.action.type` is read directly",
    "some p in input.diff.paths": "`input.diff.paths` is read directly",
    "data.params.X.y == 3": "`data.params.X.y` is read directly",
    "x := data.params.X.y": "`data.params.X.y` is read directly",
    'facts.action_type == "a" with input as {}': "`with` outside a test",
}
SAFE = (
    "not input.action.type",
    "not input.version == 3",
    "not _risky",
    'not _kind(object.get(input, ["action", "type"], null))',
    'not _kind(facts.at(["action", "type"]))',
    "x := facts.action_type\n\tnot _kind(x)",
    "not facts.action_type in _words",
    'not startswith(facts.action_type, "issue")',
    'files := facts.at(["diff", "files_changed"])\n\tnot facts.within(files, facts.limit("A", "b"))',
    'files := facts.at(["diff", "files_changed"])\n\tis_number(files)\n\tfiles > 3',
    'count(facts.listed(["diff", "paths"])) > 3',
    'n := count(facts.listed(["diff", "paths"]))\n\tn > 3',
    'paths := facts.at(["diff", "paths"])\n\tis_array(paths)\n\tevery p in paths { p == "a" }',
    'every p in ["a", "b"] { p == "a" }',
    'facts.at(["diff", "secrets"]) == []',
    'facts.at(["version"]) != 3',
    'some freeze in data.freezes\n\tfreeze.id == "a"',
    'some c in facts.at(["commits"])\n\tnot c.verified',
    'some c in facts.at(["commits"])\n\tauthor := c.author\n\tnot _kind(author)',
    'some c in facts.at(["commits"])\n\tis_string(c.author)\n\tnot _kind(c.author)',
    'x := {"a": facts.action_type, "b": sort(facts.listed(["diff", "paths"]))}',
    'x := $"jira:{facts.action_type}"',
)


@pytest.mark.parametrize("body", BAD)
def test_a_form_that_fails_open_is_found_where_it_stands(tmp_path: Path, body: str) -> None:
    rego = RULE.format(body=body)
    found = fail_open(tree(tmp_path, {"rules/demo/rule/rule.rego": rego}))
    assert [complaint.file for complaint in found] == ["rules/demo/rule/rule.rego"] * len(found)
    complaints = [one for one in found if BAD[body] in one.problem]
    assert complaints
    assert {one.line for one in complaints} == {BODY_ROW + body.count("\n")}
    assert all(one.remedy for one in complaints)


@pytest.mark.parametrize("body", SAFE)
def test_a_form_that_holds_is_left_alone(tmp_path: Path, body: str) -> None:
    found = fail_open(tree(tmp_path, {"rules/demo/rule/rule.rego": RULE.format(body=body)}))
    assert [str(complaint) for complaint in found] == []


def test_a_head_with_a_fact_that_may_be_missing_is_found(tmp_path: Path) -> None:
    rego = """package rules.demo.rule

findings contains {"code": "DEMO-001", "effect": "deny", "facts": {
	"type": input.action.type,
	"limit": data.params.X.y,
}} if not input.version == 1
"""
    found = fail_open(tree(tmp_path, {"rules/demo/rule/rule.rego": rego}))
    assert [(one.line, "then the whole finding is" in one.problem) for one in found] == [(4, True), (5, True)]


def test_a_helper_that_may_be_undefined_is_followed_into_its_users(tmp_path: Path) -> None:
    rego = """package rules.demo.rule

import data.lib.facts

findings contains {"code": "DEMO-001", "effect": "deny", "facts": {"kind": _kind}} if not _plain(_kind)

_kind := "a" if facts.action_type == "issue.create"

_plain(x) if x == "b"
"""
    problems = [one.problem for one in fail_open(tree(tmp_path, {"rules/demo/rule/rule.rego": rego}))]
    assert len(problems) == 2
    assert all("`_kind`" in problem for problem in problems)


def test_the_same_helper_with_a_default_is_safe(tmp_path: Path) -> None:
    rego = """package rules.demo.rule

import data.lib.facts

findings contains {"code": "DEMO-001", "effect": "deny", "facts": {"kind": _kind}} if not _plain(_kind)

default _kind := "b"

_kind := "a" if facts.action_type == "issue.create"

_plain(x) if x == "b"
"""
    assert fail_open(tree(tmp_path, {"rules/demo/rule/rule.rego": rego})) == ()


INDEXED = """package rules.demo.rule

_for_code(code) := {{e.id | {body}}}

default _waivable(_) := false

_waivable(code) if code == "B"
"""


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("_waivable(code); some e in data.exceptions; e.code == code", 1),
        ("some e in data.exceptions; code == e.code; _waivable(code)", 1),
        ("some e in data.exceptions; e.code == code", 0),
        ('some e in data.exceptions; e.code == code; startswith(code, "B")', 0),
        ("some e in data.exceptions; e.code == code; is_string(e.id); _waivable(e)", 0),
    ],
)
def test_a_comprehension_that_opa_indexes_wrongly_is_found(tmp_path: Path, body: str, count: int) -> None:
    found = fail_open(tree(tmp_path, {"rules/demo/rule/rule.rego": INDEXED.format(body=body)}))
    assert [one.line for one in found if "index" in one.problem] == [3] * count


def test_tests_may_do_what_rules_may_not(tmp_path: Path) -> None:
    rego = "package rules.demo.rule_test\n\ntest_x if input.a != 3 with input as {}\n"
    assert fail_open(tree(tmp_path, {"rules/demo/rule/rule_test.rego": rego})) == ()


def test_the_shipped_library_has_no_form_that_fails_open() -> None:
    assert [str(complaint) for complaint in fail_open(SHIPPED)] == []
