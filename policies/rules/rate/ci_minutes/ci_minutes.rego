# METADATA
# title: What CI would take cannot be estimated
# description: |
#   A pipeline costs its jobs times what a job usually takes. Where jobs cannot be counted, because the configuration
#   includes files from elsewhere or cannot be read, and the policy names no number to stand in, nothing is started.
# custom:
#   code: RATE-004
#   severity: medium
#   remediation: |
#     Let the CI configuration include files of this repository only, or ask the platform team to set `jobs` and
#     `job_seconds` of RATE-004.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [LLM10, SC-5]
#   owner: platform
package rules.rate.ci_minutes

import data.lib.costs
import data.lib.facts

findings contains {
	"code": "RATE-004",
	"effect": "deny",
	"facts": {"jobs": jobs, "job_seconds": seconds},
} if {
	facts.present("costs")
	not _estimated
	jobs := facts.at(["costs", "ci_jobs"])
	seconds := facts.at(["costs", "job_seconds"])
}

_estimated if {
	minutes := costs.amount("ci_minutes")
	is_number(minutes)
}
