package rules.path.protected_test

import data.rules.path.protected

_params := {"PATH-001": {"globs": ["policies/**", "codeowners"]}}

_commit(paths) := {"action": {"type": "commit.create"}, "diff": {"paths": paths}}

test_protected_paths_deny if {
	protected.findings == {{
		"code": "PATH-001",
		"effect": "deny",
		"facts": {"paths": ["CODEOWNERS", "policies/gate.rego"]},
	}} with input as _commit(["CODEOWNERS", "policies/gate.rego", "src/app.js"])
		with data.params as _params
}

test_other_paths_are_silent if {
	protected.findings == set() with input as _commit(["src/app.js"]) with data.params as _params
}

test_unlisted_paths_deny if {
	count(protected.findings) == 1 with input as _commit(null) with data.params as _params
}

test_path_that_is_no_text_denies if {
	count(protected.findings) == 1 with input as _commit([7]) with data.params as _params
}

test_missing_globs_deny if {
	count(protected.findings) == 1 with input as _commit(["src/app.js"]) with data.params as {}
}

test_redeployment_is_silent if {
	redeployed := {
		"action": {"type": "deployment.rollback", "params": {"method": "redeploy"}},
		"diff": {"paths": ["CODEOWNERS"]},
	}
	protected.findings == set() with input as redeployed with data.params as _params
}

test_opened_request_denies if {
	opened := {"action": {"type": "merge_request.open"}, "diff": {"paths": ["CODEOWNERS"]}}
	count(protected.findings) == 1 with input as opened with data.params as _params
}
