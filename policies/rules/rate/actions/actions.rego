# METADATA
# title: Too many actions in this hour or day
# description: |
#   An agent has a budget of actions per hour and per day, counted over every door. This finding is early advice; the
#   budget itself is drawn when the action starts.
# custom:
#   code: RATE-001
#   severity: medium
#   remediation: Wait until the hour or day is over; several changes in one commit cost one action.
#   retry: wait_until
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [LLM10, SC-5]
#   owner: platform
package rules.rate.actions

import data.lib.facts

findings contains finding if {
	used := facts.at(["agent", "usage", "actions_hour"])
	finding := _over("hour", used, 3600000)
}

findings contains finding if {
	used := facts.at(["agent", "usage", "actions_day"])
	finding := _over("day", used, 86400000)
}

_over(window, used, length_ms) := {
	"code": "RATE-001",
	"effect": "deny",
	"facts": {"window": window, "used": used, "limit": limit},
	"retry": "wait_until",
	"until_ms": until_ms,
} if {
	limit := facts.limit("RATE-001", window)
	not _room(used, limit)
	until_ms := _end_of(length_ms)
}

# One more must still fit.
_room(used, limit) if {
	is_number(used)
	more := used + 1
	facts.within(more, limit)
}

# Windows begin at full hours and days of UTC. Null where there is no clock.
_end_of(length_ms) := (facts.now_ms - (facts.now_ms % length_ms)) + length_ms if {
	is_number(facts.now_ms)
} else := null
