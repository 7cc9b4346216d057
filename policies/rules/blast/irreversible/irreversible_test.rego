package rules.blast.irreversible_test

import data.rules.blast.irreversible

_commit(signals) := {"action": {"type": "commit.create"}, "diff": {}, "blast": {"irreversible": signals}}

test_signal_asks_two_people if {
	irreversible.findings == {{
		"code": "BLAST-006",
		"effect": "require_approval",
		"facts": {"signals": ["sql-drop"]},
		"clauses": [
			{"count": 2, "any_of_roles": ["data-owner", "sre"], "assurance": "signed"},
			{"count": 1, "any_of_roles": ["data-owner"], "assurance": "signed"},
			{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"},
		],
	}} with input as _commit(["sql-drop"])
}

test_no_signal_is_silent if {
	irreversible.findings == set() with input as _commit([])
}

test_unknown_signals_ask if {
	count(irreversible.findings) == 1 with input as _commit(null)
}
