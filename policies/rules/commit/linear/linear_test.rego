package rules.commit.linear_test

import data.rules.commit.linear

_commit(parents) := {
	"action": {"type": "commit.create"},
	"diff": {},
	"commits": [{"id": "aaa", "parents": parents}],
}

_denies(input_document, ids) if {
	linear.findings == {{"code": "COMMIT-005", "effect": "deny", "facts": {"commits": ids}}} with input as input_document
		with data.params as {}
}

test_merge_commit_denies if {
	_denies(_commit(2), ["aaa"])
}

test_unread_commit_denies if {
	_denies(_commit(null), ["aaa"])
	_denies({"action": {"type": "commit.create"}, "diff": {}}, [])
}

test_plain_commit_is_silent if {
	linear.findings == set() with input as _commit(1) with data.params as {}
}

test_first_commit_is_silent if {
	linear.findings == set() with input as _commit(0) with data.params as {}
}

test_merge_commit_is_silent_where_it_may_be if {
	linear.findings == set() with input as _commit(2) with data.params as {"COMMIT-005": {"require_linear": false}}
}

test_rollback_is_silent if {
	undone := object.union(_commit(2), {"action": {"type": "deployment.rollback"}})
	linear.findings == set() with input as undone with data.params as {}
}
