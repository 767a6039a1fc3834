"""Fair shares: by hand, and what must hold of any claims."""

from __future__ import annotations

import random

from noodle2_ray.shares import EXPIRES_AFTER_S, STARVED_AFTER_S, Claim, ShareRegistrar, water_fill


def fill(*claims: tuple[float, int], total: int = 4) -> list[int]:
    made = [Claim(f"r{n}", weight, demand, total) for n, (weight, demand) in enumerate(claims)]
    return [water_fill(made)[claim.run] for claim in made]


def test_by_hand() -> None:
    assert fill((3, 9), (1, 9)) == [3, 1]
    assert fill((1, 9), (1, 9)) == [2, 2]
    # What one does not want, the others get.
    assert fill((3, 1), (1, 9)) == [1, 3]
    assert fill((1, 9), (1, 0)) == [4, 0]
    assert fill((1, 2), (1, 2)) == [2, 2]
    # The lightest has one as long as there is one for each.
    assert fill((100, 9), (1, 9)) == [3, 1]
    assert fill((100, 9), (1, 9), (1, 9), total=2) == [1, 1, 0]
    assert fill((1, 9), total=0) == [0]


def test_slots_of_different_size_share_the_cluster_not_its_slots() -> None:
    # One run's slots take a quarter of the cluster each, the other's an eighth.
    shares = water_fill([Claim("big", 1, 9, 4), Claim("small", 1, 9, 8)])
    assert shares == {"big": 2, "small": 4}


def test_who_starved_comes_first() -> None:
    claims = [Claim("heavy", 9, 9, 1), Claim("light", 1, 9, 1, waited_s=STARVED_AFTER_S)]
    assert water_fill(claims) == {"heavy": 0, "light": 1}
    assert water_fill([claims[0], Claim("light", 1, 9, 1, waited_s=STARVED_AFTER_S - 1)]) == {
        "heavy": 1,
        "light": 0,
    }


def test_what_must_hold_of_any_claims() -> None:
    source = random.Random(7)
    for _ in range(500):
        claims = [
            Claim(f"r{n}", source.choice([0.5, 1, 2, 3]), source.randrange(8), source.randrange(1, 12))
            for n in range(source.randrange(1, 6))
        ]
        shares = water_fill(claims)
        used = sum(shares[claim.run] / claim.total for claim in claims)
        assert used <= 1 + 1e-6
        assert all(0 <= shares[claim.run] <= claim.demand for claim in claims)
        # Nothing is left that somebody wants and that would hold it.
        for claim in claims:
            if 0 < shares[claim.run] < claim.demand:
                assert used + 1 / claim.total > 1 + 1e-9
        shuffled = claims[:]
        source.shuffle(shuffled)
        assert water_fill(shuffled) == shares


def test_the_registrar_forgets_who_does_not_report() -> None:
    now = 0.0
    registrar = ShareRegistrar(lambda: now)
    assert registrar.report("a", 1, 4, 9, 4, 4) is None
    assert registrar.report("b", 3, 0, 9, 0, 4) == 3
    assert registrar.report("a", 1, 4, 9, 4, 4) == 1
    # All that is wanted fits.
    assert registrar.report("b", 3, 1, 0, 1, 4) == 1
    assert registrar.report("a", 1, 3, 0, 3, 4) is None
    assert registrar.report("b", 3, 0, 9, 0, 4) == 3
    now = EXPIRES_AFTER_S + 1
    assert registrar.report("a", 1, 4, 9, 4, 4) is None


def test_two_runs_on_one_slot_take_turns() -> None:
    now = 0.0
    registrar = ShareRegistrar(lambda: now)
    held = {"heavy": 0, "light": 0}
    turns: list[str] = []
    for second in range(200):
        now = float(second)
        for run, weight in (("heavy", 9.0), ("light", 1.0)):
            share = registrar.report(run, weight, held[run], 5, held[run], 1)
            if second > 0:
                # A slot is given back when its trial ends, here at once, and taken when it is free.
                held[run] = 0 if share == 0 else held[run]
                other = "light" if run == "heavy" else "heavy"
                if share and not held[other]:
                    held[run] = 1
        turns += [run for run in held if held[run]]
    assert turns.count("light") > 50
    assert turns.count("heavy") > 50
