package rules.path.infrastructure_test

import data.rules.path.infrastructure

_params := {"PATH-003": {"globs": ["deploy/**"]}}

_commit(paths, kinds) := {
	"action": {"type": "commit.create"},
	"diff": {"paths": paths, "kinds": kinds},
}

test_infrastructure_asks_two_people if {
	infrastructure.findings == {{
		"code": "PATH-003",
		"effect": "require_approval",
		"facts": {"paths": ["deploy/eu.yaml", "terraform/main.tf"]},
		"clauses": [
			{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"},
			{"count": 2, "any_of_roles": ["sre", "platform"], "assurance": "signed"},
		],
	}} with input as _commit(
		["deploy/eu.yaml", "src/app.js", "terraform/main.tf"],
		[{"path": "package.json", "kind": "manifest"}, {"path": "terraform/main.tf", "kind": "infrastructure"}],
	)
		with data.params as _params
}

test_other_paths_are_silent if {
	infrastructure.findings == set() with input as _commit(["src/app.js"], []) with data.params as _params
}

test_unclassified_paths_ask if {
	count(infrastructure.findings) == 1 with input as _commit(["src/app.js"], null) with data.params as _params
}

test_missing_globs_ask if {
	count(infrastructure.findings) == 1 with input as _commit([], []) with data.params as {}
}
