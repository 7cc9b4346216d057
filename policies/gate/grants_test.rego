package gate.grants_test

import data.gate.grants

_budgets := [
	{"budget": "actions", "window": "hour", "amount": null, "limit": {"low": 3, "high": 9}, "actions": ["*.*"]},
	{"budget": "ci_minutes", "window": "day", "amount": "ci_minutes", "limit": {"low": 60, "high": 600}, "actions": ["*.*"]},
	{"budget": "work_items", "window": "day", "limit": {"low": 5, "high": 5}, "actions": ["issue.create"]},
]

_opening(jobs) := {
	"action": {"type": "merge_request.open"},
	"agent": {"tier": "contributor"},
	"costs": {"pipelines": 1, "ci_jobs": jobs, "job_seconds": 60, "bytes": 0},
}

test_an_action_counts_as_one_and_its_jobs_as_minutes if {
	grants.reserve == {
		{"budget": "actions", "window": "hour", "amount": 1, "limit": 3},
		{"budget": "ci_minutes", "window": "day", "amount": 7, "limit": 60},
	} with input as _opening(7)
		with data.budgets as _budgets
}

test_what_nobody_can_count_fits_into_no_budget if {
	grants.reserve == {
		{"budget": "actions", "window": "hour", "amount": 1, "limit": 3},
		{"budget": "ci_minutes", "window": "day", "amount": 1000000000, "limit": 60},
	} with input as _opening(null)
		with data.budgets as _budgets
		with data.params as {}
}

test_an_unknown_tier_has_the_low_limit_and_a_missing_limit_is_none if {
	grants.reserve == {{"budget": "work_items", "window": "day", "amount": 1, "limit": 0}} with input as {"action": {"type": "issue.create"}}
		with data.budgets as [{"budget": "work_items", "window": "day", "limit": {}, "actions": ["issue.*"]}]
}
