package lib.names_test

import data.lib.names

test_protected_names_may_match if {
	names.may_match("release/1", ["release/**"])
	names.may_match("release/1\n2", ["release/**"])
	names.may_match("anything\n", ["release/**"])
	names.may_match(7, ["release/**"])
}

test_other_names_do_not if {
	not names.may_match("agent/x", ["release/**"])
}

test_plain_names_surely_match if {
	names.surely_matches("dev/1", ["dev/**"])
}

test_unreadable_and_other_names_do_not if {
	not names.surely_matches("dev/1\n2", ["dev/**"])
	not names.surely_matches("production", ["dev/**"])
	not names.surely_matches(null, ["dev/**"])
}
