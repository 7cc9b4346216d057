package rules.rate.actions_test

import data.rules.rate.actions

_params := {"RATE-001": {"hour": {"low": 30, "high": 120}, "day": {"low": 200, "high": 800}}}

_issue(hour, day, now_ms) := {
	"agent": {"tier": "contributor", "usage": {"actions_hour": hour, "actions_day": day}},
	"context": {"now_ms": now_ms},
}

test_used_up_hour_waits_for_the_next if {
	actions.findings == {{
		"code": "RATE-001",
		"effect": "deny",
		"facts": {"window": "hour", "used": 30, "limit": 30},
		"retry": "wait_until",
		"until_ms": 7200000,
	}} with input as _issue(30, 30, 3600001)
		with data.params as _params
}

test_used_up_day_waits_for_the_next if {
	actions.findings == {{
		"code": "RATE-001",
		"effect": "deny",
		"facts": {"window": "day", "used": 200, "limit": 200},
		"retry": "wait_until",
		"until_ms": 86400000,
	}} with input as _issue(1, 200, 3600001)
		with data.params as _params
}

test_room_is_silent if {
	actions.findings == set() with input as _issue(29, 199, 0) with data.params as _params
}

test_uncounted_use_denies if {
	count(actions.findings) == 2 with input as _issue(null, null, 0) with data.params as _params
}

test_missing_clock_names_no_end if {
	{finding.until_ms | some finding in actions.findings} == {null} with input as _issue(30, 1, null)
		with data.params as _params
}
