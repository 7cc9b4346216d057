# METADATA
# title: Work item moved along a way that is not on the map
# description: |
#   A work item goes from status to status only as the map of its project says. Closing counts as a move to `closed`
#   and reopening as one to `reopened`, so that neither is a way around the map.
# custom:
#   code: FLOW-004
#   severity: medium
#   remediation: Move it to a status that the map allows from where it is, or ask the platform team to extend the map.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CC8.1]
#   owner: platform
package rules.flow.transitions

import data.lib.facts
import data.lib.names

findings contains {
	"code": "FLOW-004",
	"effect": "deny",
	"facts": {"from": status, "to": to},
} if {
	facts.action_type in {"issue.transition", "issue.close", "issue.reopen"}
	not _mapped
	status := facts.at(["issue", "status"])
	to := _to
}

_mapped if {
	some way in _ways
	to := _to
	is_string(to)
	lower(to) in way
}

# Where the map leads from the status the work item is in: by name, and from any.
_ways contains way if {
	status := facts.at(["issue", "status"])
	is_string(status)
	status != ""
	known := lower(status)
	some from in {known, "*"}
	way := object.get(_moves, [from], [])
	is_array(way)
}

default _moves := {}

_moves := moves if {
	maps := [entry | some entry in facts.words("FLOW-004", "maps"); _here(entry)]
	first := maps[0]
	moves := object.get(first, ["moves"], {})
	is_object(moves)
}

_here(entry) if {
	projects := object.get(entry, ["projects"], null)
	names.surely_matches(facts.place, projects)
}

_to := "closed" if {
	facts.action_type == "issue.close"
} else := "reopened" if {
	facts.action_type == "issue.reopen"
} else := facts.at(["action", "params", "to"])
