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

findings contains {
	"code": "DEMO-018",
	"effect": "deny",
	"facts": {"limit": data.params["DEMO-018"].limit}, # caught by check: the head holds
} if changes.written
