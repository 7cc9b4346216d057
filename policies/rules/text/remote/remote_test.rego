package rules.text.remote_test

import data.rules.text.remote

_params := {"TEXT-004": {"hosts": ["docs.test", "*.good.test"]}}

_text(images, links) := {"action": {"type": "issue.create"}, "text": {"images": images, "links": links}}

test_an_image_denies if {
	remote.findings == {{
		"code": "TEXT-004",
		"effect": "deny",
		"facts": {"images": ["body: ![a](x)"], "links": []},
	}} with input as _text(["body: ![a](x)"], []) with data.params as _params
}

test_a_strange_host_denies if {
	remote.findings == {{
		"code": "TEXT-004",
		"effect": "deny",
		"facts": {"images": [], "links": ["body: evil.test"]},
	}} with input as _text([], ["body: docs.test", "body: evil.test"]) with data.params as _params
}

test_listed_hosts_are_silent if {
	remote.findings == set() with input as _text([], ["body: docs.test", "body: a.good.test"]) with data.params as _params
}

test_a_host_that_only_ends_alike_denies if {
	count(remote.findings) == 1 with input as _text([], ["body: notdocs.test"]) with data.params as _params
}

test_a_merge_is_silent if {
	document := {"action": {"type": "merge_request.merge"}, "text": {"images": ["a"], "links": []}}
	remote.findings == set() with input as document with data.params as _params
}

test_unread_text_denies if {
	count(remote.findings) == 1 with input as {} with data.params as _params
}

test_unread_links_deny if {
	count(remote.findings) == 1 with input as _text([], null) with data.params as _params
}

test_a_link_that_is_no_text_denies if {
	count(remote.findings) == 1 with input as _text([], [7]) with data.params as _params
}

test_without_a_list_every_link_denies if {
	count(remote.findings) == 1 with input as _text([], ["body: docs.test"]) with data.params as {}
}
