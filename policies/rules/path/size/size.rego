# METADATA
# title: File too large, or its path too long
# description: |
#   A repository keeps every large file for ever, and a path beyond what file systems take cannot be checked out.
# custom:
#   code: PATH-008
#   severity: medium
#   remediation: Keep large files outside the repository, and shorten the path.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-3]
#   owner: platform
package rules.path.size

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "PATH-008",
	"effect": "deny",
	"facts": {"path": path, "bytes": bytes, "limit": limit},
} if {
	changes.measured
	not _redeployed
	bytes := facts.at(["diff", "largest_bytes"])
	limit := facts.param("PATH-008", "file_bytes")
	not facts.within(bytes, limit)
	path := facts.at(["diff", "largest_path"])
}

findings contains {
	"code": "PATH-008",
	"effect": "deny",
	"facts": {"path_length": length, "limit": limit},
} if {
	changes.measured
	not _redeployed
	length := facts.at(["diff", "longest_path"])
	limit := facts.param("PATH-008", "path_length")
	not facts.within(length, limit)
}

# A redeployment writes no file, whatever lies between the two releases.
_redeployed if {
	not changes.written
	changes.effective
}
