package rules.blast.lines_test

import data.rules.blast.lines

_params := {"BLAST-002": {"lines": {"low": 400, "high": 1500}}}

_commit(count_of_lines) := {
	"action": {"type": "commit.create"},
	"agent": {"tier": "contributor"},
	"diff": {},
	"blast": {"lines": count_of_lines},
}

test_long_change_asks if {
	lines.findings == {{
		"code": "BLAST-002",
		"effect": "require_approval",
		"facts": {"lines": 401, "limit": 400},
		"clauses": [{"count": 1, "any_of_roles": ["service-owner"], "assurance": "signed"}],
	}} with input as _commit(401) with data.params as _params
}

test_short_change_is_silent if {
	lines.findings == set() with input as _commit(400) with data.params as _params
}

test_uncounted_lines_ask if {
	count(lines.findings) == 1 with input as {"action": {"type": "commit.create"}, "diff": {}} with data.params as _params
}

test_missing_limit_asks if {
	count(lines.findings) == 1 with input as _commit(1) with data.params as {}
}
