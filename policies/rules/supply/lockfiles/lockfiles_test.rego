package rules.supply.lockfiles_test

import data.rules.supply.lockfiles

_params := {"SUPPLY-001": {"pairs": {"package-lock.json": ["package.json"], "cargo.lock": ["cargo.toml"]}}}

_commit(locks, manifests) := {
	"action": {"type": "commit.create"},
	"diff": {"kinds_cut": false, "kinds": array.concat(
		[{"path": path, "kind": "lockfile"} | some path in locks],
		[{"path": path, "kind": "manifest"} | some path in manifests],
	)},
}

_asks(input_document, params, paths) if {
	lockfiles.findings == {{
		"code": "SUPPLY-001",
		"effect": "require_approval",
		"facts": {"lockfiles": paths},
		"clauses": [{"count": 1, "any_of_roles": ["security"], "assurance": "signed"}],
	}} with input as input_document
		with data.params as params
}

_silent(input_document) if {
	lockfiles.findings == set() with input as input_document with data.params as _params
}

test_lock_file_alone_asks if {
	_asks(_commit(["Cargo.lock", "web/package-lock.json"], ["Cargo.toml"]), _params, ["web/package-lock.json"])
}

test_manifest_above_does_not_count if {
	_asks(_commit(["web/package-lock.json"], ["package.json"]), _params, ["web/package-lock.json"])
}

test_manifest_of_another_kind_does_not_count if {
	_asks(_commit(["package-lock.json"], ["Cargo.toml"]), _params, ["package-lock.json"])
}

test_lock_file_with_its_manifest_is_silent if {
	_silent(_commit(["web/package-lock.json"], ["web/package.json"]))
	_silent(_commit(["Cargo.lock"], ["crates/one/Cargo.toml"]))
}

test_no_lock_file_is_silent if {
	_silent(_commit([], ["package.json"]))
	_silent(_commit([], []))
}

test_missing_pairs_ask if {
	_asks(_commit(["package-lock.json"], ["package.json"]), {}, ["package-lock.json"])
}

test_list_that_was_cut_asks if {
	cut := {"diff": {"kinds_cut": true}}
	_asks(object.union(_commit([], []), cut), _params, [])
	_asks(object.union(_commit(["Cargo.lock"], ["Cargo.toml"]), cut), _params, [])
}

test_unclassified_files_ask if {
	_asks({"action": {"type": "commit.create"}, "diff": {}}, _params, [])
}
