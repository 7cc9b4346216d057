package rules.time.freeze_test

import data.rules.time.freeze

_freezes := [{"id": "year-end", "projects": ["shop/**"], "starts_ms": 100, "ends_ms": 200}]

_params := {"TIME-001": {"allowed": ["deployment.rollback"]}}

_merge(project, now_ms) := {
	"action": {"type": "merge_request.merge", "system": "gitlab", "project": project, "consequential": true},
	"context": {"now_ms": now_ms, "clock_ok": true},
}

_silent(input_document) if {
	freeze.findings == set() with input as input_document with data.freezes as _freezes with data.params as _params
}

_frozen(input_document) if {
	freeze.findings == {{
		"code": "TIME-001",
		"effect": "deny",
		"facts": {"freeze": "year-end"},
		"retry": "wait_until",
		"until_ms": 200,
	}} with input as input_document
		with data.freezes as _freezes
		with data.params as _params
}

test_freeze_waits_until_its_end if {
	_frozen(_merge("shop/checkout", 100))
	_frozen(_merge("shop/checkout", 199))
}

test_outside_the_freeze_is_silent if {
	_silent(_merge("shop/checkout", 99))
	_silent(_merge("shop/checkout", 200))
	_silent(_merge("bank/ledger", 150))
}

test_unknown_place_and_time_are_frozen if {
	_frozen(_merge(null, 150))
	_frozen(_merge("shop/checkout", null))
}

test_harmless_action_is_silent if {
	_silent(object.union(_merge("shop/checkout", 150), {"action": {"consequential": false}}))
}

test_rollback_is_silent if {
	_silent(object.union(_merge("shop/checkout", 150), {"action": {"type": "deployment.rollback"}}))
}

test_clock_that_disagrees_waits if {
	wrong := object.union(_merge("bank/ledger", 150), {"context": {"clock_ok": false}})
	freeze.findings == {{
		"code": "TIME-001",
		"effect": "deny",
		"facts": {"clock_ok": false},
		"retry": "wait_until",
		"until_ms": null,
	}} with input as wrong
		with data.freezes as _freezes
		with data.params as _params
}

test_harmless_action_goes_on_while_the_clock_disagrees if {
	_silent(object.union(
		_merge("shop/checkout", 150),
		{"action": {"consequential": false}, "context": {"clock_ok": false}},
	))
}

test_freeze_that_is_not_whole_is_on if {
	every part in ["starts_ms", "ends_ms", "projects"] {
		cut := [object.union(_freezes[0], {part: null})]
		count(freeze.findings) == 1 with input as _merge("shop/checkout", 150) with data.freezes as cut
	}
}

test_freeze_of_one_project_is_no_list if {
	wrong := [object.union(_freezes[0], {"projects": "bank/ledger"})]
	count(freeze.findings) == 1 with input as _merge("shop/checkout", 150) with data.freezes as wrong
}
