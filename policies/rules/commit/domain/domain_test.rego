package rules.commit.domain_test

import data.rules.commit.domain

_params := {"COMMIT-003": {"domains": ["agents.gitlab.example", "*.shop.example"]}}

_commit(name) := {
	"action": {"type": "commit.create"},
	"diff": {},
	"commits": [{"id": "aaa", "domain": name}],
}

_denies(input_document, ids) if {
	domain.findings == {{
		"code": "COMMIT-003",
		"effect": "deny",
		"facts": {"commits": ids, "domains": _params["COMMIT-003"].domains},
	}} with input as input_document
		with data.params as _params
}

_silent(input_document, params) if {
	domain.findings == set() with input as input_document with data.params as params
}

test_another_domain_denies if {
	_denies(_commit("gitlab.example"), ["aaa"])
}

test_no_address_denies if {
	_denies(_commit(null), ["aaa"])
}

test_allowed_domain_is_silent if {
	_silent(_commit("agents.gitlab.example"), _params)
	_silent(_commit("eu.shop.example"), _params)
}

test_every_domain_is_silent_where_all_are_allowed if {
	_silent(_commit(null), {"COMMIT-003": {"domains": ["**"]}})
}

test_missing_domains_deny if {
	count(domain.findings) == 1 with input as _commit("gitlab.example") with data.params as {}
}

test_unread_commits_deny if {
	_denies({"action": {"type": "commit.create"}, "diff": {}}, [])
}

test_rollback_is_silent if {
	_silent(object.union(_commit("x.example"), {"action": {"type": "deployment.rollback"}}), _params)
}
