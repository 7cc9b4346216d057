package rules.text.shell_test

import data.rules.text.shell

_shell(hits) := {"action": {"type": "issue.create"}, "text": {"shell": hits}}

test_a_command_in_a_title_denies if {
	shell.findings == {{
		"code": "TEXT-005",
		"effect": "deny",
		"facts": {"shell": ["title: $("]},
	}} with input as _shell(["title: $(", "title: &"])
}

test_everything_that_starts_or_joins_commands_denies if {
	every sign in ["$(", "${", "<(", ">(", "`", ";", "|", "&&", "⟨U+000A⟩", "⟨U+000D⟩"] {
		count(shell.findings) == 1 with input as _shell([concat("", ["link_title: ", sign])])
	}
}

test_signs_of_ordinary_titles_are_silent if {
	hits := ["title: $", "title: &", "title: <", "link_title: >", "a/7/title: \\"]
	shell.findings == set() with input as _shell(hits)
}

test_a_ref_denies_for_any_sign if {
	every sign in ["$", "&", "<", ">", "\\"] {
		count(shell.findings) == 1 with input as _shell([concat("", ["source: ", sign])])
	}
}

test_a_field_that_only_ends_like_a_title_denies if {
	count(shell.findings) == 1 with input as _shell(["subtitle: &"])
}

test_a_hit_that_is_no_text_denies if {
	count(shell.findings) == 1 with input as _shell([7])
}

test_a_hit_of_no_field_denies if {
	count(shell.findings) == 1 with input as _shell(["&"])
}

test_plain_words_are_silent if {
	shell.findings == set() with input as _shell([])
}

test_a_merge_is_silent if {
	document := {"action": {"type": "merge_request.merge"}, "text": {"shell": ["merge_request/title: $("]}}
	shell.findings == set() with input as document
}

test_unread_text_denies if {
	count(shell.findings) == 1 with input as {}
}

test_signs_that_are_no_list_deny if {
	count(shell.findings) == 1 with input as _shell(null)
}
