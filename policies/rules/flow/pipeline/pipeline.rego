# METADATA
# title: Pipeline not green for the head
# description: |
#   A merge waits for a successful pipeline of exactly the commit that is merged. While the pipeline runs the action
#   waits; a failed, stopped or missing one has to be mended. Texts that tell CI to skip are refused where they act.
# custom:
#   code: FLOW-001
#   severity: high
#   remediation: Mend what the pipeline shows and push again; take words like `[skip ci]` out of messages and titles.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CC8.1, SA-11]
#   owner: platform
package rules.flow.pipeline

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "FLOW-001",
	"effect": "deny",
	"facts": {"status": status, "head": head},
	"retry": "wait_until",
	"until_ms": null,
} if {
	_merges
	not _green
	_running
	status := facts.at(["pipeline", "status"])
	head := facts.at(["merge_request", "head"])
}

findings contains {
	"code": "FLOW-001",
	"effect": "deny",
	"facts": {"status": status, "head": head},
	"retry": "fix_and_retry",
} if {
	_merges
	not _green
	not _running
	status := facts.at(["pipeline", "status"])
	head := facts.at(["merge_request", "head"])
}

findings contains {
	"code": "FLOW-001",
	"effect": "deny",
	"facts": {"skip_ci": texts},
	"retry": "fix_and_retry",
} if {
	changes.measured
	not _tested
	texts := sort(facts.listed(["text", "skip_ci"]))
}

_merges if facts.action_type == "merge_request.merge"

_green if {
	facts.at(["pipeline", "status"]) == "success"
	_of_the_head
}

_running if {
	facts.at(["pipeline", "status"]) in facts.words("FLOW-001", "running")
	_of_the_head
}

_of_the_head if {
	head := facts.at(["merge_request", "head"])
	is_string(head)
	facts.at(["pipeline", "sha"]) == head
}

_tested if facts.at(["text", "skip_ci"]) == []
