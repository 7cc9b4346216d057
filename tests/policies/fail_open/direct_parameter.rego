# METADATA
# title: A parameter read directly
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-031
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.direct_parameter

import data.lib.changes

findings contains {"code": "DEMO-031", "effect": "deny", "facts": {}} if {
	changes.written
	data.params["DEMO-031"].on == true # caught by check: is read directly
}
