"""Shortens chains that are longer than they may be."""

from __future__ import annotations

from modelhub.archive.working_plan import WorkingPlan


def shorten(plan: WorkingPlan) -> None:
    """Keep every vertex at the end of a chain that is too long by the cheapest edge that shortens it.

    The vertex changed is the first one that is too deep, on each chain, so that what is below it becomes shallow at
    once. Ends, because every vertex can be materialised.
    """
    problem = plan.problem
    while plan.is_deep():
        deep = [vertex for vertex, depth in enumerate(plan.depth) if depth == problem.max_depth + 1]
        for vertex in deep:
            if plan.depth[vertex] <= problem.max_depth:
                continue
            below = plan.below(vertex)
            for edge in problem.into[vertex]:
                sources = problem.sources[edge]
                shallow = all(plan.depth[source] < problem.max_depth and source not in below for source in sources)
                if shallow and plan.shift(edge, below[:1]) is not None:
                    plan.move(edge, below)
                    break
