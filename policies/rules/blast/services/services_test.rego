package rules.blast.services_test

import data.rules.blast.services

_params := {"BLAST-003": {"services": {"low": 1, "high": 3}}}

_commit(names) := {
	"action": {"type": "commit.create"},
	"agent": {"tier": "contributor"},
	"diff": {},
	"blast": {"services": names, "services_total": count(names)},
}

test_two_services_ask_an_owner_of_each if {
	services.findings == {{
		"code": "BLAST-003",
		"effect": "require_approval",
		"facts": {"services": ["checkout", "payments"], "limit": 1},
		"clauses": [
			{"count": 1, "any_of_roles": ["service-owner"], "for_service": "checkout", "assurance": "signed"},
			{"count": 1, "any_of_roles": ["service-owner"], "for_service": "payments", "assurance": "signed"},
		],
	}} with input as _commit(["checkout", "payments"]) with data.params as _params
}

test_one_service_is_silent if {
	services.findings == set() with input as _commit(["checkout"]) with data.params as _params
}

test_uncounted_services_ask if {
	count(services.findings) == 1 with input as {"action": {"type": "commit.create"}, "diff": {}}
		with data.params as _params
}
