# METADATA
# title: Work item that is open already
# description: |
#   A new work item whose title says in the same words what an open one of the project says already only scatters the
#   work. The newest open items are compared, word for word; which ones are alike is told, never what they say.
# custom:
#   code: RATE-003
#   severity: low
#   remediation: Comment on the open work item that is named, or say in the title what is different.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [LLM10]
#   owner: platform
package rules.rate.duplicates

import data.lib.facts

findings contains {
	"code": "RATE-003",
	"effect": "deny",
	"facts": {"duplicates": duplicates, "similarity": similarity, "limit": limit},
} if {
	facts.action_type == "issue.create"
	not _new
	limit := facts.param("RATE-003", "similarity")
	alike := [one | some one in facts.listed(["similar", "candidates"]); not _other(one)]
	duplicates := [key | some one in alike; key := object.get(one, ["key"], null)]
	similarity := max({0} | {rate | some one in alike; rate := object.get(one, ["similarity"], null); is_number(rate)})
}

_new if {
	candidates := facts.at(["similar", "candidates"])
	is_array(candidates)
	facts.at(["similar", "candidates_total"]) == count(candidates)
	every candidate in candidates {
		_other(candidate)
	}
}

# Less alike than the limit, both known.
_other(candidate) if {
	similarity := object.get(candidate, ["similarity"], null)
	limit := facts.param("RATE-003", "similarity")
	facts.within(similarity, limit)
	similarity != limit
}
