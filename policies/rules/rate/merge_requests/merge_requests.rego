# METADATA
# title: Too many open merge requests
# description: |
#   Open merge requests are work for people. An agent finishes or closes some before it opens more.
# custom:
#   code: RATE-002
#   severity: medium
#   remediation: Let open merge requests of this agent be merged or closed first.
#   retry: wait_until
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [LLM10]
#   owner: platform
package rules.rate.merge_requests

import data.lib.facts

findings contains {
	"code": "RATE-002",
	"effect": "deny",
	"facts": {"open": open, "limit": limit},
	"retry": "wait_until",
	"until_ms": null,
} if {
	facts.action_type == "merge_request.open"
	open := facts.at(["agent", "usage", "open_merge_requests"])
	limit := facts.limit("RATE-002", "open")
	not _room(open, limit)
}

# One more must still fit.
_room(open, limit) if {
	is_number(open)
	more := open + 1
	facts.within(more, limit)
}
