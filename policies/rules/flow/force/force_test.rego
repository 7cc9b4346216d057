package rules.flow.force_test

import data.rules.flow.force

_params := {"FLOW-002": {"protected": ["main", "release/**"]}}

_push(forced, name, protected) := {
	"action": {"type": "branch.force_push", "force": forced, "delete": false},
	"branch": {"name": name, "protected": protected, "default": false},
}

_merge(source, removed) := {
	"action": {
		"type": "merge_request.merge",
		"force": false,
		"delete": false,
		"params": {"remove_source_branch": removed},
	},
	"merge_request": {"source_branch": source},
}

_denies(input_document, branch) if {
	force.findings == {{"code": "FLOW-002", "effect": "deny", "facts": {"branch": branch}}} with input as input_document
		with data.params as _params
}

_silent(input_document) if {
	force.findings == set() with input as input_document with data.params as _params
}

test_rewriting_a_protected_branch_denies if {
	_denies(_push(true, "release/1", false), "release/1")
	_denies(_push(true, "agent/x", true), "agent/x")
}

test_rewriting_an_own_branch_is_silent if {
	_silent(_push(true, "agent/x", false))
}

test_plain_push_is_silent if {
	_silent(_push(false, "main", true))
}

test_unknown_force_denies if {
	_denies(_push(null, "main", true), "main")
}

test_merge_that_removes_a_protected_branch_denies if {
	_denies(_merge("release/1", true), "release/1")
	_denies(_merge("release/1", null), "release/1")
}

test_merge_that_removes_an_own_branch_is_silent if {
	_silent(_merge("agent/x", true))
}

test_merge_that_keeps_its_branch_is_silent if {
	_silent(_merge("release/1", false))
}

_untag(protected) := {
	"action": {"type": "tag.delete", "force": false, "delete": true},
	"tag": {"name": "v1", "protected": protected},
}

test_deleting_a_protected_tag_denies if {
	expected := {{"code": "FLOW-002", "effect": "deny", "facts": {"tag": "v1"}}}
	force.findings == expected with input as _untag(true) with data.params as _params
	force.findings == expected with input as _untag(null) with data.params as _params
}

test_deleting_another_tag_is_silent if {
	_silent(_untag(false))
}

test_missing_globs_deny if {
	count(force.findings) == 1 with input as _push(true, "agent/x", false) with data.params as {}
}
