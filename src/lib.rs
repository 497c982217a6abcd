//! hj212d stands between the data loggers (数采仪) of polluting outlets and the people who enforce the law.
//!
//! A packet walks down one street, and at each door it becomes a little more meaningful:
//!
//! ```text
//! bytes → packet → readings → means → findings → cases → one transaction → sinks
//! ```
//!
//! The modules below stand in the order of that story, and a module uses only modules declared above it. Everything above
//! the street door is a set of functions from values to values: no socket, clock, runtime, file, log or random source.
//! Start reading at `engine`, then `rules::j_02`; `ARCHITECTURE.md` says what is deliberately absent.

/// With the allocator of glibc a packet costs half as much again at 100,000 outlets as at 1,000 (`benches/README.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod protocol;
pub mod domain;
pub mod link;
pub mod registry;
pub mod aggregation;
pub mod rules;
pub mod docket;
pub mod score;
pub mod disclosure;
pub mod message;
pub mod engine;

// --- the street door: below it there are sockets, clocks, files and logs ---

// At the other end of the wire: data loggers, played. Uses `protocol` and `domain` only.
pub mod fleet;

pub mod telemetry;
pub mod broker;
pub mod store;
pub mod pipeline;
pub mod sinks;
pub mod bridge;
pub mod listener;
pub mod http;
pub mod daemon;
