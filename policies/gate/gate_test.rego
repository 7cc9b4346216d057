package gate_test

import data.gate
import data.gate.contract

_clause := {"count": 1, "any_of_roles": ["sre"], "assurance": "signed"}

_ask := {"code": "T-001", "effect": "require_approval", "facts": {}, "clauses": [_clause]}

_malformed contains "text"

_malformed contains 7

_malformed contains {"code": "T-001", "effect": "deny"}

_malformed contains {"code": 7, "effect": "deny", "facts": {}}

_malformed contains {"code": "T-001", "effect": "allow", "facts": {}}

_malformed contains {"code": "T-001", "effect": "deny", "facts": {}, "message": "no"}

_malformed contains {"code": "T-001", "effect": "deny", "facts": {}, "clauses": [_clause]}

_malformed contains {"code": "T-001", "effect": "require_approval", "facts": {}}

_malformed contains {"code": "T-001", "effect": "require_approval", "facts": {}, "clauses": []}

_malformed contains {"code": "T-001", "effect": "require_approval", "facts": {}, "clauses": [object.remove(_clause, ["count"])]}

_malformed contains object.union(_ask, {"clauses": [object.union(_clause, {"count": 0})]})

_malformed contains object.union(_ask, {"clauses": [object.union(_clause, {"any_of_roles": []})]})

_malformed contains object.union(_ask, {"clauses": [object.union(_clause, {"assurance": "trust me"})]})

_malformed contains object.union(_ask, {"clauses": [object.union(_clause, {"anyone": true})]})

test_an_answer_in_no_known_form_denies[answer] if {
	some answer in _malformed
	decision := gate.decision with input as {} with data.gate.registry.answers as {answer}
	decision.effect == "deny"
	{"code": "GATE-003", "effect": "deny", "facts": {"malformed": 1}} in decision.findings
}

test_a_question_is_whole if {
	gate.reported == {_ask} with input as {} with data.gate.registry.answers as {_ask}
}

test_a_warning_changes_nothing if {
	warning := {"code": "T-001", "effect": "warn", "facts": {"x": 1}}
	decision := gate.decision with input as {} with data.gate.registry.answers as {warning}
	decision.warnings == [warning]
	not warning in decision.findings
}

test_teams_add_up if {
	denial := {"code": "T-002", "effect": "deny", "facts": {}}
	decision := gate.decision with input as {} with data.gate.registry.answers as {_ask, denial}
	decision.effect == "deny"
	_ask in decision.findings
	denial in decision.findings
}

test_waiting_is_the_answer_when_all_that_is_missing_will_come if {
	entry := {"path": "issue.status", "reason": "busy", "retry": "wait_until", "until_ms": 5}
	later := object.union(entry, {"path": "issue.key", "until_ms": 9})
	given := {"missing": [entry, later]}
	contract.awaited with input as given with data.contract as {"needs": {}, "fields": [], "items": [], "totals": [], "plain": []}
	contract.until_ms == 9 with input as given
}

test_waiting_is_not_the_answer_when_something_else_is_missing_too if {
	entry := {"path": "issue.status", "reason": "busy", "retry": "wait_until", "until_ms": 5}
	typed := {"path": ["version"], "types": ["number"]}
	rules := {"needs": {}, "fields": [typed], "items": [], "totals": [], "plain": []}
	not contract.awaited with input as {"missing": [entry]} with data.contract as rules
}

test_no_input_is_denied if gate.decision.effect == "deny" with input as {}
