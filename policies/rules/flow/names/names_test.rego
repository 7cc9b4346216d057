package rules.flow.names_test

import data.rules.flow.names

_params := {"FLOW-007": {"pattern": "^agent/[a-z0-9-]+$"}}

_denies(input_document, branch) if {
	names.findings == {{
		"code": "FLOW-007",
		"effect": "deny",
		"facts": {"branch": branch, "pattern": "^agent/[a-z0-9-]+$"},
	}} with input as input_document
		with data.params as _params
}

_silent(input_document) if {
	names.findings == set() with input as input_document with data.params as _params
}

_on(type, name) := {"action": {"type": type}, "branch": {"name": name}}

_from(name) := {"action": {"type": "merge_request.open"}, "branch": null, "merge_request": {"source_branch": name}}

test_names_of_the_form_are_silent[type] if {
	some type in {"branch.create", "commit.create", "commit.revert", "commit.cherry_pick"}
	_silent(_on(type, "agent/fix-1"))
}

test_other_names_deny[type] if {
	some type in {"branch.create", "commit.create", "commit.revert", "commit.cherry_pick"}
	_denies(_on(type, "agent/Fix 1"), "agent/Fix 1")
}

test_the_source_of_a_merge_request_counts if {
	_silent(_from("agent/fix-1"))
	_denies(_from("fix"), "fix")
}

test_a_name_nobody_knows_denies if {
	_denies(_on("branch.create", null), null)
	_denies(_from(null), null)
}

test_what_could_not_be_read_is_for_the_contract if {
	_silent({"action": {"type": "branch.create"}, "branch": null})
	_silent({"action": {"type": "merge_request.open"}, "merge_request": null})
}

test_without_a_pattern_no_name_is_right if {
	count(names.findings) == 1 with input as _on("branch.create", "agent/fix-1") with data.params as {}
}

test_what_writes_no_branch_is_silent if {
	_silent(_on("branch.delete", "x"))
	_silent(_on("merge_request.merge", "main"))
}
