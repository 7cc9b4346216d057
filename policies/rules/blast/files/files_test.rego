package rules.blast.files_test

import data.rules.blast.files

_params := {"BLAST-001": {"files": {"low": 20, "high": 50}}}

_commit(count_of_files) := {
	"action": {"type": "commit.create"},
	"agent": {"tier": "contributor"},
	"diff": {"files_changed": count_of_files},
}

test_large_change_asks if {
	files.findings == {{
		"code": "BLAST-001",
		"effect": "require_approval",
		"facts": {"files": 21, "limit": 20},
		"clauses": [{"count": 1, "any_of_roles": ["service-owner"], "assurance": "signed"}],
	}} with input as _commit(21) with data.params as _params
}

test_small_change_is_silent if {
	files.findings == set() with input as _commit(20) with data.params as _params
}

test_uncounted_change_asks if {
	count(files.findings) == 1 with input as {"action": {"type": "commit.create"}, "diff": {}} with data.params as _params
}

test_missing_limit_asks if {
	count(files.findings) == 1 with input as _commit(1) with data.params as {}
}
