package rules.path.guarded_test

import data.rules.path.guarded

_params := {"PATH-006": {
	"handling": {"manifest": "allowed", "tooling": "request_review", "credentials": "blocked"},
	"request_review": ["db/**"],
	"blocked": ["legal/**"],
}}

_commit(paths, kinds) := {"action": {"type": "commit.create"}, "diff": {"paths": paths, "kinds": kinds}}

_kind(path, kind) := {"path": path, "kind": kind}

_silent(input_document) if {
	guarded.findings == set() with input as input_document with data.params as _params
}

_denies(input_document, params, paths) if {
	guarded.findings == {{
		"code": "PATH-006",
		"effect": "deny",
		"facts": {"blocked": paths},
		"retry": "fix_and_retry",
	}} with input as input_document
		with data.params as params
}

test_guarded_files_ask if {
	guarded.findings == {{
		"code": "PATH-006",
		"effect": "require_approval",
		"facts": {"paths": [".npmrc", "db/schema.sql"]},
		"clauses": [{"count": 1, "any_of_roles": ["platform", "security"], "assurance": "signed"}],
	}} with input as _commit(["db/schema.sql"], [_kind(".npmrc", "tooling"), _kind("package.json", "manifest")])
		with data.params as _params
}

test_blocked_files_deny if {
	_denies(_commit(["legal/terms.md"], [_kind(".env", "credentials")]), _params, [".env", "legal/terms.md"])
}

test_kind_nobody_speaks_of_denies if {
	_denies(_commit([], [_kind("terraform/main.tf", "infrastructure")]), _params, ["terraform/main.tf"])
}

test_plain_files_are_silent if {
	_silent(_commit(["src/app.js"], [_kind("package.json", "manifest")]))
}

test_unclassified_files_deny if {
	_denies(_commit([], null), _params, [])
}

test_missing_parameters_deny if {
	_denies(_commit([], []), {}, [])
	_denies(_commit([], [_kind("package.json", "manifest")]), {}, ["package.json"])
}

test_redeployment_is_silent if {
	_silent({
		"action": {"type": "deployment.rollback", "params": {"method": "redeploy"}},
		"diff": {"paths": [], "kinds": [_kind(".env", "credentials")]},
	})
}

test_opened_request_denies_only_what_is_blocked if {
	_silent({"action": {"type": "merge_request.open"}, "diff": {"paths": [], "kinds": [_kind(".npmrc", "tooling")]}})
	opened := {"action": {"type": "merge_request.open"}, "diff": {"paths": [], "kinds": [_kind(".env", "credentials")]}}
	_denies(opened, _params, [".env"])
}
