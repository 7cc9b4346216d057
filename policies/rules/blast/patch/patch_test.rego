package rules.blast.patch_test

import data.rules.blast.patch

_params := {"BLAST-008": {"kib": {"low": 1024, "high": 4096}}}

_commit(bytes) := {
	"action": {"type": "commit.create"},
	"agent": {"tier": "contributor"},
	"diff": {"patch_bytes": bytes},
}

_asks(input_document, kib) if {
	patch.findings == {{
		"code": "BLAST-008",
		"effect": "require_approval",
		"facts": {"kib": kib, "limit": 1024},
		"clauses": [{"count": 1, "any_of_roles": ["service-owner"], "assurance": "signed"}],
	}} with input as input_document
		with data.params as _params
}

test_large_patch_asks if {
	_asks(_commit(1048577), 1025)
}

test_unmeasured_patch_asks if {
	_asks(_commit(null), null)
}

test_small_patch_is_silent if {
	patch.findings == set() with input as _commit(1048576) with data.params as _params
}

test_missing_limit_asks if {
	count(patch.findings) == 1 with input as _commit(1) with data.params as {}
}
