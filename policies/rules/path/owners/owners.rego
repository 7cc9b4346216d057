# METADATA
# title: Code owner's approval missing or stale
# description: |
#   What CODEOWNERS at the target branch gives to somebody is merged with the approval of as many of its owners as the file
#   asks for. A vote belongs to the head it was cast for, so a new commit makes it stale. An owner who took part in the
#   change, or whom the roster does not know, cannot answer; where no owner can, other roles stand in.
# custom:
#   code: PATH-004
#   severity: high
#   remediation: Ask the code owners named in the ticket to approve the merge.
#   retry: needs_approval
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [A.8.4]
#   owner: platform
package rules.path.owners

import data.lib.facts

findings contains {
	"code": "PATH-004",
	"effect": "require_approval",
	"facts": {"sections": sections, "unread": unread},
	"clauses": clauses,
} if {
	facts.action_type == "merge_request.merge"
	not _unowned
	unread := facts.at(["code_owners", "unread"])
	sections := sort(_sections)
	clauses := sort(_clauses)
}

_unowned if {
	facts.at(["code_owners", "required"]) == []
	facts.at(["code_owners", "unread"]) == 0
}

_required := facts.listed(["code_owners", "required"])

_stand_in := facts.words("PATH-004", "stand_in")

_sections contains section if {
	some part in _required
	section := object.get(part, ["section"], null)
}

_clauses contains clause if {
	some part in _required
	number := object.get(part, ["part"], null)
	wanted := object.get(part, ["approvals"], null)
	roles := sort(_roles(number, wanted))
	clause := {"count": wanted, "any_of_roles": roles, "assurance": "signed"}
}

# A file that was not read whole may give the change to anybody.
_clauses contains clause if {
	not _read_whole
	roles := _stand_in
	clause := {"count": 1, "any_of_roles": roles, "assurance": "signed"}
}

_read_whole if {
	is_array(facts.at(["code_owners", "required"]))
	facts.at(["code_owners", "unread"]) == 0
}

_roles(number, wanted) := owners if {
	owners := _able(number)
	is_number(wanted)
	count(owners) >= wanted
} else := roles if {
	others := {role | some role in _stand_in}
	roles := _able(number) | others
}

# Owners who may vote: nobody approves what is their own work, or their agent's.
_able(number) := {person |
	some owner in facts.listed(["code_owners", "owners"])
	object.get(owner, ["part"], null) == number
	person := object.get(owner, ["person"], null)
	not person in _involved
}

_involved contains person if some person in facts.listed(["authors"])

_involved contains person if {
	person := facts.at(["agent", "owner"])
	is_string(person)
}
