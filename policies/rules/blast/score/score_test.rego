package rules.blast.score_test

import data.rules.blast.score

_params := {"BLAST-005": {"score": {"low": 60, "high": 85}}}

_commit(value) := {
	"action": {"type": "commit.create"},
	"agent": {"tier": "contributor"},
	"diff": {},
	"blast": {"score": value},
}

test_high_score_denies if {
	score.findings == {{"code": "BLAST-005", "effect": "deny", "facts": {"score": 61, "limit": 60}}} with input as _commit(61)
		with data.params as _params
}

test_low_score_is_silent if {
	score.findings == set() with input as _commit(60) with data.params as _params
}

test_unknown_score_denies if {
	count(score.findings) == 1 with input as _commit(null) with data.params as _params
}
