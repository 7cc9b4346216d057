package rules.rate.ci_minutes_test

import data.rules.rate.ci_minutes

_priced(jobs, seconds) := {"costs": {"pipelines": 1, "ci_jobs": jobs, "job_seconds": seconds, "bytes": 0}}

test_jobs_nobody_can_count_deny if {
	ci_minutes.findings == {{
		"code": "RATE-004",
		"effect": "deny",
		"facts": {"jobs": null, "job_seconds": 90},
	}} with input as _priced(null, 90) with data.params as {}
}

test_an_estimate_is_silent if {
	ci_minutes.findings == set() with input as _priced(3, 90) with data.params as {}
}

test_a_number_of_the_policys_own_is_an_estimate if {
	ci_minutes.findings == set() with input as _priced(null, 90) with data.params as {"RATE-004": {"jobs": 20}}
}

test_what_costs_nothing_is_silent if {
	ci_minutes.findings == set() with input as {"costs": null}
}
