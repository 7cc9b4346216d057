# METADATA
# title: Approval of one's own work
# description: |
#   A vote counted for this action came from an agent, from the person the agent acts for, or from an author of the
#   change. Such a vote is refused when it is cast; this rule refuses the action should one have got through.
# custom:
#   code: SOD-001
#   severity: critical
#   remediation: Propose the action again and let somebody independent of the change approve it.
#   retry: never
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: false
#   controls: [A.5.3, AC-5]
#   owner: security
package rules.sod.self_approval

import data.lib.facts

findings contains {
	"code": "SOD-001",
	"effect": "deny",
	"facts": {"voters": voters},
} if {
	not _independent
	voters := sort(_voters)
}

_independent if facts.at(["approvals"]) == []

_independent if {
	is_array(facts.at(["approvals"]))
	is_array(facts.at(["authors"]))
	_owner_known
	own := _own
	every approval in facts.at(["approvals"]) {
		object.get(approval, ["kind"], null) == "person"
		id := object.get(approval, ["id"], null)
		is_string(id)
		not id in own
	}
}

# Whoever may not vote; null where nobody is named, which no vote can equal.
_own := {
	facts.agent,
	facts.at(["agent", "owner"]),
	facts.at(["merge_request", "author"]),
	facts.at(["merge_request", "author_owner"]),
} | {author | some author in facts.listed(["authors"])}

# The owner behind a merge request that an agent opened must be known, and be among the authors as the gateway lists
# them, or nobody can say who may not vote.
_owner_known if facts.at(["merge_request"]) == null

_owner_known if {
	author := facts.at(["merge_request", "author"])
	is_string(author)
	not startswith(author, "agt_")
}

_owner_known if {
	owner := facts.at(["merge_request", "author_owner"])
	is_string(owner)
	owner in facts.listed(["authors"])
}

_voters contains id if {
	some approval in facts.listed(["approvals"])
	id := object.get(approval, ["id"], null)
}
