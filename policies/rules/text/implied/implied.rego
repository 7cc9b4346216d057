# METADATA
# title: Text that closes or moves issues
# description: |
#   Words such as `Closes #3` act when a change is merged, and `SHOP-1 #done` acts on Jira when a commit arrives. Each is a change
#   of an issue that was judged by nobody. Naming an issue is fine.
# custom:
#   code: TEXT-002
#   severity: high
#   remediation: Name the issue without the closing word or command, and propose issue.transition for it.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [LLM01, LLM02]
#   owner: security
package rules.text.implied

import data.lib.facts

findings contains {
	"code": "TEXT-002",
	"effect": "deny",
	"facts": {"closes": closes, "smart_commits": commands},
} if {
	not _none
	closes := sort(facts.listed(["text", "closes"]))
	commands := sort(facts.listed(["text", "smart_commits"]))
}

_none if {
	facts.at(["text", "closes"]) == []
	facts.at(["text", "smart_commits"]) == []
}
