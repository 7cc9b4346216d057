package rules.sod.independent_test

import data.rules.sod.independent

_merge(services) := {"action": {"type": "merge_request.merge"}, "blast": {"services": services}}

_owner(service) := {
	"count": 1,
	"any_of_roles": ["service-owner"],
	"for_service": service,
	"assurance": "signed",
}

test_merge_asks_an_owner_of_each_service if {
	independent.findings == {{
		"code": "SOD-002",
		"effect": "require_approval",
		"facts": {"services": ["checkout", "payments"]},
		"clauses": [_owner("checkout"), _owner("payments")],
	}} with input as _merge(["payments", "checkout"])
}

test_merge_of_no_service_asks_all_the_same if {
	independent.findings == {{
		"code": "SOD-002",
		"effect": "require_approval",
		"facts": {"services": []},
		"clauses": [{"count": 1, "any_of_roles": ["platform", "service-owner"], "assurance": "signed"}],
	}} with input as _merge(null)
}

test_rollback_asks_one_person if {
	independent.findings == {{
		"code": "SOD-002",
		"effect": "require_approval",
		"facts": {"environment": "production"},
		"clauses": [{"count": 1, "any_of_roles": ["release-manager", "sre", "service-owner"], "assurance": "signed"}],
	}} with input as {"action": {"type": "deployment.rollback"}, "deployment": {"environment": "production"}}
}

test_commit_is_silent if {
	independent.findings == set() with input as {"action": {"type": "commit.create"}}
}
