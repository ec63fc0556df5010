"""Which messages point at each other in a circle: their evidence counts for nothing."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node")


def on_cycles(edges: Mapping[Node, Iterable[Node]]) -> list[frozenset[Node]]:
    """
    Return the groups of nodes that reach each other (strongly connected components of two or more).

    Tarjan's algorithm without recursion, linear in nodes and edges. Self-references are no group.
    """
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    waiting: set[Node] = set()
    groups: list[frozenset[Node]] = []
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting.add(root)
        while work:
            node, rest = work[-1]
            for follower in rest:
                if follower not in index:
                    index[follower] = low[follower] = len(index)
                    stack.append(follower)
                    waiting.add(follower)
                    work.append((follower, iter(edges.get(follower, ()))))
                    break
                if follower in waiting:
                    low[node] = min(low[node], index[follower])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = _pop(stack, waiting, node)
                    if len(members) > 1:
                        groups.append(frozenset(members))
    return groups


def _pop(stack: list[Node], waiting: set[Node], node: Node) -> list[Node]:
    members = []
    while True:
        member = stack.pop()
        waiting.discard(member)
        members.append(member)
        if member == node:
            return members
