package rules.trust.stopped_test

import data.rules.trust.stopped

_agent(status, engaged, stops) := {
	"agent": {"status": status},
	"stop": {"engaged": engaged, "matching": stops},
}

test_suspended_agent_denies if {
	stopped.findings == {{
		"code": "TRUST-002",
		"effect": "deny",
		"facts": {"status": "suspended", "stops": []},
	}} with input as _agent("suspended", false, [])
}

test_stop_denies if {
	stopped.findings == {{
		"code": "TRUST-002",
		"effect": "deny",
		"facts": {"status": "active", "stops": ["stp_1"]},
		"retry": "wait_until",
	}} with input as _agent("active", true, ["stp_1"])
}

test_stop_that_nobody_can_name_denies_for_good if {
	stopped.findings == {{
		"code": "TRUST-002",
		"effect": "deny",
		"facts": {"status": "active", "stops": []},
	}} with input as _agent("active", true, [])
}

test_suspension_outweighs_a_stop if {
	stopped.findings == {{
		"code": "TRUST-002",
		"effect": "deny",
		"facts": {"status": "suspended", "stops": ["stp_1"]},
	}} with input as _agent("suspended", true, ["stp_1"])
}

test_active_agent_is_silent if {
	stopped.findings == set() with input as _agent("active", false, [])
}

test_missing_facts_deny if {
	count(stopped.findings) == 1 with input as {}
}
