# METADATA
# title: Link out of the repository or onto a protected path
# description: |
#   A symbolic link makes one name stand for another. A link that leads out of the repository, to its root, or onto a
#   protected path (PATH-001) is refused; so is one of which nobody can tell where it leads.
# custom:
#   code: PATH-005
#   severity: high
#   remediation: Put the file itself where the link is, or let the link lead to a plain file of the repository.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-5]
#   owner: platform
package rules.path.symlinks

import data.lib.changes
import data.lib.facts
import data.lib.names

findings contains {
	"code": "PATH-005",
	"effect": "deny",
	"facts": {"links": links},
} if {
	changes.measured
	not _redeployed
	not _safe
	links := sort(_unsafe)
}

# A redeployment writes no file, whatever lies between the two releases.
_redeployed if {
	not changes.written
	changes.effective
}

_safe if facts.at(["diff", "symlinks"]) == []

_safe if {
	is_array(facts.at(["diff", "symlinks"]))
	_unsafe == set()
}

_unsafe contains path if {
	some link in facts.listed(["diff", "symlinks"])
	not _harmless(link)
	path := object.get(link, ["path"], null)
}

_harmless(link) if {
	object.get(link, ["escapes"], null) == false
	target := object.get(link, ["target"], null)
	is_string(target)
	target != "."
	_globs != []
	plain := lower(target)
	not names.may_match(plain, _globs)
}

_globs := facts.words("PATH-001", "globs")
