# METADATA
# title: A list read directly
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-030
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.direct_list

findings contains {"code": "DEMO-030", "effect": "deny", "facts": {}} if {
	some path in input.diff.paths # caught by check: is read directly
	startswith(path, "secrets/")
}
