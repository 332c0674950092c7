"""The faults that `make faults` runs, each by tests of the project. Their ids are those of the fault plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_LIMIT_SECONDS: Final = 180


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, a load or an attack, and what the product has to do.

    Attributes:
        id: Short name, such as F06.
        title: What happens.
        expected: What holds nevertheless.
        tests: Paths or node ids of tests, relative to the folder `tests`. They report figures with the property
            `measured`, and controls with the property `control`.
        seconds: The run is ended after this time, and counts as failed.
    """

    id: str
    title: str
    expected: str
    tests: tuple[str, ...]
    seconds: int = DEFAULT_LIMIT_SECONDS


_COHERENCE = "end_to_end/test_cache_coherence.py"
_SERVING = "server/test_serving.py"
_OUTAGE = "cache/test_redis_outage.py"
_CONCURRENT = "editing/test_concurrent_writes.py"
_DELIVERIES = "webhooks/test_webhook_deliveries.py"
_CROWDS = "end_to_end/test_crowds.py"

FAULTS: Final = (
    Fault(
        "F01",
        "edits while eight readers read every surface of two processes",
        "no wrong or stale response",
        (
            f"{_COHERENCE}::test_no_answer_is_wrong_while_articles_change",
            f"{_COHERENCE}::test_the_checker_finds_what_a_follower_that_believes_everything_does",
        ),
        300,
    ),
    Fault(
        "F02",
        "Redis refuses, hangs, is slow, resets connections",
        "reads go on, show every edit, and wait once at most",
        (
            f"{_OUTAGE}::test_reads_go_on_and_tell_every_edit_while_redis_is_in_trouble",
            f"{_OUTAGE}::test_a_fault_is_met_once_and_then_redis_is_left_alone",
            f"{_OUTAGE}::test_it_is_used_again_soon_after_it_is_back",
        ),
    ),
    Fault(
        "F03",
        "Redis hangs during edits and returns with its old contents",
        "nothing outdated is served",
        (
            f"{_COHERENCE}::test_redis_that_hangs_and_comes_back_with_its_old_memory_makes_nothing_stale",
            f"{_OUTAGE}::test_redis_is_back_with_its_old_memory_after_edits",
        ),
        240,
    ),
    Fault(
        "F04",
        "Redis is flushed under load",
        "one build for each response and process",
        (f"{_OUTAGE}::test_a_flushed_redis_costs_one_build_in_each_process",),
    ),
    Fault(
        "F05",
        "foreign, truncated and pickled values in Redis",
        "a miss, never executed",
        (
            f"{_OUTAGE}::test_what_is_not_ours_under_a_live_key_is_a_miss_and_is_written_over",
            "cache/test_redis_cache.py::test_foreign_bytes_under_a_key_are_a_miss",
            "cache/test_redis_cache.py::test_cut_or_altered_bytes_are_a_miss",
            "cache/test_redis_cache.py::test_what_another_program_left_in_redis_is_never_run",
        ),
    ),
    Fault(
        "F06",
        "Redis is full: it refuses writes, or evicts by LRU",
        "nothing outdated is served",
        ("cache/test_redis_eviction.py", f"{_OUTAGE}::test_a_full_redis_keeps_nothing_new_and_still_gives_what_it_has"),
    ),
    Fault(
        "F07",
        "1,000 clients hang up in the middle of a response",
        "no other client gets their response",
        ("end_to_end/test_outages.py::test_who_leaves_before_the_answer_never_gets_it_to_somebody_else",),
    ),
    Fault(
        "D01",
        "PostgreSQL hangs",
        "cached responses are sent as stale, all others are 503 within 1.5 s, writes too",
        (
            "end_to_end/test_outages.py::test_while_the_database_hangs_clients_get_what_is_kept_or_are_told_to_come_again",
            "cache/test_database_outage.py::test_what_is_kept_is_served_as_stale_and_all_else_refused_at_once",
            "editing/test_database_outage.py::test_every_write_is_refused_at_once",
        ),
    ),
    Fault(
        "D02",
        "PostgreSQL ends every connection, or restarts",
        "the next request succeeds",
        (
            "cache/test_database_outage.py::test_the_first_request_after_all_connections_were_cut_is_fine",
            "cache/test_database_outage.py::test_a_server_that_is_started_again_is_met_again_without_any_request",
        ),
    ),
    Fault(
        "D03",
        "200 clients a second behind a lock on one table",
        "they are refused, others are served as before",
        (
            f"{_CROWDS}::test_clients_behind_a_slow_query_are_refused_soon_and_others_do_not_notice",
            f"{_CROWDS}::test_without_the_lock_the_same_clients_are_served",
        ),
    ),
    Fault(
        "D04",
        "eight processes write to one SQLite file for a minute",
        "no caller meets a lock, nothing is lost",
        ("editing/test_sqlite_writers.py",),
        300,
    ),
    Fault(
        "D05",
        "two editors link to each other and tag in opposite order",
        "no deadlock reaches a caller",
        (f"{_CONCURRENT}::test_two_who_link_to_each_other_and_tag_in_opposite_order_never_wait_for_ever",),
    ),
    Fault(
        "D06",
        "`newsapi db upgrade` is killed at any moment and repeated",
        "the schema is complete and usable afterwards",
        ("db/test_killed_migration.py",),
    ),
    Fault(
        "P01",
        "imports are killed again and again",
        "every good line once and whole",
        (
            "imports/test_import_killed.py::test_an_import_that_is_killed_again_and_again_ends_whole",
            "imports/test_import_worker_killed.py",
        ),
        2_400,
    ),
    Fault(
        "P02",
        "SIGTERM and SIGHUP while requests are in progress",
        "every request is answered",
        (
            f"{_SERVING}::test_what_is_under_way_when_it_is_told_to_stop_is_answered",
            f"{_SERVING}::test_a_reload_replaces_every_process_and_loses_no_request",
        ),
    ),
    Fault(
        "P03",
        "a server process or the worker is killed",
        "it is replaced and takes only its own requests along",
        (
            f"{_SERVING}::test_a_process_that_is_killed_is_started_again_and_takes_only_its_own_requests_along",
            f"{_SERVING}::test_a_worker_that_is_killed_is_started_again",
        ),
    ),
    Fault(
        "P04",
        "the worker that leads is suspended, and continues after another took over",
        "each event and each publication has one effect",
        ("end_to_end/test_suspended_worker.py",),
        300,
    ),
    Fault(
        "P05",
        "steady load",
        "memory and descriptors do not grow",
        ("bench/test_soak.py",),
        300,
    ),
    Fault(
        "K01",
        "the disk is full",
        "writes are refused by name, reads go on, nothing is lost",
        ("editing/test_database_outage.py::test_a_full_disk_is_named_and_loses_nothing",),
    ),
    Fault(
        "K03",
        "the clock is set back",
        "no public article is lost, no work stands still",
        (
            "editing/test_scheduler.py::test_a_published_article_can_be_edited_after_the_clock_was_set_back",
            "editing/test_scheduler.py::test_an_import_after_the_clock_was_set_back_leaves_the_article_published",
            "worker/test_consumer_offsets.py::test_a_clock_set_back_holds_nobody_up_for_long",
        ),
    ),
    Fault(
        "K04",
        "times at changes of the clock, at other offsets, at the ends of the calendar",
        "the instant that is meant, or 422",
        (
            "editing/test_scheduler.py::test_the_instant_that_is_meant_is_the_one_that_counts",
            "editing/test_scheduler.py::test_a_time_that_is_none_or_has_no_offset_is_refused",
        ),
    ),
    Fault(
        "L01",
        "uncached reads at five times the capacity",
        "goodput at least 80 % of its peak, cached responses are served, refusals within 100 ms, recovery within 5 s",
        ("bench/test_overload.py", "server/test_overloaded_front.py"),
        600,
    ),
    Fault(
        "L02",
        "500 clients at an article that just changed",
        "one build for each process",
        (
            f"{_CROWDS}::test_a_crowd_at_an_article_that_just_changed_causes_one_build_a_process",
            f"{_CROWDS}::test_a_crowd_at_as_many_addresses_causes_as_many_builds",
        ),
    ),
    Fault(
        "L03",
        "clients that send and read slowly",
        "they are disconnected within half a minute, others are served",
        (f"{_SERVING}::test_slow_clients_are_let_go_within_half_a_minute_and_hold_nobody_up",),
    ),
    Fault(
        "L05",
        "the most expensive requests that are allowed",
        "each costs at most 50 times the median",
        ("content/test_costliest_reads.py",),
        300,
    ),
    Fault(
        "L06",
        "heads and bodies without end, malformed framing",
        "refused, the connection is closed, at most 64 MB of memory",
        (
            f"{_SERVING}::test_what_is_too_much_or_badly_framed_is_refused_and_the_connection_closed",
            "server/test_request_checks.py",
        ),
    ),
    Fault(
        "I01",
        "six writers, late commits, five followers that crash",
        "every copy is complete",
        ("sync/test_sync_completeness.py",),
        600,
    ),
    Fault(
        "I03",
        "altered, foreign and expired cursors, cursors from before a restore",
        "400 or 410",
        ("web/test_cursors.py", "sync/test_changes.py"),
        300,
    ),
    Fault(
        "I04",
        "50 editors of one article",
        "one wins for each version",
        (
            f"{_CONCURRENT}::test_of_fifty_editors_with_one_version_one_wins_and_nothing_is_lost",
            f"{_CONCURRENT}::test_of_fifty_editors_who_read_again_every_word_is_kept",
        ),
    ),
    Fault(
        "I05",
        "100 articles with one slug at once",
        "one gets it",
        (
            f"{_CONCURRENT}::test_of_a_hundred_with_one_slug_one_has_it",
            f"{_CONCURRENT}::test_a_hundred_new_articles_with_one_headline_have_a_hundred_slugs",
        ),
    ),
    Fault(
        "I06",
        "50 requests with one idempotency key",
        "one effect",
        (
            f"{_CONCURRENT}::test_fifty_repeats_at_once_have_one_effect",
            f"{_CONCURRENT}::test_a_request_that_was_killed_before_its_effect_can_be_sent_again_after_a_while",
        ),
    ),
    Fault(
        "I07",
        "half of the webhook calls fail, the worker is killed ten times",
        "every event arrives",
        (f"{_DELIVERIES}::test_every_event_arrives_though_half_of_the_calls_fail_and_workers_are_killed",),
    ),
    Fault(
        "I10",
        "import lines that are broken in any way",
        "named by line, the others are imported",
        ("imports/test_import_poison_records.py",),
    ),
    Fault(
        "E01",
        "hidden articles against every path, query and header",
        "not a word of them",
        ("editing/test_draft_leaks.py",),
        600,
    ),
    Fault(
        "E04",
        "a scheduled article comes due",
        "on no surface before, on every surface after",
        ("end_to_end/test_editing.py::test_the_hour_comes_on_every_surface_and_on_none_before",),
    ),
    Fault(
        "E05",
        "drafts, revisions and withdrawn articles that an editor read through Varnish",
        "anonymous clients see nothing of them",
        ("cdn/test_varnish_leaks.py",),
    ),
    Fault(
        "J02",
        "hostile markup, cleaned, in Chromium",
        "no script runs, reading it again changes nothing",
        ("text/test_hostile_html_in_browser.py", "text/test_hostile_html.py"),
        300,
    ),
    Fault(
        "J03",
        "XML bombs and external entities",
        "refused within a second, 64 MB, no connection",
        ("imports/formats/test_xml_bombs.py",),
        300,
    ),
    Fault(
        "J04",
        "webhooks to private addresses",
        "never called",
        ("worker/test_safe_http.py",),
    ),
    Fault(
        "J07",
        "forged headers and paths",
        "no later response is changed",
        ("web/test_request_headers.py",),
    ),
    Fault(
        "A01",
        "every operation with every kind of key",
        "as the table says; a refusal changes nothing",
        ("web/test_permission_matrix.py",),
        600,
    ),
    Fault(
        "A04",
        "more requests than the limit of an address or a key, forged addresses",
        "429 at the limit",
        ("web/test_rate_limits.py",),
    ),
)
