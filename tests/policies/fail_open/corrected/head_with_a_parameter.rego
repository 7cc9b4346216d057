# METADATA
# title: A head that shows a limit nobody may have set
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-018
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.head_with_a_parameter

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "DEMO-018",
	"effect": "deny",
	"facts": {"limit": limit},
} if {
	changes.written
	limit := facts.param("DEMO-018", "limit")
}
