package lib.changes_test

import data.lib.changes

test_commit_is_written if {
	changes.written with input as {"action": {"type": "commit.create"}, "diff": {}}
}

test_opened_request_is_measured_without_effect if {
	opened := {"action": {"type": "merge_request.open"}, "diff": {}}
	changes.measured with input as opened
	not changes.effective with input as opened
	not changes.written with input as opened
}

test_redeployment_has_effect_without_writing if {
	redeployed := {"action": {"type": "deployment.rollback", "params": {"method": "redeploy"}}, "diff": {}}
	changes.effective with input as redeployed
	not changes.written with input as redeployed
}

test_rollback_of_unknown_method_is_written if {
	changes.written with input as {"action": {"type": "deployment.rollback", "params": {}}, "diff": {}}
}

test_comment_is_not_measured if {
	not changes.measured with input as {"action": {"type": "issue.comment"}, "diff": null}
}

test_method_lets_nothing_else_off if {
	changes.written with input as {"action": {"type": "commit.create", "params": {"method": "redeploy"}}, "diff": {}}
}

test_pipeline_that_deploys_nowhere_takes_no_effect if {
	rehearsal := {"action": {"type": "pipeline.run"}, "diff": {}, "deploys_to": []}
	not changes.effective with input as rehearsal
	not changes.written with input as rehearsal
}

test_pipeline_that_deploys_takes_effect_and_writes_nothing if {
	deploying := {"action": {"type": "job.play"}, "diff": {}, "deploys_to": ["production"]}
	changes.effective with input as deploying
	not changes.written with input as deploying
}

test_pipeline_of_unknown_effect_takes_effect if {
	changes.effective with input as {"action": {"type": "job.retry"}, "diff": {}}
}

test_tag_takes_effect_and_writes_nothing if {
	tag := {"action": {"type": "tag.create"}, "diff": {}}
	changes.effective with input as tag
	not changes.written with input as tag
}
