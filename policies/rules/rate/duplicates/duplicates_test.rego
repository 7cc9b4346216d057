package rules.rate.duplicates_test

import data.rules.rate.duplicates

_params := {"RATE-003": {"similarity": 920}}

_create(candidates) := {
	"action": {"type": "issue.create"},
	"similar": {"candidates": candidates, "candidates_total": count(candidates)},
}

_denies(input_document, keys, rate) if {
	duplicates.findings == {{
		"code": "RATE-003",
		"effect": "deny",
		"facts": {"duplicates": keys, "similarity": rate, "limit": 920},
	}} with input as input_document
		with data.params as _params
}

test_the_same_words_deny if {
	_denies(_create([{"key": "SHOP-1", "similarity": 920}, {"key": "SHOP-2", "similarity": 919}]), ["SHOP-1"], 920)
}

test_other_words_are_silent if {
	duplicates.findings == set() with input as _create([{"key": "SHOP-2", "similarity": 919}]) with data.params as _params
	duplicates.findings == set() with input as _create([]) with data.params as _params
}

test_what_nobody_compared_denies if {
	_denies(_create([{"key": "SHOP-1", "similarity": "same"}]), ["SHOP-1"], 0)
	_denies({"action": {"type": "issue.create"}}, [], 0)
	_denies({"action": {"type": "issue.create"}, "similar": {"candidates": [], "candidates_total": 1}}, [], 0)
}

test_without_a_limit_anything_alike_denies if {
	count(duplicates.findings) == 1 with input as _create([{"key": "SHOP-1", "similarity": 1}]) with data.params as {}
}

test_a_comment_is_silent if {
	duplicates.findings == set() with input as {"action": {"type": "issue.comment"}} with data.params as _params
}
