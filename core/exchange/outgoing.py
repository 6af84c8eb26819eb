"""Connections to the outside, by one door (SECURITY 7.23, T63): resolve, check every address, connect to that address.

A name is resolved once and the connection goes to the address that was checked, so that a second answer of the name
server cannot lead elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket

ALWAYS_DENIED = tuple(
    ipaddress.ip_network(network)
    for network in ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "ff00::/8")
)
"""Unspecified, link-local (where clouds answer with their secrets), multicast, reserved: never a server of anybody."""
DENIED_UNLESS_INSIDE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "::1/128", "64:ff9b::/96", "fc00::/7",
    )
)  # fmt: skip
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(Exception):
    """No connection: the name is unknown, the address is denied, or nobody answers."""


def connect(host: str, port: int, seconds: float, *, inside: bool) -> socket.socket:
    """A connection to a checked address of `host`. Raises `Unreachable`.

    `inside`: whether loopback and private networks are allowed. They are for a host an administrator typed as the mail
    server, because mail relays usually stand on the same machine or network; never for an address that came from data.
    """
    problem = f"{host}: no address"
    for address in resolve(host, port):
        if denied(address, inside=inside):
            problem = f"{host}: the address {address} is not allowed"
            continue
        try:
            return socket.create_connection((str(address), port), seconds)
        except OSError as error:
            problem = f"{host} port {port}: {error.strerror or error}"
    raise Unreachable(problem)


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name, each once. Raises `Unreachable`."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host}: the name is not known ({error})") from error
    return list(dict.fromkeys(ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers))


def denied(address: Address, *, inside: bool) -> bool:
    """Whether nothing may connect there; an IPv4 address in IPv6 clothes counts as itself."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    networks = ALWAYS_DENIED if inside else (*ALWAYS_DENIED, *DENIED_UNLESS_INSIDE)
    return any(mapped.version == network.version and mapped in network for network in networks)
