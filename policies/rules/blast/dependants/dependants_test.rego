package rules.blast.dependants_test

import data.rules.blast.dependants

_params := {"BLAST-004": {"dependants": {"low": 1, "high": 20}}}

_commit(names) := {
	"action": {"type": "commit.create"},
	"agent": {"tier": "contributor"},
	"diff": {},
	"blast": {
		"dependants": [{"service": name, "depth": 1} | some name in names],
		"dependants_total": count(names),
	},
}

test_many_dependants_ask_owner_and_operations if {
	dependants.findings == {{
		"code": "BLAST-004",
		"effect": "require_approval",
		"facts": {"dependants": 2, "services": ["payments", "storefront"], "limit": 1},
		"clauses": [
			{"count": 1, "any_of_roles": ["service-owner"], "assurance": "signed"},
			{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"},
		],
	}} with input as _commit(["storefront", "payments"]) with data.params as _params
}

test_few_dependants_are_silent if {
	dependants.findings == set() with input as _commit(["payments"]) with data.params as _params
}

test_uncounted_dependants_ask if {
	count(dependants.findings) == 1 with input as {"action": {"type": "commit.create"}, "diff": {}}
		with data.params as _params
}

test_missing_limit_asks if {
	count(dependants.findings) == 1 with input as _commit([]) with data.params as {}
}
