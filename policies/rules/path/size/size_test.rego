package rules.path.size_test

import data.rules.path.size

_params := {"PATH-008": {"file_bytes": 1000, "path_length": 100}}

_commit(bytes, length) := {
	"action": {"type": "commit.create"},
	"diff": {"largest_path": "a.bin", "largest_bytes": bytes, "longest_path": length},
}

_denies(input_document, stated) if {
	size.findings == {{"code": "PATH-008", "effect": "deny", "facts": stated}} with input as input_document
		with data.params as _params
}

test_large_file_denies if {
	_denies(_commit(1001, 100), {"path": "a.bin", "bytes": 1001, "limit": 1000})
}

test_file_of_unknown_size_denies if {
	_denies(_commit(null, 100), {"path": "a.bin", "bytes": null, "limit": 1000})
}

test_long_path_denies if {
	_denies(_commit(1000, 101), {"path_length": 101, "limit": 100})
}

test_small_file_is_silent if {
	size.findings == set() with input as _commit(1000, 100) with data.params as _params
}

test_missing_limits_deny if {
	count(size.findings) == 2 with input as _commit(1, 1) with data.params as {}
}

test_redeployment_is_silent if {
	redeployed := object.union(
		_commit(1001, 101),
		{"action": {"type": "deployment.rollback", "params": {"method": "redeploy"}}},
	)
	size.findings == set() with input as redeployed with data.params as _params
}
