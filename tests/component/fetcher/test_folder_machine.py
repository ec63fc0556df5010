"""
State exploration, as imaptest does it: whatever people, administrators and crashes do to a real server's folders, each
mail that was there at a check is one delivery at its true place, and nothing is skipped.

FOLDER_EXAMPLES is the number of lives that are tried, FOLDER_STEPS how long one is.
"""

import os
import shutil
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.cli.stack import add_user
from services.domain.errors import Retry
from services.fetcher.failures import MailServerError
from services.fetcher.folders import encode_name
from services.fetcher.imap import Server, session
from services.fetcher.mechanisms import Password
from tests.component.fetcher.folder_server import FolderServer, events_tell_the_places, mail, rows_of, wire_name
from tests.component.fetcher.routed import through_endpoint

pytestmark = pytest.mark.component

EXAMPLES = int(os.environ.get("FOLDER_EXAMPLES", "4"))
STEPS = int(os.environ.get("FOLDER_STEPS", "20"))
READ = ("INBOX", "A", "R")  # R has a rule
UNREAD = "X"
FOLDERS = (*READ, UNREAD)
RULE = "folder-rule/r"

folders = st.sampled_from(FOLDERS)
picks = st.integers(0, 50)


class Folders(RuleBasedStateMachine):
    """``names`` has the present name of each folder, ``asked`` the name under which the settings ask for it."""

    stack: Any
    server_of: Any
    outside_of: Any
    room: Path | None

    @initialize()
    def begin(self):
        self.closing, self.behind = ExitStack(), ExitStack()
        self.outside = type(self).outside_of()
        add_user(Path(self.stack.environ["MAILWEAVE_HOME"]), self.outside.mailbox, "secret")
        self.server = FolderServer(self.stack, type(self).server_of, self.outside, self._through())
        self.names = {folder: folder for folder in FOLDERS}
        self.asked = {folder: folder for folder in READ}
        self.lineage = {folder: folder for folder in FOLDERS}
        self.number = 0
        self.epoch = 2_000_000_000
        self.former_epochs = defaultdict(list)
        self.connection = None
        self.known = 0
        self.arrived = defaultdict(Counter)  # copies of each content that were ever put into a folder
        self.excused: Counter[str] = (
            Counter()
        )  # by content: hand-overs whose rows a crash took, so that they may come again
        self.given = defaultdict(set)  # delivery ids by folder and content
        self.calls: Counter[str] = Counter()  # records by delivery id
        self.contents = {}
        for folder in FOLDERS[1:]:
            self.server.do(("create", wire_name(folder)))

    def _through(self):
        """Return what makes of ports what a check reads with: themselves, or an endpoint in front of them."""
        if self.room is None:
            return lambda ports: ports
        return self.behind.enter_context(through_endpoint(self.outside, self.room))

    def teardown(self):
        if hasattr(self, "closing"):
            self.closing.close()
            self.behind.close()

    # What people do.

    @rule(folder=folders, count=st.integers(1, 3), named=st.booleans(), second=st.integers(0, 1))
    def append(self, folder, count, named, second):
        for _ in range(count):
            self.number += 1
            self.server.append(mail(self.number, named=named), folder=self.names[folder], second=second)
            self.arrived[folder][f"mail {self.number}"] += 1

    @rule(folder=folders, pick=picks)
    def append_the_same_again(self, folder, pick):
        if self.number:
            number = pick % self.number + 1
            self.server.append(mail(number), folder=self.names[folder])
            self.arrived[folder][f"mail {number}"] += 1

    @rule(folder=folders, pick=picks)
    def expunge(self, folder, pick):
        if (uid := self._pick(folder, pick)) is not None:
            self.server.flag(uid, self.names[folder], keyword=r"\Deleted")
            self.server.do(("select", wire_name(self.names[folder])), ("expunge",))

    @rule(folder=folders, other=folders, pick=picks, how=st.sampled_from(["COPY", "MOVE"]))
    def move(self, folder, other, pick, how):
        found = self._on_server(folder)
        if found and folder != other:
            uid = sorted(found)[pick % len(found)]
            self.server.do(
                ("select", wire_name(self.names[folder])), ("uid", how, str(uid), wire_name(self.names[other]))
            )
            self.arrived[other][found[uid][0]] += 1

    @rule(folder=folders, pick=picks, flag=st.sampled_from([r"\Seen", r"\Flagged", "$Other", "$MailweaveTracked"]))
    def flag(self, folder, pick, flag):
        if (uid := self._pick(folder, pick)) is not None:
            self.server.flag(uid, self.names[folder], keyword=flag)

    @rule(folder=st.sampled_from(FOLDERS[1:]), odd=st.sampled_from(["", " ü&", '"']))
    def rename(self, folder, odd):
        self.number += 1
        new = f"{folder}{self.number}{odd}"
        self.server.do(("rename", wire_name(self.names[folder]), wire_name(new)))
        self.names[folder] = new
        self.lineage[new] = folder

    @rule(folder=st.sampled_from(READ))
    def have_the_settings_follow(self, folder):
        self.asked[folder] = self.names[folder]

    # What administrators do.

    @rule(folder=folders)
    def bump_the_epoch(self, folder):
        self.former_epochs[folder].append(self._epoch(folder))
        self.epoch += 1
        self.server.renumber(self.names[folder], self.epoch)

    @precondition(lambda self: any(self.former_epochs.values()))
    @rule(pick=picks)
    def set_an_epoch_back(self, pick):
        choices = [folder for folder in FOLDERS if self.former_epochs[folder]]
        folder = choices[pick % len(choices)]
        before = self._epoch(folder)
        self.server.renumber(self.names[folder], self.former_epochs[folder].pop())
        self.former_epochs[folder].append(before)

    @rule(folder=folders)
    def lose_the_index(self, folder):
        """The server numbers the mails of the folder from 1 again, in an order of its own."""
        self._leave()
        root = self.server.config.parent / "mail" / self.outside.mailbox / "Maildir"
        place = root if folder == "INBOX" else root / encode_name(self.names[folder])
        assert place.is_dir()
        for lost in (*place.glob("dovecot-uidlist*"), *place.glob("dovecot.index*")):
            lost.unlink()
        for lost in root.glob("dovecot.list.index*"):
            lost.unlink()
        shutil.rmtree(place / "dovecot.index", ignore_errors=True)

    # What the fetcher does.

    @rule()
    def check(self):
        if self._checked(lambda: True):
            self._all_is_well()

    @rule(batches=st.integers(0, 3))
    def check_for_a_while(self, batches):
        left = iter([True] * batches)
        self._checked(lambda: next(left, False))

    @rule(step=st.sampled_from(["before", "after"]), at=st.integers(0, 2))
    def crash(self, step, at):
        """The store fails at some hand-over, before or after Kafka has the records; the connection is lost with it."""
        count = iter(range(at))

        def send(rows):
            if next(count, None) is not None:
                self.outside.sent.extend(rows)
                return
            if step == "after":
                self.outside.sent.extend(rows)
            raise Retry("the store is away")

        ports = replace(self.outside.ports, send=send)
        before = len(self.outside.sent)
        try:
            self._checked(lambda: True, ports=ports)
        except Retry:
            for record in self.outside.records()[before:]:
                self.excused[record["delivery_id"]] += 1
                self.excused[record["subject"]] += 1
            self._leave()

    @invariant()
    def whoever_follows_the_events_knows_each_place(self):
        events_tell_the_places(self.outside)

    @rule()
    def reconnect(self):
        self._leave()

    def _checked(self, go_on, ports=None):
        """Check; return whether the server let it come to its end."""
        try:
            if self.connection is None:
                opened = session(self.server.server, self.outside.mailbox, Password("secret"))
                self.connection = self.closing.enter_context(opened)
            others = [self.asked[folder] for folder in READ[:2]]
            self.server.check_over(self.connection, *others, rules={self.asked["R"]: RULE}, go_on=go_on, ports=ports)
        except MailServerError:
            self._leave()
            return False
        finally:
            self._note()
        return True

    def _leave(self):
        self.connection = None
        self.closing.close()

    def _note(self):
        for record in self.outside.records()[self.known :]:
            id_, content = record["delivery_id"], record["subject"]
            assert self.contents.setdefault(id_, content) == content, "one id, two mails"
            self.given[self.lineage[record["folder"]], content].add(id_)
            self.calls[id_] += 1
        self.known = len(self.outside.sent)

    # What must be so.

    def _all_is_well(self):
        rows = {(folder, epoch, uid): (str(id_), by) for id_, folder, epoch, uid, by in rows_of(self.outside)}
        read = [folder for folder in READ if self.asked[folder] == self.names[folder]]
        for folder in FOLDERS:
            epoch = self._epoch(folder)
            for uid, (content, flagged) in self._on_server(folder).items():
                id_, by = rows.get((self.names[folder], epoch, uid), (None, ""))
                if folder in read:
                    assert id_ is not None, f"{content} in {folder} was skipped"
                    assert self.contents[id_] == content, f"{content} in {folder} has the row of another mail"
                if flagged and (folder in read or folder == UNREAD):
                    assert by, f"{content} in {folder} is flagged and not tracked"
                if by == "" and id_ is not None:
                    assert self.calls[id_] <= 1 + self.excused[id_], f"{content} in {folder} was handed over again"
        for (folder, content), ids in self.given.items():
            most = self.arrived[folder][content] + self.excused[content]
            assert len(ids) <= most, f"{content} in {folder} is {len(ids)} deliveries"
        for id_, times in self.calls.items():
            assert times <= 2 + self.excused[id_], "handed over more often than flags and crashes explain"

    def _on_server(self, folder):
        """Return content and keyword of each mail by UID, as another client sees them."""
        found = {}
        with self.server.client() as client:
            assert client.select(wire_name(self.names[folder]), readonly=True)[0] == "OK"
            _, answers = client.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            for head, subject in (answer for answer in answers if isinstance(answer, tuple)):
                uid = int(head.partition(b"UID ")[2].split()[0])
                found[uid] = (subject.decode().removeprefix("Subject: ").strip(), b"$MailweaveTracked" in head)
        return found

    def _pick(self, folder, pick):
        uids = sorted(self._on_server(folder))
        return uids[pick % len(uids)] if uids else None

    def _epoch(self, folder):
        with self.server.client() as client:
            _, (text,) = client.status(wire_name(self.names[folder]), "(UIDVALIDITY)")
        return int(text.rpartition(b"UIDVALIDITY ")[2].rstrip(b")"))


@pytest.mark.parametrize("reader", ["fetcher", "router"])
def test_whatever_happens_to_folders_each_mail_is_decided_once(stack, outside, tmp_path, reader):
    host, _, port = stack.environ["MAILWEAVE_IMAP"].rpartition(":")

    def another():
        sent: list[object] = []
        ports = replace(outside.ports, send=sent.extend)
        return replace(outside, mailbox=f"m{uuid4().hex[:12]}@example.org", ports=ports, sent=sent)

    Folders.stack = stack
    Folders.room = tmp_path if reader == "router" else None
    Folders.outside_of = staticmethod(another)
    Folders.server_of = Server(host=host, port=int(port), tls="none", seconds=10)
    run_state_machine_as_test(
        Folders,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
