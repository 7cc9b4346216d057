package rules.trust.sources_test

import data.rules.trust.sources

_params := {"TRUST-001": {"actions": ["merge_request.merge"], "roles": ["sre"], "no_record": "ignored"}}

_acts(type, read) := {
	"action": {"type": type, "consequential": true},
	"context": {"sources": read, "sources_total": count(read)},
}

_web := {"kind": "web", "trust": "untrusted"}

_asks(kinds) := {
	"code": "TRUST-001",
	"effect": "require_approval",
	"facts": {"kinds": kinds},
	"clauses": [{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"}],
}

test_untrusted_words_ask_a_person if {
	sources.findings == {_asks(["issue", "web"])} with input as _acts(
		"merge_request.merge",
		[_web, {"kind": "issue", "trust": "untrusted"}, {"kind": "file", "trust": "trusted"}],
	)
		with data.params as _params
}

test_trusted_words_and_none_are_silent if {
	sources.findings == set() with input as _acts("merge_request.merge", [{"kind": "file", "trust": "trusted"}]) with data.params as _params
	sources.findings == set() with input as _acts("merge_request.merge", []) with data.params as _params
}

test_no_record_asks_where_it_taints if {
	sources.findings == {_asks([])} with input as _acts("merge_request.merge", [])
		with data.params as object.union(_params, {"TRUST-001": {"no_record": "taints"}})
}

test_other_actions_are_silent if {
	sources.findings == set() with input as _acts("job.retry", [_web]) with data.params as _params
	sources.findings == set() with input as {"action": {"type": "merge_request.merge", "consequential": false}} with data.params as _params
}

test_what_nobody_knows_asks if {
	sources.findings == {_asks([])} with input as {"action": {"type": "merge_request.merge"}} with data.params as _params
	sources.findings == {_asks([])} with input as {"action": {}} with data.params as _params
	sources.findings == {_asks([null])} with input as _acts("merge_request.merge", [{}]) with data.params as _params
	count(sources.findings) == 1 with input as _acts("job.retry", []) with data.params as {}
}
