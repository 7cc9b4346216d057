# METADATA
# title: An else that says what nobody proved
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-033
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.else_of_true

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-033", "effect": "deny", "facts": {}} if {
	changes.written
	not _safe
}

_safe if facts.at(["branch", "protected"]) == false
