"""Sets that grow together: what belongs to what, directly or through others."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Member = TypeVar("Member", bound=Hashable)


class DisjointSets(Generic[Member]):
    """Union-find over anything that can be a key; who was never joined is alone."""

    def __init__(self) -> None:
        self._parent: dict[Member, Member] = {}

    def join(self, one: Member, other: Member) -> None:
        """Put the set of `other` into that of `one`."""
        self._parent[self.root(other)] = self.root(one)

    def root(self, member: Member) -> Member:
        """The member that stands for a member's set."""
        parent = self._parent
        while (above := parent.setdefault(member, member)) != member:
            parent[member] = parent[above]  # halves the path, which keeps later walks short
            member = parent[member]
        return member
