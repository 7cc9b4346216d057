"""The composition root: the only package that knows every concrete class. It builds the gateway once, from settings."""

from gateway.app.gateway import Gateway
from gateway.app.home import Created, create_home
from gateway.app.opening import open_gateway

__all__ = ["Created", "Gateway", "create_home", "open_gateway"]
