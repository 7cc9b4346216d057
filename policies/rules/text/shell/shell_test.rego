package rules.text.shell_test

import data.rules.text.shell

test_a_command_in_a_title_denies if {
	shell.findings == {{
		"code": "TEXT-005",
		"effect": "deny",
		"facts": {"shell": ["title: $"]},
	}} with input as {"action": {"type": "issue.create"}, "text": {"shell": ["title: $"]}}
}

test_plain_words_are_silent if {
	shell.findings == set() with input as {"text": {"shell": []}}
}

test_a_merge_is_silent if {
	document := {"action": {"type": "merge_request.merge"}, "text": {"shell": ["merge_request/title: $"]}}
	shell.findings == set() with input as document
}

test_unread_text_denies if {
	count(shell.findings) == 1 with input as {}
}
