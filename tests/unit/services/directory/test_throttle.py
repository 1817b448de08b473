"""The limits of wrong passwords: against parallel or distributed guessing, and against locking an owner out."""

from __future__ import annotations

from services.directory.domain.guesses import guess
from services.directory.domain.lockouts import Lockout
from services.directory.domain.throttle import AttemptOutcome, Throttle, ThrottleDecision, ThrottleLimits

ACCOUNT, OWNER, STRANGER = "ann@example.org", "192.0.2.1", "198.51.100.1"
GO, WAIT, REFUSE = ThrottleDecision.GO, ThrottleDecision.WAIT, ThrottleDecision.REFUSE


class Clients:
    """Log-ins with a throttle, by password and address."""

    def __init__(self, longest_delay: float = 5.0, everywhere: int = 0) -> None:
        self.throttle = Throttle(ThrottleLimits(3, 5, 100, 1000, longest_delay, everywhere))

    def in_force(self, now: float) -> list[Lockout]:
        return self.throttle.lockouts.in_force(now)

    def begin(self, password: str, address: str, account: str = ACCOUNT, now: float = 0.0) -> ThrottleDecision:
        return self.throttle.begin(guess(account, address, hash(password)), now)

    def end(
        self, password: str, address: str, outcome: AttemptOutcome, account: str = ACCOUNT, now: float = 0.0
    ) -> None:
        self.throttle.end(guess(account, address, hash(password)), outcome, now)

    def fail(
        self, password: str, address: str, account: str = ACCOUNT, now: float = 0.0, *, is_name_known: bool = True
    ) -> ThrottleDecision:
        tried = guess(account, address, hash(password), "imap", is_name_known=is_name_known)
        verdict = self.throttle.begin(tried, now)
        if verdict is GO:
            self.throttle.end(tried, AttemptOutcome.WRONG, now)
        return verdict

    def log_in(self, address: str, account: str = ACCOUNT, now: float = 0.0) -> ThrottleDecision:
        verdict = self.begin("right", address, account, now)
        if verdict is GO:
            self.end("right", address, AttemptOutcome.RIGHT, account, now)
        return verdict

    def delay(self, address: str, account: str = ACCOUNT, now: float = 0.0) -> float:
        return self.throttle.delay(guess(account, address, 0), now)

    def refusals(self, address: str, account: str = ACCOUNT, now: float = 0.0) -> int:
        return self.throttle.refusals(guess(account, address, 0), now)


def test_a_network_is_locked_at_an_account_after_its_failures_and_later_allowed() -> None:
    clients = Clients()
    assert [clients.fail(str(number), STRANGER, now=number) for number in range(3)] == [GO] * 3
    assert clients.begin("right", STRANGER, now=50) is REFUSE
    assert clients.begin("right", STRANGER, "bob@example.org", now=50) is GO
    assert clients.begin("right", STRANGER, now=103) is GO


def test_an_attempt_counts_when_it_begins() -> None:
    """Of 150 at once, three are checked; the others wait for these, and are refused because they were wrong."""
    clients = Clients()
    verdicts = [clients.begin(str(number), STRANGER) for number in range(150)]
    assert verdicts == [GO] * 3 + [WAIT] * 147
    for number in range(3):
        clients.end(str(number), STRANGER, AttemptOutcome.WRONG)
    assert {clients.begin(str(number), STRANGER) for number in range(3, 150)} == {REFUSE}


def test_right_passwords_at_once_wait_and_are_let_in() -> None:
    clients = Clients()
    clients.fail("mistyped", OWNER)
    clients.fail("mistyped again", OWNER)
    assert [clients.begin("right", OWNER) for _ in range(10)] == [GO] + [WAIT] * 9
    clients.end("right", OWNER, AttemptOutcome.RIGHT)
    assert [clients.begin("right", OWNER) for _ in range(3)] == [GO] * 3


def test_an_attempt_that_could_not_be_looked_at_is_given_back() -> None:
    clients = Clients()
    for _ in range(10):
        assert clients.begin("right", OWNER) is GO
        clients.end("right", OWNER, AttemptOutcome.VOID)
    assert clients.refusals(OWNER) == 0


def test_an_address_is_locked_at_all_accounts() -> None:
    clients = Clients()
    for number in range(5):
        assert clients.fail("wrong", STRANGER, f"user{number}@example.org") is GO
    assert clients.begin("right", STRANGER) is REFUSE
    assert clients.begin("right", OWNER) is GO


def test_an_address_that_tries_accounts_in_parallel_is_locked_as_soon() -> None:
    clients = Clients()
    accounts = [f"user{number}@example.org" for number in range(150)]
    assert [clients.begin("wrong", STRANGER, account) for account in accounts] == [GO] * 5 + [WAIT] * 145
    for account in accounts[:5]:
        clients.end("wrong", STRANGER, AttemptOutcome.WRONG, account)
    assert {clients.begin("wrong", STRANGER, account) for account in accounts[5:]} == {REFUSE}


def test_one_ipv6_subscriber_is_one_client() -> None:
    clients = Clients()
    verdicts = [clients.fail(str(number), f"2001:db8:1:2::{number:x}") for number in range(10)]
    assert verdicts == [GO] * 3 + [REFUSE] * 7
    assert clients.fail("11", "2001:db8:1:3::1") is GO


def test_strangers_do_not_lock_the_owner_out() -> None:
    """Neither from an address that has logged in before nor from a new one."""
    clients = Clients()
    clients.log_in(OWNER)
    for number in range(100):
        clients.fail(str(number), f"198.51.100.{number}", now=1)
    assert clients.begin("right", OWNER, now=2) is GO
    assert clients.begin("right", "203.0.113.9", now=2) is GO


def test_strangers_delay_a_network_that_is_new_to_the_account_and_no_other() -> None:
    """By a twentieth of a second for each wrong password above the limit, up to a maximum."""
    clients = Clients()
    clients.log_in(OWNER)
    delays = []
    for number in range(200):
        clients.fail(str(number), f"198.51.100.{number}", now=1)
        delays.append(clients.delay("203.0.113.9", now=1))
    assert delays[:5] == [0.0, 0.0, 0.0, 0.05, 0.1]
    assert delays[-1] == 5.0
    assert clients.delay(OWNER, now=1) == 0.0
    assert clients.delay("203.0.113.9", "bob@example.org", now=1) == 0.0
    assert clients.delay("203.0.113.9", now=102) == 0.0


def test_a_known_network_is_known_as_a_whole_and_for_a_while() -> None:
    clients = Clients()
    clients.log_in("2001:db8:1:2::1")
    for number in range(50):
        clients.fail(str(number), f"198.51.100.{number}", now=990)
    assert clients.delay("2001:db8:1:2:ffff::9", now=999) == 0.0
    assert clients.delay("2001:db8:1:3::1", now=999) > 0.0
    assert clients.delay("2001:db8:1:2::1", now=1001) > 0.0


def test_the_delay_can_be_switched_off() -> None:
    clients = Clients(longest_delay=0.0)
    for number in range(50):
        clients.fail(str(number), f"198.51.100.{number}")
    assert clients.delay(OWNER) == 0.0


def test_the_owners_network_has_a_limit_but_not_for_the_password_that_was_right_there() -> None:
    """A stranger in it cannot lock the owner out, and a new guess is refused."""
    clients = Clients()
    clients.log_in(OWNER)
    for number in range(3):
        clients.fail(str(number), OWNER, now=1)
    assert clients.begin("another guess", OWNER, now=2) is REFUSE
    assert [clients.log_in(OWNER, now=2) for _ in range(3)] == [GO] * 3
    assert clients.begin("another guess", OWNER, now=2) is REFUSE


def test_a_device_with_an_old_password_does_not_lock_out_others_of_its_network() -> None:
    clients = Clients()
    assert [clients.fail("old", OWNER, now=number) for number in range(20)] == [GO] * 3 + [REFUSE] * 17
    assert clients.begin("right", OWNER, now=30) is GO
    assert clients.begin("new guess", OWNER, now=30) is GO
    assert clients.refusals(OWNER, now=30) == 1


def test_the_same_wrong_password_in_parallel_is_checked_no_more_often() -> None:
    clients = Clients()
    assert [clients.begin("old", STRANGER) for _ in range(150)] == [GO] * 3 + [WAIT] * 147
    for _ in range(3):
        clients.end("old", STRANGER, AttemptOutcome.WRONG)
    assert clients.begin("old", STRANGER) is REFUSE


def test_loopback_is_many_people() -> None:
    """It may try every account, but each account not more often than other clients may."""
    clients = Clients()
    for number in range(50):
        assert clients.fail("wrong", "127.0.0.1", f"user{number}@example.org") is GO
    assert [clients.fail(str(number), "127.0.0.1") for number in range(4)] == [GO] * 3 + [REFUSE]
    assert clients.begin("right", "127.0.0.2") is GO


def test_a_right_password_clears_the_wrong_ones() -> None:
    clients = Clients()
    clients.fail("other", OWNER, "bob@example.org")
    for number in range(2):
        clients.fail(str(number), OWNER)
    assert clients.refusals(OWNER) == 3
    clients.log_in(OWNER)
    assert clients.refusals(OWNER) == 1
    assert [clients.fail(str(number), OWNER) for number in range(4)] == [GO] * 3 + [REFUSE]


def test_refusals_are_counted_for_the_client_and_forgotten() -> None:
    clients = Clients()
    for number in range(3):
        clients.fail(str(number), STRANGER, now=number)
    assert (clients.refusals(STRANGER, now=50), clients.refusals(OWNER, now=50)) == (3, 0)
    assert clients.refusals(STRANGER, now=103) == 0


def test_a_new_password_is_a_fresh_start_for_the_account_alone() -> None:
    clients = Clients()
    for account in (ACCOUNT, "bob@example.org"):
        for number in range(3):
            clients.fail(str(number), "127.0.0.1", account)
    assert clients.throttle.suspects() == {ACCOUNT, "bob@example.org"}
    clients.throttle.forgive({ACCOUNT})
    assert clients.begin("new", "127.0.0.1") is GO
    assert clients.begin("new", "127.0.0.1", "bob@example.org") is REFUSE


def test_a_new_password_is_no_fresh_start_for_a_network() -> None:
    clients = Clients()
    for number in range(5):
        clients.fail("wrong", STRANGER, f"user{number}@example.org")
    clients.throttle.forgive({f"user{number}@example.org" for number in range(5)})
    assert clients.begin("right", STRANGER) is REFUSE


def test_a_device_that_logs_in_again_and_again_gives_a_stranger_beside_it_no_further_tries() -> None:
    clients = Clients()
    verdicts = []
    for number in range(9):
        clients.log_in(OWNER, now=number)
        verdicts.append(clients.fail(str(number), OWNER, now=number))
    assert verdicts == [GO] * 3 + [REFUSE] * 6


def test_the_accounts_that_a_network_knows_go_on_when_it_is_locked() -> None:
    clients = Clients()
    clients.log_in(OWNER)
    for number in range(5):
        clients.fail("wrong", OWNER, f"user{number}@example.org", now=1)
    assert clients.begin("right", OWNER, "user9@example.org", now=2) is REFUSE
    assert clients.begin("right, or typed for the first time", OWNER, now=2) is GO


def test_an_account_is_locked_for_networks_that_are_new_to_it() -> None:
    clients = Clients(everywhere=10)
    clients.log_in(OWNER)
    for number in range(10):
        assert clients.fail(str(number), f"198.51.100.{number}", now=1) is GO
    assert clients.begin("right", "203.0.113.9", now=2) is REFUSE
    assert clients.begin("right", "203.0.113.9", "bob@example.org", now=2) is GO
    assert clients.begin("right", OWNER, now=2) is GO
    assert clients.begin("typed anew", OWNER, now=2) is GO
    assert clients.begin("right", "203.0.113.9", now=102) is GO


def test_one_wrong_password_that_travels_is_one_mistake_of_the_account() -> None:
    """A phone with an old password changes its network all day."""
    clients = Clients(everywhere=4)
    for number in range(50):
        assert clients.fail("old", f"198.51.100.{number}") is GO
    assert clients.begin("right", "203.0.113.9") is GO


def test_names_that_nobody_has_have_the_same_limits_and_note_nothing() -> None:
    clients = Clients(everywhere=10)
    verdicts = [clients.fail(str(number), STRANGER, is_name_known=False) for number in range(4)]
    assert verdicts == [GO] * 3 + [REFUSE]
    for number in range(9):
        clients.fail(f"{number}!", f"203.0.113.{number}", is_name_known=False)
    assert clients.fail("right", "192.0.2.77", is_name_known=False) is REFUSE
    assert list(clients.throttle.lockouts) == []


def test_lockouts_say_for_whom_and_why() -> None:
    clients = Clients(everywhere=4)
    for number in range(3):
        clients.fail(str(number), STRANGER, now=number)
    clients.fail("3", "203.0.113.9", now=5)
    for number in range(2):
        clients.fail("wrong", STRANGER, f"user{number}@example.org", now=6)
    kinds = [(entry.kind, entry.account, entry.network, entry.mistakes, entry.until) for entry in clients.in_force(7)]
    assert kinds == [
        ("network", "", STRANGER, 5, 106),
        ("account", ACCOUNT, "", 4, 105),
        ("client", ACCOUNT, STRANGER, 3, 102),
    ]


def test_a_lockout_that_is_lifted_ends_at_once() -> None:
    clients = Clients(everywhere=6)
    for number in range(6):
        clients.fail(str(number), f"203.0.113.{number % 2}")
    for number in range(5):
        clients.fail("wrong", STRANGER, f"user{number}@example.org")
    assert {entry.kind for entry in clients.in_force(0)} == {"client", "network", "account"}
    for lockout in clients.in_force(0):
        clients.throttle.lift(lockout)
    assert clients.in_force(0) == []
    for address in (STRANGER, "203.0.113.0", "192.0.2.77"):
        assert clients.begin("right", address) is GO


def test_lockouts_go_on_in_the_next_process() -> None:
    before, after = Clients(everywhere=6), Clients(everywhere=6)
    for number in range(6):
        before.fail(str(number), f"203.0.113.{number % 2}")
    for number in range(5):
        before.fail("wrong", STRANGER, f"user{number}@example.org")
    for lockout in before.in_force(0):
        after.throttle.resume(lockout)
    assert after.begin("right", "203.0.113.0", now=1) is REFUSE
    assert after.begin("right", "192.0.2.77", now=1) is REFUSE
    assert after.begin("right", STRANGER, "bob@example.org", now=1) is REFUSE
    assert after.begin("right", "192.0.2.77", now=101) is GO
    assert after.throttle.lockouts.due(1).begun == []
