"""The files of the demo world's two repositories, as text."""

import json

_CI = """\
stages: [test, deploy]

test:
  stage: test
  script:
    - npm ci
    - npm test

deploy:
  stage: deploy
  script:
    - ./deploy.sh production
  environment:
    name: production
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
"""
_OWNERS = """\
# Who must agree to a change of what.
*            @maya
/policies/   @security
/.gitlab-ci.yml @platform
"""
_POLICY = """\
# Policies of this project

What is in force for checkout. Agents may read this folder; only the security team changes it.
"""
_INDEX = """\
const $ = require("jquery");
const { total } = require("./cart");

module.exports = function render(cart) {
  $("#total").text(total(cart.lines).toFixed(2));
};
"""
_CART_FIRST = """\
exports.total = function total(lines) {
  return lines.reduce((sum, line) => sum + line.price, 0);
};
"""
_CART = """\
exports.total = function total(lines) {
  return lines.reduce((sum, line) => sum + line.price * line.count, 0);
};
"""
_DEPLOY = '#!/bin/sh\nset -eu\necho "deploying to $1"\n'

# The packages of the demo's Trivy report: name, version, what it requires.
_PACKAGES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("asap", "2.0.6", {}),
    ("jquery", "3.3.9", {}),
    ("js-tokens", "4.0.0", {}),
    ("loose-envify", "1.4.0", {"js-tokens": "^4.0.0"}),
    ("object-assign", "4.1.1", {}),
    ("promise", "8.0.3", {"asap": "~2.0.6"}),
    ("prop-types", "15.7.2", {"loose-envify": "^1.4.0", "object-assign": "^4.1.1", "react-is": "^16.8.1"}),
    (
        "react",
        "16.8.6",
        {
            "loose-envify": "^1.1.0",
            "object-assign": "^4.1.1",
            "prop-types": "^15.6.2",
            "scheduler": "^0.13.6",
        },
    ),
    ("react-is", "16.8.6", {}),
    ("redux", "4.0.1", {"loose-envify": "^1.4.0", "symbol-observable": "^1.2.0"}),
    ("scheduler", "0.13.6", {"loose-envify": "^1.1.0", "object-assign": "^4.1.1"}),
    ("symbol-observable", "1.2.0", {}),
)
_DIRECT = ("jquery", "promise", "react", "redux")


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


def _package() -> str:
    versions = {name: version for name, version, _ in _PACKAGES}
    return _json(
        {
            "name": "checkout",
            "version": "1.4.0",
            "private": True,
            "scripts": {"test": "node --test"},
            "dependencies": {name: versions[name] for name in _DIRECT},
        }
    )


def _lock() -> str:
    packages = {
        name: {"version": version} | ({"requires": requires} if requires else {})
        for name, version, requires in _PACKAGES
    }
    head = {"name": "checkout", "version": "1.4.0", "lockfileVersion": 1, "requires": True}
    return _json(head | {"dependencies": packages})


Files = dict[str, str]


def checkout_commits() -> tuple[tuple[str, Files], ...]:
    """(message, files written) of every commit of shop/checkout, oldest first."""
    first = {
        "README.md": "# Checkout\n\nThe till of the shop. Merges to `main` go to production.\n",
        ".gitlab-ci.yml": _CI,
        "CODEOWNERS": _OWNERS,
        "deploy.sh": _DEPLOY,
        "package.json": _package(),
        "package-lock.json": _lock(),
        "policies/README.md": _POLICY,
    }
    return (
        ("Start the checkout service", first),
        ("Add up the cart", {"src/cart.js": _CART_FIRST, "src/index.js": _INDEX}),
        ("Count each line of the cart", {"src/cart.js": _CART}),
    )


def payments_commits() -> tuple[tuple[str, Files], ...]:
    """The same for shop/payments."""
    first = {
        "README.md": "# Payments\n\nTalks to the bank.\n",
        ".gitlab-ci.yml": _CI,
        "CODEOWNERS": _OWNERS,
        "deploy.sh": _DEPLOY,
        "package.json": _json({"name": "payments", "version": "2.0.1", "private": True}),
    }
    return (
        ("Start the payments service", first),
        ("Charge a card", {"src/charge.js": "exports.charge = (card, sum) => ({ card, sum });\n"}),
        ("Refund a card", {"src/refund.js": "exports.refund = (card, sum) => ({ card, sum: -sum });\n"}),
    )
