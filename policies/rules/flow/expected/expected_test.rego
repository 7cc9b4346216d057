package rules.flow.expected_test

import data.rules.flow.expected

_params := {"FLOW-006": {
	"merge_request": {"title": "^(feat|fix): ", "labels_required": ["agent"], "draft": true},
	"issue": {"title": "", "labels_required": []},
}}

_asked(type, params) := {"action": {"type": type, "params": params}}

_good := {"title": "fix: totals", "labels": ["agent"], "draft": true}

_silent(input_document) if {
	expected.findings == set() with input as input_document with data.params as _params
}

_denies(input_document, shown) if {
	expected.findings == {{"code": "FLOW-006", "effect": "deny", "facts": shown}} with input as input_document with data.params as _params
}

test_what_is_expected_is_silent if {
	_silent(_asked("merge_request.open", _good))
	_silent(_asked("merge_request.update", {"title": "feat: more"}))
	_silent(_asked("merge_request.update", {"labels": ["agent", "x"]}))
	_silent(_asked("issue.create", {"title": "Anything", "labels": []}))
	_silent(_asked("issue.comment", {}))
}

test_another_title_denies if {
	titled := {"title": "Totals", "pattern": "^(feat|fix): "}
	_denies(_asked("merge_request.open", object.union(_good, {"title": "Totals"})), titled)
	_denies(_asked("merge_request.update", {"title": "Totals"}), titled)
}

test_other_labels_deny if {
	_denies(_asked("merge_request.update", {"labels": []}), {"labels": [], "required": ["agent"]})
	_denies(_asked("merge_request.update", {"labels": ["b", "c"]}), {"labels": ["b", "c"], "required": ["agent"]})
}

test_what_is_ready_too_early_denies if {
	_denies(_asked("merge_request.open", object.union(_good, {"draft": false})), {"draft": false})
	_denies(_asked("merge_request.update", {"draft": false}), {"draft": false})
}

test_what_is_missing_denies if {
	count(expected.findings) == 3 with input as _asked("merge_request.open", {}) with data.params as _params
	count(expected.findings) == 2 with input as _asked("merge_request.open", _good) with data.params as {}
}

test_issue_that_is_changed_or_made_is_held_to_the_house if {
	params := {"FLOW-006": {"issue": {"title": "^fix: ", "labels_required": []}}}
	count(expected.findings) > 0 with input as _asked("issue.update", {"title": "other"}) with data.params as params
	count(expected.findings) > 0 with input as _asked("issue.create", {}) with data.params as params
}

test_other_types_are_silent_without_parameters if {
	expected.findings == set() with input as _asked("commit.create", {"title": "other", "labels": ["x"]}) with data.params as {}
}
