# METADATA
# title: Rollback to what did not run healthy
# description: |
#   A rollback goes back only to a commit that was deployed to the same environment, stayed in place long enough
#   without being marked bad, and not too long ago.
# custom:
#   code: DEPLOY-001
#   severity: critical
#   remediation: Choose a deployment of this environment's history that ran healthy; the facts say what is asked.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CP-10, CM-3]
#   owner: platform
package rules.deploy.rollback

import data.lib.facts

findings contains {
	"code": "DEPLOY-001",
	"effect": "deny",
	"facts": {"environment": environment, "to": to, "healthy_s": healthy_s, "max_age_s": max_age_s},
} if {
	facts.action_type == "deployment.rollback"
	not _proven
	environment := facts.at(["deployment", "environment"])
	to := facts.at(["deployment", "to_sha"])
	healthy_s := facts.param("DEPLOY-001", "healthy_s")
	max_age_s := facts.param("DEPLOY-001", "max_age_s")
}

_proven if {
	to := facts.at(["deployment", "to_sha"])
	is_string(to)
	some entry in facts.listed(["deployment", "history"])
	entry.sha == to
	_long_enough(entry)
	_recent_enough(entry)
}

_long_enough(entry) if {
	wanted := facts.param("DEPLOY-001", "healthy_s")
	is_number(wanted)
	is_number(entry.healthy_s)
	entry.healthy_s >= wanted
}

_recent_enough(entry) if {
	is_number(facts.now_ms)
	is_number(entry.finished_ms)
	allowed := facts.param("DEPLOY-001", "max_age_s")
	is_number(allowed)
	age_ms := facts.now_ms - entry.finished_ms
	limit_ms := allowed * 1000
	facts.within(age_ms, limit_ms)
}
