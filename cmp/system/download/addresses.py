"""Addresses that a name from a repository's files must not lead to: this machine, its network card, its cloud.

An administrator may list a host all the same.  Private networks are not among them: chart repositories lie there.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

LOOPBACK = "a loopback address"
_METADATA = "the address of a cloud's metadata service"
_LINK_LOCAL = "a link-local address"
# The first network that holds an address says what it is.  Sources: the documentation of AWS (EC2 instance metadata),
# Google Cloud (metadata server), Azure (IMDS; 168.63.129.16), Alibaba Cloud (ECS metadata), Oracle Cloud, OpenStack.
_NETWORKS = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("169.254.169.254/32", _METADATA),
        ("168.63.129.16/32", _METADATA),
        ("100.100.100.200/32", _METADATA),
        ("192.0.0.192/32", _METADATA),
        ("fd00:ec2::/32", _METADATA),
        ("fd20:ce::254/128", _METADATA),
        ("fe80::a9fe:a9fe/128", _METADATA),
        ("127.0.0.0/8", LOOPBACK),
        ("::1/128", LOOPBACK),
        ("0.0.0.0/8", LOOPBACK),  # Linux connects 0.0.0.0 to this machine
        ("::/128", LOOPBACK),
        ("169.254.0.0/16", _LINK_LOCAL),
        ("fe80::/10", _LINK_LOCAL),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("ff00::/8", "a multicast address"),
    )
)
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


def kind(text: str) -> str:
    """Say what is special about an address, as a noun; "" for one that may be asked."""
    address = ip_address(text.partition("%")[0])
    return next((name for one in (address, *_embedded(address)) for network, name in _NETWORKS if one in network), "")


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that a gateway, or the kernel itself, takes an IPv6 address for."""
    if isinstance(address, IPv4Address):
        return []
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo or ()
    found = [address.ipv4_mapped, address.sixtofour, *teredo]
    return [one for one in found if one] + ([last] if address in _NAT64 or address in _COMPATIBLE else [])
