# METADATA
# title: Text that gives orders
# description: |
#   GitLab carries out lines such as `/merge`, `/approve` or `/close` in descriptions, comments and commit messages.
#   An order hidden in a text was judged by nobody, so a text with one is refused.
# custom:
#   code: TEXT-001
#   severity: high
#   remediation: Take the line out, put it in a code fence, or propose the action it stands for.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: false
#   controls: [LLM01, LLM02]
#   owner: security
package rules.text.quick_actions

import data.lib.facts

findings contains {
	"code": "TEXT-001",
	"effect": "deny",
	"facts": {"quick_actions": orders},
} if {
	not _none
	orders := sort(facts.listed(["text", "quick_actions"]))
}

_none if facts.at(["text", "quick_actions"]) == []
