package rules.path.extensions_test

import data.rules.path.extensions

_params := {"PATH-007": {"forbidden": ["exe", "jar"], "names": [`(^|/)core\.[0-9]+$`]}}

_commit(paths, found) := {"action": {"type": "commit.create"}, "diff": {"paths": paths, "extensions": found}}

_denies(input_document, stated) if {
	extensions.findings == {{"code": "PATH-007", "effect": "deny", "facts": stated}} with input as input_document
		with data.params as _params
}

test_built_files_deny if {
	_denies(_commit(["lib/a.jar"], ["jar", "js"]), {"extensions": ["jar"], "paths": []})
}

test_forbidden_names_deny if {
	_denies(_commit(["tmp/core.123", "src/core.js"], ["js"]), {"extensions": [], "paths": ["tmp/core.123"]})
}

test_name_that_is_no_text_denies if {
	_denies(_commit([7], []), {"extensions": [], "paths": [7]})
}

test_plain_files_are_silent if {
	extensions.findings == set() with input as _commit(["src/app.js"], ["js"]) with data.params as _params
}

test_unreadable_pattern_denies if {
	count(extensions.findings) == 1 with input as _commit(["src/app.js"], ["js"])
		with data.params as {"PATH-007": {"forbidden": [], "names": ["("]}}
}

test_unread_extensions_deny if {
	count(extensions.findings) == 1 with input as _commit([], null) with data.params as _params
}

test_missing_lists_deny if {
	count(extensions.findings) == 1 with input as _commit([], []) with data.params as {}
}

test_redeployment_is_silent if {
	redeployed := {
		"action": {"type": "deployment.rollback", "params": {"method": "redeploy"}},
		"diff": {"paths": [], "extensions": ["exe"]},
	}
	extensions.findings == set() with input as redeployed with data.params as _params
}
