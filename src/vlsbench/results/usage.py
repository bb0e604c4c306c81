"""What a run took: requests and tokens of each role, and what they cost where prices are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vlsbench.core import words
from vlsbench.core.errors import RunError
from vlsbench.core.usage import Price, Prices, Usage
from vlsbench.store import json_file
from vlsbench.store.run_folder import Run

TARGET, JUDGE, GUARD = "target", "judge", "guard"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleUsage:
    """What one role took.

    `cost` is None where no model of the role has a price; `unpriced` names those that were asked and have none. The
    cost is a lower bound where `usage.uncounted` is not 0.
    """

    usage: Usage
    cost: float | None = None
    currency: str = ""
    unpriced: tuple[str, ...] = ()

    def to_json(self, *, priced: bool) -> dict[str, object]:
        """As ``summary.json`` holds it; `priced` is whether any price of the run is known."""
        found = self.usage.to_json()
        if self.cost is not None:
            found |= {"cost": round(self.cost, 6), "currency": self.currency}
        return found | ({"unpriced": list(self.unpriced)} if priced and self.unpriced else {})


def spent(models: Iterable[tuple[str, Usage, Price | None]]) -> RoleUsage:
    """What the models of a role took together.

    Args:
        models: The name of each, what it took, and its price.
    """
    total, costs, unpriced = Usage(), [], []
    currencies: dict[str, None] = {}
    for name, usage, price in models:
        total.add(usage)
        if price is not None:
            costs.append(price.of(usage))
            currencies[price.currency] = None
        elif usage.requests:
            unpriced.append(name)
    # Amounts in different currencies have no sum.
    priced = bool(costs) and len(currencies) == 1
    return RoleUsage(
        usage=total,
        cost=sum(costs) if priced else None,
        currency=next(iter(currencies), "") if priced else "",
        unpriced=tuple(unpriced),
    )


def added(parts: Iterable[Mapping[str, RoleUsage]]) -> Mapping[str, RoleUsage]:
    """What each role took in several runs together.

    Args:
        parts: What each role took in each of the runs.
    """
    by_role: dict[str, list[RoleUsage]] = {}
    for part in parts:
        for role, found in part.items():
            by_role.setdefault(role, []).append(found)
    return {role: _together(found) for role, found in by_role.items()}


def _together(parts: Sequence[RoleUsage]) -> RoleUsage:
    total = Usage()
    for part in parts:
        total.add(part.usage)
    priced = [part for part in parts if part.cost is not None]
    currencies = {part.currency for part in priced}
    return RoleUsage(
        usage=total,
        cost=sum(part.cost or 0.0 for part in priced) if len(currencies) == 1 else None,
        currency=priced[0].currency if len(currencies) == 1 else "",
        unpriced=tuple(dict.fromkeys(name for part in parts for name in part.unpriced)),
    )


def target_price(run: Run, prices: Prices | None) -> Price | None:
    """The price of a run's model: the one named now, else the last that a session was given."""
    return (prices.of_target(run.manifest.model) if prices is not None else None) or run.manifest.price


def judge_price(run: Run, stem: str, prices: Prices | None) -> Price | None:
    """The price of one of a run's judges, likewise."""
    entry = run.judges[stem]
    return (prices.of_judge(entry.judge) if prices is not None else None) or entry.price


def recorded(run: Run) -> Mapping[str, RoleUsage]:
    """What ``summary.json`` says that each role took; nothing where there is none, or one of an earlier version."""
    try:
        file = run.path / "summary.json"
        found = json_file.convert(json_file.read(file).get("usage", {}), dict[str, RecordedUsage], file)
    except RunError:
        return {}
    return {role: entry.role_usage() for role, entry in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedUsage:
    """A role as ``summary.json`` and ``audit.json`` hold it."""

    requests: int = 0
    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None
    retried: int = 0
    uncounted: int = 0
    cost: float | None = None
    currency: str = ""
    unpriced: tuple[str, ...] = ()

    def role_usage(self) -> RoleUsage:
        """The same as what it was written from."""
        usage = Usage(
            requests=self.requests,
            retried=self.retried,
            uncounted=self.uncounted,
            prompt_tokens=self.prompt,
            completion_tokens=self.completion,
            cached_tokens=self.cached,
        )
        return RoleUsage(usage=usage, cost=self.cost, currency=self.currency, unpriced=self.unpriced)


def usage_json(roles: Mapping[str, RoleUsage]) -> dict[str, dict[str, object]]:
    """The roles as ``summary.json`` holds them."""
    priced = any(found.cost is not None for found in roles.values())
    return {role: found.to_json(priced=priced) for role, found in roles.items()}


def usage_lines(roles: Mapping[str, RoleUsage]) -> list[str]:
    """What each role took and what it cost, a line each; nothing where nobody was asked."""
    found = [line for role, spent in roles.items() if (line := _tokens(role, spent))]
    cost = cost_line(roles)
    return [f"Asked: {'; '.join(found)}", *([f"Cost: {cost}"] if cost else [])] if found else []


def cost_line(roles: Mapping[str, RoleUsage]) -> str:
    """``1.23 USD (target 0.80, judge 0.43)``; empty where no price is known."""
    priced = {role: found for role, found in roles.items() if found.cost is not None}
    if not priced:
        return ""
    currencies = dict.fromkeys(found.currency for found in priced.values())
    at_least = "at least " if any(found.usage.uncounted for found in priced.values()) else ""
    parts = [f"{role} {words.money(found.cost)}" for role, found in priced.items() if found.usage.requests]
    if len(currencies) > 1:
        total = " + ".join(words.money(found.cost, found.currency) for found in priced.values())
    else:
        total = words.money(sum(found.cost or 0.0 for found in priced.values()), next(iter(currencies)))
    without = [name for found in roles.values() for name in found.unpriced]
    return (
        at_least
        + total
        + (f" ({', '.join(parts)})" if len(parts) > 1 else "")
        + (f"; no price for {', '.join(without)}" if without else "")
    )


def _tokens(role: str, found: RoleUsage) -> str:
    """``target: 200 requests (3 again), 12,345 tokens in (1,024 cached), 6,789 out``; empty without requests."""
    usage = found.usage
    if not usage.requests:
        return ""
    again = f" ({usage.retried:,} again)" if usage.retried else ""
    known = {"in": usage.prompt_tokens, "out": usage.completion_tokens}
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    if usage.prompt_tokens is None and usage.completion_tokens is None:
        tokens = "tokens unknown"
    else:
        said = {way: "unknown" if count is None else f"{count:,}" for way, count in known.items()}
        tokens = f"{said['in']} tokens in{cached}, {said['out']} out"
        tokens += f" (at least: {usage.uncounted:,} not counted by the server)" if usage.uncounted else ""
    return f"{role}: {words.counted(usage.requests, 'request')}{again}, {tokens}"
