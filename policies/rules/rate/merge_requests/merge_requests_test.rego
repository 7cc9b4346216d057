package rules.rate.merge_requests_test

import data.rules.rate.merge_requests

_params := {"RATE-002": {"open": {"low": 3, "high": 8}}}

_request(type, open) := {
	"action": {"type": type},
	"agent": {"tier": "contributor", "usage": {"open_merge_requests": open}},
}

test_one_too_many_waits if {
	merge_requests.findings == {{
		"code": "RATE-002",
		"effect": "deny",
		"facts": {"open": 3, "limit": 3},
		"retry": "wait_until",
		"until_ms": null,
	}} with input as _request("merge_request.open", 3)
		with data.params as _params
}

test_room_is_silent if {
	merge_requests.findings == set() with input as _request("merge_request.open", 2) with data.params as _params
}

test_merge_is_silent if {
	merge_requests.findings == set() with input as _request("merge_request.merge", 9) with data.params as _params
}

test_uncounted_requests_deny if {
	count(merge_requests.findings) == 1 with input as _request("merge_request.open", null) with data.params as _params
}
