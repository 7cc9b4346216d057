# METADATA
# title: "One finding in place of a set: two reasons are a conflict, and then there is none"
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-044
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.findings_as_a_value

import data.lib.changes

findings := {{"code": "DEMO-044", "effect": "deny", "facts": {}}} if changes.written # caught by check: findings must be a set
