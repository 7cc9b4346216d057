# METADATA
# title: Force push or deletion of a protected branch or tag
# description: |
#   History of a protected branch is never rewritten, and the branch never removed; also not as a side effect of a
#   merge that asks for its source branch to be removed. A rebase rewrites the source branch. A protected tag stays.
# custom:
#   code: FLOW-002
#   severity: critical
#   remediation: Push new commits on a branch of your own instead; keep the source branch when it is a protected one.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-5]
#   owner: platform
package rules.flow.force

import data.lib.facts
import data.lib.names

findings contains {
	"code": "FLOW-002",
	"effect": "deny",
	"facts": {"branch": branch},
} if {
	not _keeps_history
	not _free
	branch := facts.at(["branch", "name"])
}

findings contains {
	"code": "FLOW-002",
	"effect": "deny",
	"facts": {"branch": branch},
} if {
	facts.action_type == "merge_request.merge"
	not _keeps_source
	not _source_free
	branch := facts.at(["merge_request", "source_branch"])
}

findings contains {
	"code": "FLOW-002",
	"effect": "deny",
	"facts": {"tag": tag},
} if {
	facts.action_type == "tag.delete"
	facts.at(["tag", "protected"]) != false
	tag := facts.at(["tag", "name"])
}

_keeps_history if facts.action_type == "tag.delete"

_keeps_history if {
	facts.at(["action", "force"]) == false
	facts.at(["action", "delete"]) == false
}

_free if {
	facts.at(["branch", "protected"]) == false
	facts.at(["branch", "default"]) == false
	branch := facts.at(["branch", "name"])
	_unlisted(branch)
}

_keeps_source if facts.at(["action", "params", "remove_source_branch"]) == false

_source_free if {
	branch := facts.at(["merge_request", "source_branch"])
	_unlisted(branch)
}

_unlisted(branch) if {
	globs := facts.words("FLOW-002", "protected")
	globs != []
	not names.may_match(branch, globs)
}
