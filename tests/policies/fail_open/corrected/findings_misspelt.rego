# METADATA
# title: Findings under a name that nobody collects
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-043
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.findings_misspelt

import data.lib.changes

findings contains {"code": "DEMO-043", "effect": "deny", "facts": {}} if changes.written
