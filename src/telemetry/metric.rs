//! Every metric's name, kind and help, in one file. To add one: a line here, and its use where the thing happens.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

macro_rules! metrics {
    ($($kind:ident $constant:ident $name:literal $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// Name and help of every metric, for the documentation.
        pub const ALL: &[(&str, &str)] = &[$(($name, $help),)*];

        /// Describes all of them to the installed recorder.
        pub fn describe() {
            $(metrics!(@describe $kind $name $help);)*
        }
    };
    (@describe counter $name:literal $help:literal) => { describe_counter!($name, Unit::Count, $help) };
    (@describe gauge $name:literal $help:literal) => { describe_gauge!($name, $help) };
    (@describe histogram $name:literal $help:literal) => { describe_histogram!($name, Unit::Seconds, $help) };
}

metrics! {
    counter PACKETS "hj212_packets_total" "Packets by fate: accepted, repeat, quarantined.";
    counter QUARANTINED "hj212_quarantined_total" "Packets kept apart, by reason.";
    counter REJECTED "hj212_rejected_total" "Bytes that were no packet, by reason.";
    counter REJECTED_UNKEPT "hj212_rejected_unkept_total" "Rejected or quarantined items beyond a peer's budget: counted, not journalled.";
    counter QUIRKS "hj212_quirks_total" "Tolerated deviations, by name.";
    counter READINGS "hj212_readings_total" "Readings taken into means.";
    counter UNUSABLE "hj212_unusable_values_total" "Values that made no reading, by reason.";
    counter LATE "hj212_late_packets_total" "Packets about another day than that of their arrival.";
    counter PARTS "hj212_split_messages_total" "Split messages, by outcome: complete, doubled, lost.";
    counter MEANS "hj212_means_published_total" "Publications of means, by span.";
    counter FINDINGS "hj212_findings_total" "Findings stated.";
    counter REFERRALS "hj212_referrals_total" "Referrals, by change.";
    counter ANSWERS "hj212_answers_total" "Acknowledgements handed to their connection.";
    counter ANSWERS_LOST "hj212_answers_lost_total" "Acknowledgements whose connection was gone or did not read.";
    counter LINKS_OPENED "hj212_links_opened_total" "Connections accepted.";
    counter LINKS_CLOSED "hj212_links_closed_total" "Connections ended, by reason.";
    counter LINKS_REFUSED "hj212_links_refused_total" "Connections refused, by limit.";
    counter SLOWED "hj212_reads_slowed_total" "Reads put off because a connection sent more bytes in a second than its limit.";
    counter BROKER_ERRORS "hj212_broker_errors_total" "What Kafka's client said by itself, by reason: away, refused, settings, gone, poison.";
    counter DISPOSITIONS "hj212_dispositions_received_total" "Records of the topic of dispositions, by fate: taken, dead_letter.";
    counter UNDELIVERABLE "hj212_undeliverable_total" "Events that Kafka will never take, kept in a file, by topic.";
    gauge LINKS "hj212_links" "Connections open now.";
    gauge LINKS_MAX "hj212_links_limit" "Setting: connections that may be open.";
    gauge PAGES_LINKS "hj212_pages_links" "Connections to the pages open now.";
    gauge PAGES_LINKS_MAX "hj212_pages_links_limit" "Setting: connections to the pages that may be open; further ones wait.";
    gauge INTAKE_BYTES "hj212_intake_bytes" "Most bytes that waited in the open batch since the last tick; above the limit connections stop reading.";
    gauge INTAKE_LIMIT "hj212_intake_limit_bytes" "Setting: bytes that may wait in the open batch.";
    gauge DATABASE_UP "hj212_database_up" "1 while the database does what it is asked, 0 while it is away and everything waits.";
    histogram COMMIT "hj212_commit_seconds" "One commit: a batch made durable.";
    histogram STEP "hj212_step_seconds" "One step of the engine over a batch.";
    histogram NEIGHBOURS "hj212_neighbours_seconds" "One comparison of all outlets of a day with each other.";
    histogram BATCH "hj212_batch_seconds" "One batch, from its being taken to its answers handed back.";
    counter ENTRIES "hj212_journal_entries_total" "Entries committed.";
    counter SEALED "hj212_sealed_total" "Hours rewritten into one row per logger.";
    counter SEAL_FAILURES "hj212_seal_failures_total" "Hours that could not be sealed; tried again.";
    counter RECALLS "hj212_recalls_total" "Outlet-days recalled from the store.";
    gauge RESIDENT_DAYS "hj212_resident_books" "Outlet-days in memory.";
    gauge REOPENED_DAYS "hj212_reopened_books" "Outlet-days that changed after they were computed and wait until they are quiet.";
    gauge TIMERS "hj212_timers" "Deadlines that wait in the engine.";
    gauge ENGINE_TIME "hj212_engine_time_seconds" "Engine time: the largest stamp seen.";
    counter CLOCK_JUMPS "hj212_clock_jumps_total" "Jumps of the wall clock against the monotonic clock; ticks were held.";
    gauge JOURNAL_UP "hj212_journal_up" "1 while Kafka acknowledges what a gateway or worker appends, 0 while it does not and everything waits.";
    gauge JOURNAL_LAG "hj212_journal_lag_records" "Records of a shard's journal that are there and were not taken yet.";
    gauge SHARDS "hj212_shards" "Shards that this worker has.";
    gauge OUTBOX "hj212_outbox_rows" "Events that wait for a sink, and those delivered since the last commit.";
    counter DELIVERED "hj212_events_delivered_total" "Events delivered, by topic.";
    counter DELIVERY_FAILURES "hj212_delivery_failures_total" "Deliveries that failed and are tried again.";
    counter BAD_VERSIONS "hj212_bad_versions_total" "Registers, rule sets or recounts that could not be put in force.";
    counter STATEMENTS "hj212_statements_total" "Statements of people and of other programs, by fate: declaration, comparison, visit, score, neighbours, repeated, refused.";
    counter RECOUNTED "hj212_recounts_total" "Stored outlet-days computed again after a register or a statement changed, or because somebody asked.";
    gauge RECOUNTS_LEFT "hj212_recounts_left" "Stored outlet-days that are still to be computed again.";
    counter OUTAGES "hj212_outages_total" "Outages noticed, by scope: receiver, region, contractor, gateway.";
    gauge SILENT "hj212_silent_loggers" "Loggers that are not heard.";
    gauge OUTAGES_NOW "hj212_outages" "Outages of regions, contractors and gateways that go on.";
    gauge DISCLOSURE_DUE "hj212_disclosure_due" "Confirmed days of the key units that are not disclosed yet, overdue ones included.";
    gauge DISCLOSURE_OVERDUE "hj212_disclosure_overdue" "Confirmed days of the key units that were not disclosed within the working days they have.";
    gauge NEIGHBOURS_UNTIL "hj212_neighbours_until_seconds" "End of the last day whose outlets were compared with each other by this process.";
    gauge REGISTRY "hj212_registry_rows" "Rows of the register in force, by table.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_counters_end_in_total() {
        let mut names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(ALL.iter().all(|(name, help)| name.starts_with("hj212_") && help.ends_with('.')));
    }
}
