package rules.commit.signoff_test

import data.rules.commit.signoff

_commit(signed_off) := {
	"action": {"type": "commit.create"},
	"diff": {},
	"commits": [{"id": "aaa", "signed_off": signed_off}],
}

_denies(input_document, ids) if {
	signoff.findings == {{"code": "COMMIT-004", "effect": "deny", "facts": {"commits": ids}}} with input as input_document
		with data.params as {}
}

test_commit_without_a_sign_off_denies if {
	_denies(_commit(false), ["aaa"])
}

test_unread_commit_denies if {
	_denies(_commit(null), ["aaa"])
	_denies({"action": {"type": "commit.create"}, "diff": {}}, [])
}

test_signed_off_commit_is_silent if {
	signoff.findings == set() with input as _commit(true) with data.params as {}
}

test_any_commit_is_silent_where_none_is_asked if {
	signoff.findings == set() with input as _commit(false) with data.params as {"COMMIT-004": {"require_sign_off": false}}
}

test_rollback_is_silent if {
	undone := object.union(_commit(false), {"action": {"type": "deployment.rollback"}})
	signoff.findings == set() with input as undone with data.params as {}
}
