//! Write sets → rows, in one transaction per batch, with the fsync that all who wait share. Recalls days, and hands back the
//! debts that a commit made safe: this is the only module that settles them.
//!
//! Verbs of the domain. What a database is asked stands in its own file (`sqlite.rs`, `postgres`), what is made of the answers once
//! (`tables.rs`); `any.rs` chooses.

mod any;
mod block;
mod indexes;
mod journal;
mod postgres;
mod row;
mod sealed;
mod sqlite;
mod tables;

pub use any::{AnyOutbox as Outbox, AnyStore as Store, DatabaseUrl};
pub use block::BlockError;
pub use journal::{JOURNAL, JournalError, JournalReader, JournalWriter, Read, Record};
pub use postgres::{LinkStates, PgUrl, ServerHealth, Surveyor, Trouble};
pub use sealed::SealedHour;

use crate::aggregation::UnknownForm;
use crate::domain::time::Moment;

/// Why the store could not do what it was asked. What the caller may assume is said per variant.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused; nothing of the transaction is there.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date; nothing was read.
    #[error("schema: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored row cannot be read: the medium or somebody changed it.
    #[error("stored block: {0}")]
    Block(#[from] BlockError),
    /// A stored document cannot be read.
    #[error("stored document: {0}")]
    Document(#[from] serde_json::Error),
    /// Stored cells of a form that this release does not know.
    #[error(transparent)]
    Cells(#[from] UnknownForm),
    /// What a day left for the rules of spans cannot be read or written.
    #[error("a day's profile: {0}")]
    Profile(#[from] postcard::Error),
    /// Another process has raised the epoch: nothing was written, and this process must stop.
    #[error("another process writes to this database (our epoch {0} is over); stop one of the two")]
    Fenced(i64),
}

/// A register or rule set that was put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its entry.
    pub sequence: u64,
    /// When.
    pub at: Moment,
    /// A register; else a rule set.
    pub registry: bool,
    /// The document.
    pub content: Vec<u8>,
}

/// What `verify` found.
#[derive(Debug, Default)]
pub struct Audit {
    /// Entries read.
    pub entries: u64,
    /// Links recomputed.
    pub links: u64,
    /// Chains walked.
    pub chains: u64,
    /// What does not fit.
    pub faults: Vec<String>,
}
