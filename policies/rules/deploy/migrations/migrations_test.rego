package rules.deploy.migrations_test

import data.rules.deploy.migrations

_params := {"DEPLOY-003": {"globs": ["**/migrations/**"]}}

_back(paths, truncated) := {
	"action": {"type": "deployment.rollback"},
	"diff": {"paths": paths, "truncated": truncated},
}

_asks(found, total, truncated) := {
	"code": "DEPLOY-003",
	"effect": "require_approval",
	"facts": {"migrations": found, "migrations_total": total, "truncated": truncated},
	"clauses": [
		{"count": 2, "any_of_roles": ["data-owner", "sre"], "assurance": "signed"},
		{"count": 1, "any_of_roles": ["data-owner"], "assurance": "signed"},
		{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"},
	],
}

test_a_migration_on_the_way_asks_two_people if {
	migrations.findings == {_asks(["db/Migrations/7.sql"], 1, false)} with input as _back(["db/Migrations/7.sql", "a.py"], false)
		with data.params as _params
}

test_only_some_of_many_are_named if {
	many := [path | some letter in split("abcdefghijklmnopqrstuvwxy", ""); path := $"db/migrations/{letter}.sql"]
	some finding in migrations.findings with input as _back(many, false) with data.params as _params
	count(finding.facts.migrations) == 20
	finding.facts.migrations_total == 25
}

test_code_alone_is_silent if {
	migrations.findings == set() with input as _back(["a.py"], false) with data.params as _params
}

test_what_nobody_read_asks if {
	migrations.findings == {_asks([], 0, true)} with input as _back(["a.py"], true) with data.params as _params
	migrations.findings == {_asks([], 0, null)} with input as {"action": {"type": "deployment.rollback"}} with data.params as _params
	migrations.findings == {_asks([7], 1, false)} with input as _back([7], false) with data.params as _params
}

test_without_globs_everything_may_be_one if {
	count(migrations.findings) == 1 with input as _back(["a.py"], false) with data.params as {}
}

test_a_merge_is_silent if {
	migrations.findings == set() with input as {"action": {"type": "merge_request.merge"}} with data.params as _params
}
