package rules.deploy.rollback_test

import data.rules.deploy.rollback

_params := {"DEPLOY-001": {"healthy_s": 900, "max_age_s": 1000}}

_back(to, healthy_s, finished_ms) := {
	"action": {"type": "deployment.rollback"},
	"context": {"now_ms": 2000000},
	"deployment": {
		"environment": "production",
		"to_sha": to,
		"history": [{"sha": "aaa", "healthy_s": healthy_s, "finished_ms": finished_ms}],
	},
}

_denies(input_document) if {
	rollback.findings == {{
		"code": "DEPLOY-001",
		"effect": "deny",
		"facts": {
			"environment": "production",
			"to": input_document.deployment.to_sha,
			"healthy_s": 900,
			"max_age_s": 1000,
		},
	}} with input as input_document
		with data.params as _params
}

test_healthy_release_is_silent if {
	rollback.findings == set() with input as _back("aaa", 900, 1000000) with data.params as _params
}

test_unproven_releases_deny if {
	_denies(_back("bbb", 900, 1500000))
	_denies(_back(null, 900, 1500000))
	_denies(_back("aaa", 899, 1500000))
	_denies(_back("aaa", null, 1500000))
	_denies(_back("aaa", "long", 1500000))
	_denies(_back("aaa", 900, 999999))
	_denies(_back("aaa", 900, 2000001))
	_denies(_back("aaa", 900, null))
}

test_missing_limits_deny if {
	count(rollback.findings) == 1 with input as _back("aaa", 900, 1500000) with data.params as {}
}

test_merge_is_silent if {
	rollback.findings == set() with input as {"action": {"type": "merge_request.merge"}}
}
