# METADATA
# title: Text that calls many people
# description: |
#   On GitLab `@all` and the name of a group notify every member, and each notification carries the agent's words. A few
#   people may be named. Jira gets no mentions at all, because the gateway writes none there.
# custom:
#   code: TEXT-003
#   severity: medium
#   remediation: Name the people who are needed, a few at most, and put package names such as `@scope/name` in backticks.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [LLM01, LLM06]
#   owner: security
package rules.text.mentions

import data.lib.facts

findings contains {
	"code": "TEXT-003",
	"effect": "deny",
	"facts": {"mass_mentions": groups, "mentions": count(names)},
} if {
	not _on_jira
	not _calm
	groups := sort(array.concat(facts.listed(["text", "mass_mentions"]), _own_group))
	names := facts.listed(["text", "mentions"])
}

_on_jira if facts.at(["action", "system"]) == "jira"

_calm if {
	facts.at(["text", "mass_mentions"]) == []
	_own_group == []
	names := facts.at(["text", "mentions"])
	is_array(names)
	facts.within(count(names), facts.param("TEXT-003", "people"))
}

# The project's own top-level group has no slash in its name and is a group all the same.
_own_group := [mention |
	some mention in facts.listed(["text", "mentions"])
	_names_own_group(mention)
]

_names_own_group(mention) if {
	is_string(mention)
	is_string(facts.project)
	name := substring(lower(mention), indexof(mention, "@") + 1, -1)
	startswith($"{lower(facts.project)}/", $"{name}/")
}
