"""A server has many visitors, each with a session of its own; some upload large files."""

from conductor.tables import Table, number, spread
from conductor.targets import at_most, exactly

NAME = "sessions"
QUESTION = (
    "A server has many visitors: what does an idle session cost, "
    "what if all fall due or arrive at once, and what memory do large uploads leave allocated?"
)
CAVEAT = """
Sessions of VisitorSessions. "bytes beyond its tokens" is the heap that a session takes without the texts of its two tokens;
a storage gives each session a copy of one visitor's. Allocations are calls of operator new. A session at rest has no timer: when no
call is under way, `io_context::run()` returns at once. CPU of a call is that of the client's thread, for 64 calls at a time
over TLS, each in another session; the ratio is against calls among 1 000 sessions, made in turns with them: what grows is
what the processor's caches no longer hold.

For the second table the tokens of 10 000 visitors come into their advisory window in the same second, or expire, and each
makes a call, among those of sessions that are not due. The endpoint takes 5 ms. "while it is silent" it answers nothing at
all until all calls have been made: one that ends has not waited for it. A renewal ahead of need that finds no place is left
to a later call, so one call of each does not renew all.

New visitors arrive at once. Each gets tokens, which are stored by `FileTokenStorage::inDirectory` before its call
returns. A hook in the storage waits before each fsync; a session takes two, so one after the other would take 12 s. The
files are in memory (/dev/shm) where the system has that, so that a real fsync adds nothing.

Uploads are sent at once, each with its body of 12 MB (1 MB is 2^20 bytes) in a string, on connections that are open
before. Resident memory is that of the client process, read before the uploads and after the last response; a new process
for each round. The server is another process. The heap is what the allocator reports as in use: what it has freed and
keeps is in resident memory only.
"""

OURS = "wix::VisitorSessions"
FEW = "among 1 000"
AHEAD = "renewed ahead of need"
EXPIRED = "expired"
DUE = "due, token valid"
FRESH = "not due"
UNDER_WAY = ("token requests under way", "token requests under way, at work")
VISITORS, FSYNC_MS = 300, 20
STORED = "time until all are stored"
UPLOADER = "wix::Client"
UPLOADS, BODY_MB = 48, 12
RESIDENT = "resident memory added by uploads"


def run(bench):
    samples = bench.samples
    for turn in range(bench.rounds()):  # a million takes half a minute: once
        bench.measure("idle_sessions", "--largest", 1_000_000 if turn == 0 else 100_000, rounds=1)
    for sessions in (1_000, 10_000, 100_000, 1_000_000):
        samples.add_ratios(OURS, FEW, "CPU of a call", sessions=sessions)
    bench.measure("due_sessions")
    samples.add_ratios(DUE, FRESH, "p99 of a call")
    bench.measure("stored_visitors")
    bench.measure("upload_memory")


def targets(records):
    def worst(subject, metric):
        record = records.find(subject, metric)
        return record.max if record else None

    def beyond(subject, limit):
        """How many requests more than allowed were under way, at the worst moment that was seen."""
        most = [worst(subject, metric) for metric in UNDER_WAY]
        allowed = records.median("limits", limit)
        return None if allowed is None or None in most else max(0, max(most) - allowed)

    def any_of(metric, subject=OURS):
        values = [max(abs(r.min), abs(r.max)) for r in records if r.subject == subject and r.metric == metric]
        return max(values) if values else None

    def exchanges_each():
        record, sessions = records.find(EXPIRED, "exchanges of one call each"), records.median(EXPIRED, "sessions")
        return record and (record.min if record.min < sessions else record.max) / sessions

    return [
        at_most(
            "bytes of one of 100 000 sessions beyond its tokens",
            records.median(OURS, "memory of a session", sessions=100_000),
            1024,
        ),
        at_most(
            "CPU of a call among 1 000 000 sessions / among 1 000",
            records.median(OURS, f"CPU of a call / {FEW}", sessions=1_000_000),
            1.2,
        ),
        exactly("sessions missing", any_of("sessions missing"), 0),
        exactly("handlers run by sessions at rest", any_of("handlers run at rest"), 0),
        exactly("calls that waited for a renewal while their token was valid", worst(AHEAD, "calls that waited"), 0),
        exactly("renewals ahead of need at a time, beyond the limit", beyond(AHEAD, "token requests ahead of need"), 0),
        exactly("token requests of expired sessions at a time, beyond the limit", beyond(EXPIRED, "token requests"), 0),
        exactly("exchanges of all expired sessions / sessions", exchanges_each(), 1),
        exactly("sessions that became another visitor", worst("limits", "visitors made beyond the first"), 0),
        at_most("p99 of calls whose session is due / is not due", records.median(DUE, f"p99 of a call / {FRESH}"), 1.5),
        at_most(
            f"s until {VISITORS} new visitors are stored in files, an fsync takes {FSYNC_MS} ms",
            records.median(OURS, STORED, visitors=VISITORS, fsync=FSYNC_MS),
            2,
        ),
        exactly("new visitors without tokens", any_of("visitors without tokens"), 0),
        exactly("new visitors not stored", any_of("visitors not stored"), 0),
        exactly("new visitors created twice", any_of("visitors created twice"), 0),
        *(
            at_most(
                f"MB of resident memory that {UPLOADS} uploads of {BODY_MB} MB add, {name}",
                records.median(UPLOADER, RESIDENT, uploads=UPLOADS, tls=tls),
                5,
            )
            for tls, name in ((True, "TLS"), (False, "TCP"))
        ),
        exactly("failed uploads", any_of("failed uploads", UPLOADER), 0),
    ]


def tables(records):
    idle = Table(
        "idle sessions",
        "bytes of one beyond its tokens",
        "allocations to make one",
        "CPU to make one µs",
        "CPU of a call µs",
        "/ among 1 000",
    )
    for sessions, memory in records.line(OURS, "memory of a session", "sessions"):
        at = {"sessions": sessions}
        idle.row(
            number(sessions, 0),
            number(memory, 0),
            number(records.median(OURS, "allocations to make one", **at), 1),
            spread(records.find(OURS, "CPU to make one", **at), 1),
            spread(records.find(OURS, "CPU of a call", **at), 1),
            spread(records.find(OURS, f"CPU of a call / {FEW}", **at)),
        )
    due = Table("sessions that fall due in the same second", AHEAD, EXPIRED)
    for what, metric, digits in (
        ("most token requests at a time while it is silent", UNDER_WAY[0], 0),
        ("most token requests at a time, at work", UNDER_WAY[1], 0),
        ("calls that waited though their token was valid", "calls that waited", 0),
        ("exchanges after one call of each", "exchanges of one call each", 0),
        ("s from the end of the silence until all are answered", "time until all are answered", 2),
    ):
        due.row(what, *(number(records.median(subject, metric), digits) for subject in (AHEAD, EXPIRED)))
    latency = Table("p99 of a call while renewals run behind it", "µs", "ratio")
    ratio = spread(records.find(DUE, f"p99 of a call / {FRESH}"))
    latency.row("its session is due", spread(records.find(DUE, "p99 of a call"), 0), ratio)
    latency.row("its session is not due", spread(records.find(FRESH, "p99 of a call"), 0), None)
    return [idle, due, latency, _arriving(records), _uploading(records)]


def _arriving(records):
    table = Table("new visitors at once, stored in files", "fsync ms", "s until all are stored", "fsyncs", "not stored")
    for fsync in (0, FSYNC_MS):
        for visitors, _ in records.line(OURS, STORED, "visitors", fsync=fsync):
            at = {"visitors": visitors, "fsync": fsync}
            table.row(
                number(visitors, 0),
                fsync,
                spread(records.find(OURS, STORED, **at)),
                number(records.median(OURS, "fsyncs", **at), 0),
                number(records.median(OURS, "visitors not stored", **at), 0),
            )
    return table


def _uploading(records):
    table = Table(
        f"uploads of {BODY_MB} MB at once", "", "resident before MB", "added MB", "heap added MB", "connections", left=2
    )
    for tls, name in ((True, "TLS"), (False, "TCP")):
        for uploads, _ in records.line(UPLOADER, RESIDENT, "uploads", tls=tls):
            at = {"uploads": uploads, "tls": tls}
            table.row(
                number(uploads, 0),
                name,
                number(records.median(UPLOADER, "resident memory before uploads", **at), 1),
                spread(records.find(UPLOADER, RESIDENT, **at)),
                number(records.median(UPLOADER, "heap added by uploads", **at)),
                number(records.median(UPLOADER, "connections open after uploads", **at), 0),
            )
    return table


def charts(records):
    from conductor.charts import Lines

    return [
        Lines(
            "Idle sessions: memory of one beyond its tokens",
            "sessions",
            "bytes",
            {OURS: records.line(OURS, "memory of a session", "sessions")},
        ),
        Lines(
            "Idle sessions: CPU of a call in one of them",
            "sessions",
            "µs",
            {OURS: records.line(OURS, "CPU of a call", "sessions")},
            "Client thread, TLS, 64 calls at a time, each in another session.",
        ),
    ]
