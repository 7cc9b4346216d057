# METADATA
# title: Lock file changed without its manifest
# description: |
#   A lock file decides what is really installed, and nobody reads it. Changed alone, without the manifest it is made from,
#   it may install something that nobody asked for. The manifest lies in the same folder or below.
# custom:
#   code: SUPPLY-001
#   severity: high
#   remediation: Change the manifest and let the package manager write the lock file, or ask security to approve it.
#   retry: needs_approval
#   binding: state
#   bound_facts: [lockfiles]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [SR-3, LLM03]
#   owner: security
package rules.supply.lockfiles

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "SUPPLY-001",
	"effect": "require_approval",
	"facts": {"lockfiles": lockfiles},
	"clauses": [{"count": 1, "any_of_roles": ["security"], "assurance": "signed"}],
} if {
	changes.written
	not _clear
	lockfiles := sort(_alone)
}

_clear if {
	facts.at(["diff", "kinds"]) == []
	facts.at(["diff", "kinds_cut"]) == false
}

_clear if {
	is_array(facts.at(["diff", "kinds"]))
	facts.at(["diff", "kinds_cut"]) == false
	_alone == set()
}

_alone contains path if {
	some path in _of_kind("lockfile")
	not _accompanied(path)
}

_accompanied(path) if {
	parts := split(lower(path), "/")
	folder := array.slice(parts, 0, count(parts) - 1)
	pairs := facts.param("SUPPLY-001", "pairs")
	is_object(pairs)
	name := parts[count(parts) - 1]
	some manifest in object.get(pairs, [name], [])
	concat("/", array.concat(folder, [manifest])) in _places
}

# Where each changed manifest may stand for one: its own folder and every folder above it.
_places contains place if {
	some path in _of_kind("manifest")
	parts := split(lower(path), "/")
	name := parts[count(parts) - 1]
	some depth, _ in parts
	place := concat("/", array.concat(array.slice(parts, 0, depth), [name]))
}

_of_kind(kind) := {path |
	some entry in facts.listed(["diff", "kinds"])
	object.get(entry, ["kind"], null) == kind
	path := object.get(entry, ["path"], null)
}
