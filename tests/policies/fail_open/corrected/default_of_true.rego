# METADATA
# title: A default that says what nobody proved
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-032
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.default_of_true

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-032", "effect": "deny", "facts": {}} if {
	changes.written
	not _safe
}

default _safe := false

_safe if facts.at(["branch", "protected"]) == false
