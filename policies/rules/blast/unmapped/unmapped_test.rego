package rules.blast.unmapped_test

import data.rules.blast.unmapped

_commit(paths, cut) := {
	"action": {"type": "commit.create"},
	"diff": {"truncated": cut},
	"blast": {"unmapped": paths, "truncated": false},
}

test_unmapped_path_asks_the_platform_team if {
	unmapped.findings == {{
		"code": "BLAST-007",
		"effect": "require_approval",
		"facts": {"unmapped": ["tools/fix.py"]},
		"clauses": [{"count": 1, "any_of_roles": ["platform"], "assurance": "signed"}],
		"retry": "needs_approval",
	}} with input as _commit(["tools/fix.py"], false)
}

test_cut_change_denies if {
	unmapped.findings == {{"code": "BLAST-007", "effect": "deny", "facts": {"truncated": true}}} with input as _commit([], true)
}

test_mapped_whole_change_is_silent if {
	unmapped.findings == set() with input as _commit([], false)
}

test_unknown_measurement_asks_and_denies if {
	count(unmapped.findings) == 2 with input as {"action": {"type": "commit.create"}, "diff": {}}
}
