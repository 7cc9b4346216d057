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

findings contains {
	"code": "RATE-001",
	"effect": "deny",
	"facts": {"window": window.name, "used": used, "limit": limit},
	"retry": "wait_until",
	"until_ms": until_ms,
} if {
	some window in _windows
	used := facts.at(["agent", "usage", window.fact])
	limit := facts.limit("RATE-001", window.name)
	not _room(used, limit)
	until_ms := _end_of(window)
}

_windows := [
	{"name": "hour", "fact": "actions_hour", "length_ms": 3600000},
	{"name": "day", "fact": "actions_day", "length_ms": 86400000},
]

# One more must still fit.
_room(used, limit) if {
	is_number(used)
	more := used + 1
	facts.within(more, limit)
}

# Windows begin at full hours and days of UTC. Null where there is no clock.
_end_of(window) := (facts.now_ms - (facts.now_ms % window.length_ms)) + window.length_ms if {
	is_number(facts.now_ms)
} else := null
