# METADATA
# title: Not as merge requests and work items are expected here
# description: |
#   What an agent opens reads as the house expects: a title of the wanted form, the labels that mark it, and as a draft where the house wants to look first. Changing it later holds it to the same.
# custom:
#   code: FLOW-006
#   severity: low
#   remediation: Use a title of the wanted form, give the labels that are named, and open it as a draft where one is wanted.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [CC8.1]
#   owner: platform
package rules.flow.expected

import data.lib.facts

findings contains {
	"code": "FLOW-006",
	"effect": "deny",
	"facts": {"title": title, "pattern": pattern},
} if {
	_kind
	_given("title")
	not _titled
	title := facts.at(["action", "params", "title"])
	pattern := _wanted("title")
}

findings contains {
	"code": "FLOW-006",
	"effect": "deny",
	"facts": {"labels": labels, "required": required},
} if {
	_kind
	_given("labels")
	not _labelled
	labels := facts.at(["action", "params", "labels"])
	required := _wanted("labels_required")
}

findings contains {
	"code": "FLOW-006",
	"effect": "deny",
	"facts": {"draft": draft},
} if {
	_kind == "merge_request"
	_given("draft")
	not _drafted
	draft := facts.at(["action", "params", "draft"])
}

_kind := "merge_request" if facts.action_type in {"merge_request.open", "merge_request.update"}

_kind := "issue" if facts.action_type in {"issue.create", "issue.update"}

# What is opened says everything; what is changed is held only to what it says.
_given(_) if facts.action_type in {"merge_request.open", "issue.create"}

_given(name) if {
	value := facts.at(["action", "params", name])
	value != null
}

_wanted(name) := value if {
	expected := facts.param("FLOW-006", _kind)
	is_object(expected)
	value := object.get(expected, [name], null)
} else := null

_titled if {
	title := facts.at(["action", "params", "title"])
	pattern := _wanted("title")
	is_string(title)
	is_string(pattern)
	regex.match(pattern, title)
}

_labelled if {
	labels := facts.at(["action", "params", "labels"])
	required := _wanted("labels_required")
	is_array(labels)
	is_array(required)
	every label in required {
		label in labels
	}
}

_drafted if _wanted("draft") == false

_drafted if facts.at(["action", "params", "draft"]) == true
