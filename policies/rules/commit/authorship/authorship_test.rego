package rules.commit.authorship_test

import data.rules.commit.authorship

_optional := {"COMMIT-001": {"require_signature": false}}

_commit(foreign, co_authors, verified) := {
	"action": {"type": "commit.create"},
	"diff": {},
	"commits": [{"id": "aaa", "foreign": foreign, "co_authors": co_authors, "verified": verified}],
}

_denies(input_document, params, stated) if {
	authorship.findings == {{"code": "COMMIT-001", "effect": "deny", "facts": stated}} with input as input_document
		with data.params as params
}

test_foreign_commit_denies if {
	_denies(_commit(true, 0, false), _optional, {"foreign": ["aaa"]})
}

test_co_author_denies if {
	_denies(_commit(false, 1, false), _optional, {"foreign": ["aaa"]})
}

test_unsigned_commit_denies_where_signatures_are_asked if {
	_denies(_commit(false, 0, false), {"COMMIT-001": {"require_signature": true}}, {"unsigned": ["aaa"]})
}

test_signatures_are_asked_where_nothing_is_said if {
	_denies(_commit(false, 0, false), {}, {"unsigned": ["aaa"]})
}

test_signed_commit_is_silent if {
	authorship.findings == set() with input as _commit(false, 0, true) with data.params as {}
}

test_own_commit_is_silent if {
	authorship.findings == set() with input as _commit(false, 0, false) with data.params as _optional
}

test_unread_commits_deny if {
	count(authorship.findings) == 2 with input as {"action": {"type": "commit.create"}, "diff": {}} with data.params as {}
}

test_rollback_is_silent if {
	undone := object.union(_commit(true, 2, false), {"action": {"type": "deployment.rollback"}})
	authorship.findings == set() with input as undone with data.params as {}
}
