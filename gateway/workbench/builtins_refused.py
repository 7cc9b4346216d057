"""Which fact or form to use in place of a builtin that capabilities.json does not list."""

_INSTEAD = {
    "http.send": "rules do not call out: have the gateway gather it as a fact of the policy input",
    "net.lookup_ip_addr": "rules do not call out: have the gateway gather it as a fact of the policy input",
    "net.": "only net.cidr_contains is here; have addresses read into a fact",
    "time.now_ns": "use facts.now_ms (context.now_ms), or context.local_weekday and context.local_minute",
    "time.weekday": "use context.local_weekday: 1 is Monday, in the project's time zone",
    "time.clock": "use context.local_minute: minutes since midnight, in the project's time zone",
    "time.date": "use facts.now_ms, and write dates into policies/data as milliseconds",
    "time.parse": "write times into policies/data as milliseconds since 1970, and compare with facts.now_ms",
    "time.": "compare context.now_ms, context.local_weekday or context.local_minute",
    "opa.runtime": "write settings into policies/data and read them by facts.param",
    "rand.": "a rule gives the same answer each time it is asked; leave chance out",
    "uuid.": "a rule gives the same answer each time it is asked; use action.id",
    "rego.": "METADATA is joined to findings by the gateway, by code",
    "trace": "remove it; put what matters into the finding's facts",
    "print": "remove it; put what matters into the finding's facts",
    "sprintf": 'put values into the finding\'s facts, or write a template string $"…{x}"',
    "format_int": 'put the number into the finding\'s facts, or write a template string $"…{x}"',
    "walk": "name the paths you mean by facts.at([…]); walk is wrong in WASM",
    "graph.": "use blast.dependants: the gateway walks the catalogue",
    "numbers.range": "compare with both ends by facts.within; ranges have no bound",
    "regex.replace": "use replace, trim_prefix or trim_suffix",
    "regex.": "only regex.match is here: match, and name what you matched by facts",
    "semver.": "have versions compared by the gateway, as a fact of the change",
    "io.jwt.": "who asks is known: use agent.id and agent.tier",
    "crypto.": "signatures are checked by the gateway: use commits[].verified",
    "base64": "have it decoded by the gateway, as a fact of the policy input",
    "json.": "the policy input is decoded already; read it by facts.at([…])",
    "yaml.": "have the file read by the gateway, as a fact of the change",
    "units.": "write numbers into policies/data in the unit of the fact",
}


def instead_of(builtin: str) -> str:
    """What to write instead of a builtin; the longest name that fits says it."""
    fitting = [name for name in _INSTEAD if builtin == name or (builtin.startswith(name) and name[-1] == ".")]
    fitting += [name for name in ("time.parse", "base64") if builtin.startswith(name)]
    return _INSTEAD[max(fitting, key=len)] if fitting else "bring what you need as a fact in the policy input"
