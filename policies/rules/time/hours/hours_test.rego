package rules.time.hours_test

import data.rules.time.hours

_params := {"TIME-002": {
	"weekdays": [1, 2, 3, 4],
	"from_minute": 540,
	"to_minute": 960,
	"unguarded": ["test"],
	"allowed": ["deployment.rollback"],
}}

_merge(weekday, minute, environments) := {
	"action": {"type": "merge_request.merge"},
	"context": {"local_weekday": weekday, "local_minute": minute},
	"deploys_to": environments,
}

_asks(input_document) if {
	hours.findings == {{
		"code": "TIME-002",
		"effect": "require_approval",
		"facts": {
			"weekday": input_document.context.local_weekday,
			"minute": input_document.context.local_minute,
			"environments": ["production"],
		},
		"clauses": [{"count": 1, "any_of_roles": ["on-call"], "assurance": "signed"}],
	}} with input as input_document
		with data.params as _params
}

_silent(input_document) if {
	hours.findings == set() with input as input_document with data.params as _params
}

test_working_hours_are_silent if {
	_silent(_merge(1, 540, ["production"]))
	_silent(_merge(4, 959, ["production"]))
}

test_other_hours_ask_whoever_is_on_call if {
	_asks(_merge(1, 539, ["production"]))
	_asks(_merge(4, 960, ["production"]))
	_asks(_merge(5, 600, ["production"]))
}

test_an_hour_nobody_knows_asks if {
	_asks(_merge(null, 600, ["production"]))
	_asks(_merge(1, null, ["production"]))
	_asks(_merge(1, "600", ["production"]))
}

test_what_deploys_nowhere_that_matters_is_silent if {
	_silent(_merge(7, 0, []))
	_silent(_merge(7, 0, ["TEST"]))
}

test_going_back_is_silent if {
	_silent(object.union(_merge(7, 0, ["production"]), {"action": {"type": "deployment.rollback"}}))
}

test_unknown_environments_and_missing_limits_ask if {
	count(hours.findings) == 1 with input as _merge(7, 0, null) with data.params as _params
	count(hours.findings) == 1 with input as _merge(7, 0, [null]) with data.params as _params
	count(hours.findings) == 1 with input as _merge(1, 600, ["production"]) with data.params as {}
}
