# METADATA
# title: A question to a server that may not answer
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-039
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.call_out

findings contains {"code": "DEMO-039", "effect": "deny", "facts": {}} if {
	http.send({"method": "GET", "url": "http://127.0.0.1/"}).body.frozen # caught by check: http.send is not among the builtins
}
