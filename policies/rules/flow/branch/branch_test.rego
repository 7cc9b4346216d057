package rules.flow.branch_test

import data.rules.flow.branch

_params := {"FLOW-003": {"targets": ["main"]}}

_commit(name, protected, prefix) := {
	"action": {"type": "commit.create"},
	"agent": {"branch_prefix": prefix},
	"branch": {"name": name, "protected": protected, "default": false},
}

_request(type, source, target, project) := {
	"action": {"type": type},
	"agent": {"branch_prefix": "agent/"},
	"merge_request": {
		"source_branch": source,
		"target_branch": target,
		"source_project_id": project,
		"target_project_id": "1",
	},
}

_denies(input_document, stated) if {
	branch.findings == {{"code": "FLOW-003", "effect": "deny", "facts": stated}} with input as input_document
		with data.params as _params
}

_silent(input_document) if {
	branch.findings == set() with input as input_document with data.params as _params
}

test_branch_outside_the_prefix_denies if {
	_denies(_commit("feature/x", false, "agent/"), {"branch": "feature/x", "prefix": "agent/"})
}

test_protected_branch_denies if {
	_denies(_commit("agent/x", true, "agent/"), {"branch": "agent/x", "prefix": "agent/"})
}

test_empty_prefix_denies if {
	_denies(_commit("agent/x", false, ""), {"branch": "agent/x", "prefix": ""})
}

test_own_branch_is_silent if {
	_silent(_commit("agent/x", false, "agent/"))
}

test_source_outside_the_prefix_denies if {
	_denies(
		_request("merge_request.open", "feature/x", "main", "1"),
		{"branch": "feature/x", "prefix": "agent/"},
	)
}

test_target_that_takes_none_denies if {
	_denies(
		_request("merge_request.merge", "feature/x", "develop", "1"),
		{"target": "develop", "targets": ["main"]},
	)
}

test_fork_denies if {
	_denies(_request("merge_request.open", "agent/x", "main", "9"), {"target": "main", "targets": ["main"]})
}

test_own_request_is_silent if {
	_silent(_request("merge_request.open", "agent/x", "main", "1"))
}

test_branch_of_a_merge_is_silent if {
	merged := object.union(
		_request("merge_request.merge", "feature/x", "main", "1"),
		{"branch": {"name": "main", "protected": true, "default": true}},
	)
	_silent(merged)
}

test_anothers_request_is_not_changed if {
	_denies(
		_request("merge_request.close", "feature/x", "main", "1"),
		{"branch": "feature/x", "prefix": "agent/"},
	)
	_silent(_request("merge_request.close", "agent/x", "main", "1"))
}

_retargeted(target) := object.union(
	_request("merge_request.update", "agent/x", "main", "1"),
	{"action": {"params": {"target": target}}},
)

test_new_target_that_takes_none_denies if {
	_denies(_retargeted("develop"), {"target": "develop", "targets": ["main"]})
	_silent(_retargeted("main"))
}

_run(tier, ref) := {
	"action": {"type": "pipeline.run"},
	"agent": {"branch_prefix": "agent/", "tier": tier},
	"pipeline": {"ref": ref},
}

test_running_anothers_pipeline_denies_low_tiers if {
	_denies(_run("contributor", "main"), {"ref": "main", "prefix": "agent/"})
	_silent(_run("contributor", "agent/x"))
	_silent(_run("maintainer", "main"))
}

test_jobs_go_by_their_own_ref if {
	_denies(
		object.union(_run("contributor", "agent/x"), {"action": {"type": "job.play"}, "job": {"ref": "main"}}),
		{"ref": "main", "prefix": "agent/"},
	)
}

test_unknown_ref_denies if {
	_denies(object.union(_run("contributor", "agent/x"), {"pipeline": null}), {"ref": null, "prefix": "agent/"})
}
