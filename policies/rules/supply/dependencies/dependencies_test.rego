package rules.supply.dependencies_test

import data.rules.supply.dependencies

_params := {"SUPPLY-002": {"allowed": ["npm:@types/*", "npm:jquery"], "unread": ["**/Gemfile"]}}

_commit(added, unread) := {
	"action": {"type": "commit.create"},
	"diff": {"dependencies_added": added, "manifests_unread": unread},
}

_asks(input_document, stated) if {
	dependencies.findings == {{
		"code": "SUPPLY-002",
		"effect": "require_approval",
		"facts": stated,
		"clauses": [{"count": 1, "any_of_roles": ["security"], "assurance": "signed"}],
	}} with input as input_document
		with data.params as _params
}

_silent(input_document, params) if {
	dependencies.findings == set() with input as input_document with data.params as params
}

test_strange_dependency_asks if {
	_asks(
		_commit(["npm+git:jquery", "npm:jquery", "npm:left-pad"], []),
		{"added": ["npm+git:jquery", "npm:left-pad"], "unread": []},
	)
}

test_unread_manifest_asks if {
	_asks(_commit([], ["api/Gemfile", "package.json"]), {"added": [], "unread": ["package.json"]})
}

test_allowed_dependency_is_silent if {
	_silent(_commit(["npm:@types/node", "npm:jquery"], ["api/Gemfile"]), _params)
}

test_no_new_dependency_is_silent if {
	_silent(_commit([], []), {})
}

test_missing_list_asks if {
	count(dependencies.findings) == 1 with input as _commit(["npm:jquery"], []) with data.params as {}
}

test_unread_change_asks if {
	_asks({"action": {"type": "commit.create"}, "diff": {}}, {"added": [], "unread": []})
}
