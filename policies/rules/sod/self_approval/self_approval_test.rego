package rules.sod.self_approval_test

import data.rules.sod.self_approval

_merge(kind, voter) := {
	"agent": {"id": "agt_fixer", "owner": "prn_developer"},
	"merge_request": {"author": "agt_other", "author_owner": "prn_lead"},
	"authors": ["agt_other", "prn_author", "prn_lead"],
	"approvals": [{"id": voter, "kind": kind}],
}

test_votes_of_the_concerned_deny if {
	every voter in ["agt_fixer", "prn_developer", "agt_other", "prn_lead", "prn_author"] {
		self_approval.findings == {{
			"code": "SOD-001",
			"effect": "deny",
			"facts": {"voters": [voter]},
		}} with input as _merge("person", voter)
	}
}

test_vote_of_an_agent_denies if {
	count(self_approval.findings) == 1 with input as _merge("agent", "agt_third")
}

test_independent_vote_is_silent if {
	self_approval.findings == set() with input as _merge("person", "prn_checkout_owner")
}

test_no_vote_is_silent if {
	self_approval.findings == set() with input as {"approvals": []}
}

test_vote_without_a_merge_request_is_silent if {
	self_approval.findings == set() with input as object.union(_merge("person", "prn_sre"), {"merge_request": null})
}

test_vote_on_a_persons_merge_request_is_silent if {
	opened := {"merge_request": {"author": "prn_lead", "author_owner": null}}
	self_approval.findings == set() with input as object.union(_merge("person", "prn_sre"), opened)
}

test_unknown_owner_of_the_author_denies if {
	opened := {"merge_request": {"author": "agt_other", "author_owner": null}}
	count(self_approval.findings) == 1 with input as object.union(_merge("person", "prn_sre"), opened)
}

test_unlisted_owner_of_the_author_denies if {
	count(self_approval.findings) == 1 with input as object.union(_merge("person", "prn_sre"), {"authors": ["agt_other"]})
}

test_unknown_votes_deny if {
	self_approval.findings == {{"code": "SOD-001", "effect": "deny", "facts": {"voters": []}}} with input as {}
}

test_unknown_authors_deny if {
	count(self_approval.findings) == 1 with input as object.remove(_merge("person", "prn_sre"), ["authors"])
}

test_voter_that_is_no_text_denies if {
	count(self_approval.findings) == 1 with input as _merge("person", 7)
}

test_unknown_authors_without_a_merge_request_deny if {
	rolled_back := object.union(_merge("person", "prn_sre"), {"merge_request": null, "authors": null})
	count(self_approval.findings) == 1 with input as rolled_back
}
