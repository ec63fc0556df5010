"""One run: mails are appended while faults happen, then everything settles and is judged."""

import logging
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from tests.faults.anomalies import Anomaly
from tests.faults.collecting import collect
from tests.faults.draining import drained
from tests.faults.expunging import expunging
from tests.faults.faults import carry_out
from tests.faults.feeding import Feeder
from tests.faults.history import Append, Ended
from tests.faults.judge import judge
from tests.faults.mails import Plan
from tests.faults.poisoning import poison
from tests.faults.signalling import send_signals
from tests.faults.state import State
from tests.faults.world import World

log = logging.getLogger(__name__)

APPEND_SECONDS = 300.0
DRAIN_SECONDS = 300.0
MAILS_PER_SECOND = 40  # whatever is slower than that is stuck
EVERY = 8  # faults between two doses of poison


@dataclass(frozen=True)
class Outcome:
    """What a run has shown. It is clean when there is neither an anomaly, nor anything left, nor a complaint."""

    anomalies: Sequence[Anomaly]
    left: Sequence[str]
    complaints: str
    repeated: int
    """How many records came again: what at-least-once has really been asked for."""
    summary: str = field(repr=False)

    @property
    def clean(self) -> bool:
        return not (self.anomalies or self.left or self.complaints)

    def __str__(self) -> str:
        found = Counter(one.kind for one in self.anomalies)
        shown = [str(one) for one in self.anomalies[:30]]
        return "\n".join([self.summary, str(dict(found)), *shown, *self.left, self.complaints])


def run(
    world: World, plan: Plan, faults: Sequence[str], *, drain_seconds: float = DRAIN_SECONDS, expunges: bool = False
) -> Outcome:
    """
    Append the plan's mails in as many parts as there are faults, each fault while its part is on the way.

    With ``expunges`` another client takes mails away meanwhile.
    """
    chance = random.Random(plan.seed)
    began = time.monotonic()
    feeder = Feeder(world.pipeline.environ["MAILWEAVE_IMAP"], plan)
    part = -(-len(plan.appends) // max(1, len(faults)))
    poisoned = signalled = 0
    work = len(plan.appends) / MAILS_PER_SECOND
    meanwhile = expunging(feeder, plan, world.pipeline.config.postgres) if expunges else nullcontext()
    with meanwhile:
        for number, fault in enumerate(faults):
            log.info("%5.0f s, fault %s of %s: %s", time.monotonic() - began, number + 1, len(faults), fault)
            if number % EVERY == 0:
                poisoned += poison(world.pipeline.config.kafka, chance)
            signalled += send_signals(world.pipeline.config.kafka, f"{plan.seed}-{number}")
            feeder.release(part)
            carry_out(world, fault, chance)
        log.info("%5.0f s, all faults are over", time.monotonic() - began)
        feeder.finish(APPEND_SECONDS + work)
    log.info("%5.0f s, all mails are on the server", time.monotonic() - began)
    left = drained(world.pipeline.config, drain_seconds + work)
    seconds = time.monotonic() - began
    log.info("%5.0f s, settled", seconds)
    history = feeder.history.appends()
    state = collect(world.pipeline.config, quiet=not left)
    repeated = _repeated(state)
    summary = (
        f"seed {plan.seed}: {len(plan.mails)} messages, {len(plan.appends)} mails to append; {_ended(history)}; "
        f"{len(faults)} faults, {len(world.replicas.deaths)} processes started again, "
        f"{poisoned} poison records, {signalled} signals; "
        f"{len(state.taken)} deliveries, {len(state.activities)} activities, "
        f"{len(state.merged)} threads merged, {len(state.alerts)} alerts; "
        f"records repeated: {repeated}; {seconds:.0f} s"
    )
    log.info(summary)
    anomalies = judge(plan, history, state)
    log.info("anomalies: %s", dict(Counter(str(one.kind) for one in anomalies)) or "none")
    return Outcome(anomalies, left, _complaints(world), sum(repeated.values()), summary)


def _complaints(world: World) -> str:
    """Return what the product's own verifier finds, with the mail servers asked too."""
    found = []
    for command in (["verify"], ["verify", "--server"]):
        done = world.pipeline.mailweave(*command, check=False)
        if done.returncode:
            found.append(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return "\n".join(found)


def _ended(history: Sequence[Append]) -> str:
    ended = Counter(one.ended for one in history)
    return f"{ended[Ended.OK]} ok, {ended[Ended.FAIL]} refused, {ended[Ended.INFO]} of unknown outcome"


def _repeated(state: State) -> Mapping[str, int]:
    """Return for each topic how many records tell what another one has told. Signals repeat themselves by nature."""
    told = {
        topic: [one for one in records if not one.poison]
        for topic, records in state.topics.items()
        if topic != "alert-signals"
    }
    return {topic: len(records) - len({(one.about, one.version) for one in records}) for topic, records in told.items()}
