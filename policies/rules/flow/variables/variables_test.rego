package rules.flow.variables_test

import data.rules.flow.variables

_params := {"FLOW-005": {"allowed": ["SUITE"]}}

_run(names, total) := {
	"action": {"type": "pipeline.run"},
	"pipeline": {"variables": names, "variables_total": total},
}

test_unlisted_variable_denies if {
	variables.findings == {{
		"code": "FLOW-005",
		"effect": "deny",
		"facts": {"variables": ["CI_DEBUG_TRACE"]},
	}} with input as _run(["SUITE", "CI_DEBUG_TRACE"], 2)
		with data.params as _params
}

test_listed_variables_are_silent if {
	variables.findings == set() with input as _run(["SUITE"], 1) with data.params as _params
	variables.findings == set() with input as _run([], 0) with data.params as _params
}

test_missing_or_cut_lists_deny if {
	count(variables.findings) == 1 with input as _run(null, 0) with data.params as _params
	count(variables.findings) == 1 with input as _run(["SUITE"], 2) with data.params as _params
	count(variables.findings) == 1 with input as _run(["SUITE"], 1) with data.params as {}
}

test_other_types_are_silent if {
	variables.findings == set() with input as {"action": {"type": "issue.create"}} with data.params as _params
}
