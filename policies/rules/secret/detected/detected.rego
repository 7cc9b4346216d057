# METADATA
# title: Secret in the change or its texts
# description: |
#   A detector found a credential in a new file, in a commit that was rewritten later, in a text of the action, or
#   in a name that stands at the target, such as a branch or a path.
#   Only the place is shown, never the value.
# custom:
#   code: SECRET-001
#   severity: critical
#   remediation: Take the secret out of every commit of the branch and revoke it; it has been seen.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: false
#   controls: [IA-5, A.8.12, LLM02]
#   owner: security
package rules.secret.detected

import data.lib.facts

findings contains {
	"code": "SECRET-001",
	"effect": "deny",
	"facts": {"secrets": secrets, "texts": texts},
} if {
	not _none
	secrets := sort(facts.listed(["diff", "secrets"]))
	texts := sort(facts.listed(["text", "secrets"]))
}

_none if {
	facts.at(["text", "secrets"]) == []
	_none_in_files
}

_none_in_files if facts.at(["diff"]) == null

_none_in_files if facts.at(["diff", "secrets"]) == []
