"""The class of a fusion network, from its plug-in."""

from __future__ import annotations

from emocli import plugins
from emocli.errors import ConfigError
from emocli.plugin.network import Network
from emocli.plugins import REPAIR


def network_class(fusion: str) -> type[Network]:
    """Return the class of a network.

    Raises
    ------
    ConfigError
        If there is no such plug-in, or what it offers is no network.
    """
    module = plugins.load("fusion", fusion)
    if not (isinstance(module.Model, type) and issubclass(module.Model, Network)):
        what = f"Model of plug-in '{fusion}' is no emocli.plugin.network.Network"
        raise ConfigError(what, where=module.__name__, hint=REPAIR)
    return module.Model
