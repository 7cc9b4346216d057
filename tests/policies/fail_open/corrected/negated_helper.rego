# METADATA
# title: A helper that has a value only sometimes, under not
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-009
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_helper

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-009", "effect": "deny", "facts": {}} if {
	changes.written
	not _plain(_kind)
}

default _kind := null

_kind := "a" if facts.action_type == "issue.create"

_plain(x) if x == "b"
