"""Detection of communities in a graph."""

from collections.abc import Iterable

from nlpkit.errors import MissingPackageError


def communities(links: Iterable[tuple[int, int, float]], seed: int = 0) -> list[list[int]]:
    """Communities of an undirected graph by the map equation (Infomap, two levels), the largest first.

    Args:
        links: pairs of nodes, integers from 0, and the weight of their link, above 0.
        seed: seed of the search.

    Returns:
        Nodes of each community, ascending. Nodes without links are left out.

    Raises:
        MissingPackageError: without infomap.

    References:
        Rosvall and Bergstrom (2008), Maps of random walks on complex networks reveal community structure.
    """
    try:
        from infomap import Infomap
    except ImportError:
        raise MissingPackageError("infomap", "clusters") from None
    network, count = Infomap(silent=True, two_level=True, seed=seed + 1), 0
    for first, second, weight in links:
        network.add_link(first, second, weight)
        count += 1
    if not count:
        return []
    found: dict[int, list[int]] = {}
    for node, module in sorted(network.run().modules().items()):
        found.setdefault(module, []).append(node)
    return sorted(found.values(), key=lambda nodes: (-len(nodes), nodes))
