package rules.trust.activated_test

import data.rules.trust.activated

_asks(roles) := {
	"code": "TRUST-004",
	"effect": "require_approval",
	"facts": {},
	"clauses": [{"count": 1, "any_of_roles": roles, "assurance": "signed"}],
}

test_activating_asks_one_other_person if {
	activated.findings == {_asks(["platform", "security"])} with input as {"action": {"type": "policy.activate"}}
}

test_going_back_may_be_approved_by_those_on_duty if {
	wider := ["operator", "platform", "security", "sre"]
	activated.findings == {_asks(wider)} with input as {"action": {"type": "policy.rollback"}}
}

test_everything_else_is_silent if {
	activated.findings == set() with input as {"action": {"type": "issue.create"}}
}

test_unknown_type_asks if {
	activated.findings == {_asks(["platform", "security"])} with input as {}
}
