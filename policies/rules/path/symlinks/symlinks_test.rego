package rules.path.symlinks_test

import data.rules.path.symlinks

_params := {"PATH-001": {"globs": ["policies", "policies/**"]}}

_commit(links) := {"action": {"type": "commit.create"}, "diff": {"symlinks": links}}

_link(target, escapes) := {"path": "docs/link", "target": target, "escapes": escapes}

_denies(input_document, params) if {
	symlinks.findings == {{"code": "PATH-005", "effect": "deny", "facts": {"links": ["docs/link"]}}} with input as input_document
		with data.params as params
}

test_link_out_of_the_repository_denies if {
	_denies(_commit([_link(null, true)]), _params)
}

test_link_onto_a_protected_path_denies if {
	_denies(_commit([_link("Policies/gate", false)]), _params)
}

test_link_to_the_root_denies if {
	_denies(_commit([_link(".", false)]), _params)
}

test_link_of_unknown_target_denies if {
	_denies(_commit([{"path": "docs/link"}]), _params)
}

test_link_without_protected_paths_denies if {
	_denies(_commit([_link("src/app.js", false)]), {})
}

test_plain_link_is_silent if {
	symlinks.findings == set() with input as _commit([_link("src/app.js", false)]) with data.params as _params
}

test_no_link_is_silent if {
	symlinks.findings == set() with input as _commit([]) with data.params as {}
}

test_unread_links_deny if {
	count(symlinks.findings) == 1 with input as _commit(null) with data.params as _params
}

test_redeployment_is_silent if {
	redeployed := {
		"action": {"type": "deployment.rollback", "params": {"method": "redeploy"}},
		"diff": {"symlinks": [_link(null, true)]},
	}
	symlinks.findings == set() with input as redeployed with data.params as _params
}
