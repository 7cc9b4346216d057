# METADATA
# title: Outside working hours
# description: |
#   What deploys to an environment that matters, outside the hours in which the people who would notice are at work, is
#   agreed by somebody on call. Weekday and minute are those of the policy's time zone; an hour nobody knows is outside.
# custom:
#   code: TIME-002
#   severity: medium
#   remediation: Propose it again in working hours, or ask whoever is on call to approve.
#   retry: needs_approval
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-3]
#   owner: platform
package rules.time.hours

import data.lib.facts
import data.lib.names

findings contains {
	"code": "TIME-002",
	"effect": "require_approval",
	"facts": {"weekday": weekday, "minute": minute, "environments": environments},
	"clauses": [{"count": 1, "any_of_roles": ["on-call"], "assurance": "signed"}],
} if {
	not _harmless
	not _at_work
	weekday := facts.at(["context", "local_weekday"])
	minute := facts.at(["context", "local_minute"])
	environments := sort(facts.listed(["deploys_to"]))
}

_harmless if {
	environments := facts.at(["deploys_to"])
	is_array(environments)
	globs := facts.words("TIME-002", "unguarded")
	every environment in environments {
		is_string(environment)
		names.surely_matches(lower(environment), globs)
	}
}

# Going back to what worked waits for nobody to come to work, where the parameter says so.
_harmless if facts.action_type in facts.words("TIME-002", "allowed")

_at_work if {
	facts.at(["context", "local_weekday"]) in facts.words("TIME-002", "weekdays")
	minute := facts.at(["context", "local_minute"])
	from := facts.param("TIME-002", "from_minute")
	to := facts.param("TIME-002", "to_minute")
	facts.within(from, minute)
	facts.within(minute, to)
	minute != to
}
