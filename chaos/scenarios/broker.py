"""The broker flushed, restarted, swallowed, and every message delivered again and again."""

import time

from chaos.faults import flush_broker, kill_anywhere, restart_broker
from chaos.lab import Lab
from chaos.load import percentile
from chaos.overhearing import Messages
from chaos.scenarios.plan import Scenario

SLOWEST_SUBMIT_SECONDS = 2.0
SUBMITS_IN_SILENCE = 25
COPIES = 2


def losses(lab: Lab, count: int) -> None:
    """Throw all messages away, or all of the server, while jobs wait."""
    for number in range(count):
        lab.check_load()
        time.sleep(lab.dice.uniform(0.2, 1.0))
        (restart_broker if number % 2 else flush_broker)(lab)


def silence(lab: Lab, count: int) -> None:
    """Swallow what is sent to the broker: requests are taken all the same, and quickly."""
    seconds = []
    client = lab.clients[0]
    for _ in range(count):
        time.sleep(0.5)
        lab.broker.fall_silent()
        time.sleep(0.1)
        passed, began = lab.broker.passed, time.time()
        for _ in range(SUBMITS_IN_SILENCE):
            client.submit(1)
        silent = lab.broker.passed == passed
        ended = time.time()
        lab.broker.speak_again()
        within = [answer for answer in client.answers if began <= answer.at <= ended]
        seconds += [answer.seconds for answer in within]
        refused = [answer.status for answer in within if answer.status not in {200, 202}]
        lab.record.expect(not refused, f"answers without a broker: {refused}")
        lab.record.count("broker swallowed everything", working=silent)
    lab.record.figure("submit_p99_s", percentile(seconds, 0.99), at_most=SLOWEST_SUBMIT_SECONDS)


def duplicates(lab: Lab, count: int) -> None:
    """Deliver every message three times, and those of a dead worker once more after that."""
    with Messages(lab.stack.environment()["REDIS_URL"], copies=COPIES) as messages:
        ends = time.monotonic() + 2.0 * count
        while messages.seen < 20 * count or time.monotonic() < ends:
            lab.check_load()
            time.sleep(1.0)
            if lab.dice.random() < 0.2:
                kill_anywhere(lab, whole=True)
        lab.stop_load()
        lab.wait_rest()
    lab.record.expect(not messages.failed, messages.failed)
    lab.record.expect(
        messages.sent_again >= COPIES * messages.seen, "a message was not sent three times"
    )
    lab.record.count("message delivered three times", times=messages.seen)


SCENARIOS = (
    Scenario("broker_losses", "8: lost messages lose no job", losses, 2, 16, 100),
    Scenario("broker_silence", "8: a silent broker delays no caller", silence, 0, 4, 20),
    Scenario(
        *("duplicates", "4: duplicate delivery is harmless", duplicates, 0, 8, 60),
        settings={"BROKER_VISIBILITY_TIMEOUT": "6"},
    ),
)
