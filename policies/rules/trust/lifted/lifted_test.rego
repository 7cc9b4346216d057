package rules.trust.lifted_test

import data.rules.trust.lifted

_asks := {
	"code": "TRUST-003",
	"effect": "require_approval",
	"facts": {},
	"clauses": [{"count": 2, "any_of_roles": ["operator"], "assurance": "signed"}],
}

test_lifting_asks_two_operators if {
	lifted.findings == {_asks} with input as {"action": {"type": "stop.lift"}}
}

test_everything_else_is_silent if {
	lifted.findings == set() with input as {"action": {"type": "issue.create"}}
}

test_unknown_type_asks if {
	lifted.findings == {_asks} with input as {}
}
