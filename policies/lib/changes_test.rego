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
