package rules.flow.pipeline_test

import data.rules.flow.pipeline

_params := {"FLOW-001": {"running": ["created", "running"]}}

_merge(status, sha) := {
	"action": {"type": "merge_request.merge"},
	"merge_request": {"head": "aaa"},
	"pipeline": {"status": status, "sha": sha},
	"diff": {},
	"text": {"skip_ci": []},
}

test_running_pipeline_waits if {
	pipeline.findings == {{
		"code": "FLOW-001",
		"effect": "deny",
		"facts": {"status": "running", "head": "aaa"},
		"retry": "wait_until",
		"until_ms": null,
	}} with input as _merge("running", "aaa")
		with data.params as _params
}

test_failed_pipeline_is_to_be_mended if {
	pipeline.findings == {{
		"code": "FLOW-001",
		"effect": "deny",
		"facts": {"status": "failed", "head": "aaa"},
		"retry": "fix_and_retry",
	}} with input as _merge("failed", "aaa")
		with data.params as _params
}

test_pipelines_of_other_commits_are_to_be_mended if {
	every status in ["success", "running"] {
		{finding.retry | some finding in pipeline.findings} == {"fix_and_retry"} with input as _merge(status, "bbb")
			with data.params as _params
	}
}

test_green_pipeline_is_silent if {
	pipeline.findings == set() with input as _merge("success", "aaa") with data.params as _params
}

test_unknown_head_denies if {
	count(pipeline.findings) == 1 with input as object.union(_merge("success", null), {"merge_request": {"head": null}})
		with data.params as _params
}

test_words_that_skip_ci_deny if {
	pipeline.findings == {{
		"code": "FLOW-001",
		"effect": "deny",
		"facts": {"skip_ci": ["message: [skip ci]"]},
		"retry": "fix_and_retry",
	}} with input as {
		"action": {"type": "commit.create"},
		"diff": {},
		"text": {"skip_ci": ["message: [skip ci]"]},
	}
		with data.params as _params
}

test_comment_is_silent if {
	pipeline.findings == set() with input as {"action": {"type": "merge_request.comment"}, "diff": null}
}

test_comment_beside_a_running_pipeline_is_silent if {
	commented := object.union(_merge("running", "aaa"), {"action": {"type": "merge_request.comment"}})
	pipeline.findings == set() with input as commented with data.params as _params
}
