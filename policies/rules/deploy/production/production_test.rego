package rules.deploy.production_test

import data.rules.deploy.production

_params := {"DEPLOY-002": {"unguarded": ["test", "review/**"]}}

test_guarded_environment_asks_a_release_manager if {
	production.findings == {{
		"code": "DEPLOY-002",
		"effect": "require_approval",
		"facts": {"environments": ["production", "test"]},
		"clauses": [{"count": 1, "any_of_roles": ["release-manager"], "assurance": "signed"}],
	}} with input as {"deploys_to": ["test", "production"]}
		with data.params as _params
}

test_harmless_environments_are_silent if {
	production.findings == set() with input as {"deploys_to": ["Test", "review/7"]} with data.params as _params
}

test_no_environment_is_silent if {
	production.findings == set() with input as {"deploys_to": []} with data.params as _params
}

test_unknown_environments_ask if {
	count(production.findings) == 1 with input as {} with data.params as _params
	count(production.findings) == 1 with input as {"deploys_to": [null]} with data.params as _params
}
