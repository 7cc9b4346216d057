package rules.commit.message_test

import data.rules.commit.message

_params := {"COMMIT-002": {"required": ["^(fix|feat): ", "[a-z]"], "forbidden": ["(?i)wip"]}}

_commit(subject) := {
	"action": {"type": "commit.create"},
	"diff": {},
	"commits": [{"id": "aaa", "subject": subject}],
}

_denies(input_document, params, ids) if {
	message.findings == {{"code": "COMMIT-002", "effect": "deny", "facts": {"commits": ids}}} with input as input_document
		with data.params as params
}

_silent(input_document, params) if {
	message.findings == set() with input as input_document with data.params as params
}

test_message_without_the_pattern_denies if {
	_denies(_commit("Bump jquery"), _params, ["aaa"])
}

test_message_with_a_forbidden_pattern_denies if {
	_denies(_commit("fix: WIP"), _params, ["aaa"])
}

test_message_that_is_no_text_denies if {
	_denies(_commit(null), _params, ["aaa"])
}

test_fitting_message_is_silent if {
	_silent(_commit("fix: bump jquery"), _params)
}

test_any_message_is_silent_where_nothing_is_asked if {
	_silent(_commit("whatever"), {"COMMIT-002": {"required": [], "forbidden": []}})
}

test_missing_patterns_deny if {
	_denies(_commit("fix: bump jquery"), {}, ["aaa"])
}

test_malformed_pattern_denies if {
	_denies(_commit("fix: bump jquery"), {"COMMIT-002": {"required": [], "forbidden": ["("]}}, [])
}

test_unread_commits_deny if {
	_denies({"action": {"type": "commit.create"}, "diff": {}}, _params, [])
}

test_rollback_is_silent if {
	_silent(object.union(_commit("x"), {"action": {"type": "deployment.rollback"}}), _params)
}

test_nothing_is_asked_of_commits_nobody_read_where_nothing_is_asked_at_all if {
	_silent({"action": {"type": "commit.create"}, "diff": {}}, {"COMMIT-002": {"required": [], "forbidden": []}})
}

test_action_without_a_change_is_silent if {
	_silent({"action": {"type": "issue.create"}}, _params)
}
