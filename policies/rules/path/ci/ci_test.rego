package rules.path.ci_test

import data.rules.path.ci

_params := {"PATH-002": {"globs": [".gitlab-ci.yml"], "trusted_includes": ["template:**"]}}

_commit(paths, gitlinks, includes) := {
	"action": {"type": "commit.create"},
	"diff": {"paths": paths, "gitlinks": gitlinks},
	"ci": {
		"config_path": "build/ci.yml",
		"local_includes": ["ci/*.yml"],
		"scripts": ["scripts/test.sh"],
		"remote_includes": includes,
	},
}

_asks(input_document, stated) if {
	ci.findings == {{
		"code": "PATH-002",
		"effect": "require_approval",
		"facts": stated,
		"clauses": [{"count": 1, "any_of_roles": ["platform"], "assurance": "signed"}],
	}} with input as input_document with data.params as _params
}

test_everything_a_pipeline_runs_asks if {
	paths := [".gitlab-ci.yml", "build/ci.yml", "ci/deploy.yml", "scripts/test.sh"]
	_asks(
		_commit(array.concat(paths, ["src/app.js"]), [], []),
		{"paths": paths, "gitlinks": [], "includes": []},
	)
}

test_submodule_asks if {
	_asks(_commit([], ["vendor/lib"], []), {"paths": [], "gitlinks": ["vendor/lib"], "includes": []})
}

test_strange_include_asks if {
	_asks(
		_commit([], [], ["https://ci.example/x.yml", "template:Jobs/SAST.yml"]),
		{"paths": [], "gitlinks": [], "includes": ["https://ci.example/x.yml"]},
	)
}

test_plain_change_is_silent if {
	ci.findings == set() with input as _commit(["src/app.js"], [], ["template:Jobs/SAST.yml"])
		with data.params as _params
}

test_unread_configuration_asks if {
	count(ci.findings) == 1 with input as {"action": {"type": "commit.create"}, "diff": {"paths": [], "gitlinks": []}, "ci": null}
		with data.params as _params
}

test_missing_globs_ask if {
	count(ci.findings) == 1 with input as _commit([], [], []) with data.params as {}
}

test_name_that_is_a_glob_is_reached_as_it_stands if {
	document := object.union(_commit(["[a].yml"], [], []), {"ci": {"local_includes": ["[a].yml"]}})
	_asks(document, {"paths": ["[a].yml"], "gitlinks": [], "includes": []})
}

test_upper_case_asks if {
	_asks(_commit([".GitLab-CI.yml"], [], []), {"paths": [".GitLab-CI.yml"], "gitlinks": [], "includes": []})
}

test_path_that_is_no_text_asks if {
	_asks(_commit([7], [], []), {"paths": [7], "gitlinks": [], "includes": []})
}
